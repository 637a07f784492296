"""What is said before a step is taken: whom it tells what, in English and Chinese."""

from __future__ import annotations

from typing import Final, NamedTuple

from services.scoring.domain.life.preview import Tally
from services.scoring.domain.life.register import Life


class Words(NamedTuple):
    """The same in both languages."""

    en: str
    zh: str


_NOTHING_BEFORE: Final = Words(
    "No version was live before this one: there is nothing to go back to.",
    "此前没有生效过的版本，无法退回。",
)


def say_publication(tally: Tally) -> Words:
    """Say whom publishing a version would tell of what was counted."""
    if not tally.affected and not tally.activated:
        return Words("Publishing changes no tier of a lead known by now.", "发布不会改变任何现有线索的级别。")
    return Words(
        f"Publishing tells nobody of these {tally.affected} changes and {tally.activated} activations: they"
        " count as told. If they are to be told, ask for it when you publish (tell_past). A rollback after"
        " that does not take back what was told.",
        f"发布时，这 {tally.affected} 次级别变化和 {tally.activated} 次激活不会通知任何人，视为已经通知过。"
        "如需通知，请在发布时明确要求（tell_past）；此后退回，不会撤销已经发出的通知。",
    )


def say_rollback(life: Life) -> Words:
    """Say what a rollback would do now, and whom it would tell."""
    if life.share is not None:
        version, live = life.share.version, life.live
        return Words(
            f"A rollback ends the share of version {version}; its leads come under"
            f" {f'version {live}' if live else 'no version'} again, and nobody is told of the past.",
            f"退回将结束版本 {version} 的分配，这些线索"
            f"{f'重新按版本 {live} 评分' if live else '不再由任何版本评分'}，过去的事不通知任何人。",
        )
    if not life.earlier:
        return _NOTHING_BEFORE
    before = life.earlier[-1]
    en = f"A rollback lets version {before} rule again." if before else "A rollback leaves no version live."
    zh = f"退回后由版本 {before} 重新生效。" if before else "退回后没有生效的版本。"
    if not life.leaves_others_told:
        return Words(
            f"{en} Nobody is told of the past unless you ask for it (tell_past).",
            f"{zh}过去的事不通知任何人，除非您明确要求（tell_past）。",
        )
    return Words(
        f"{en} Version {life.live} has told others of the past, and going back tells them nothing: they go on"
        " believing the later tier until each lead's next change. If they are to hear what holds again, ask"
        " for it (tell_past).",
        f"{zh}版本 {life.live} 曾把过去的变化通知出去，退回时不会另行通知：在每条线索下一次变化之前，"
        "对方仍以为后来的级别有效。如需通知对方恢复后的级别，请明确要求（tell_past）。",
    )
