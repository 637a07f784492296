"""Whom a step would tell what is said before it is taken, in both languages."""

from __future__ import annotations

import pytest

from services.scoring.domain.life.preview import Tally
from services.scoring.domain.life.register import Life, Share, read_register
from services.scoring.domain.life.steps import Kind, Step
from services.scoring.domain.life.words import Words, say_publication, say_rollback

TOLD = ("believing the later tier", "仍以为后来的级别有效")
NOT_TOLD = ("Nobody is told of the past unless", "不通知任何人，除非")


def step(kind: Kind, version: int, *, tells_past: bool = False, percent: int = 0) -> Step:
    """A step about mql."""
    return Step(
        number=1,
        model="mql",
        version=version,
        kind=kind,
        at=0,
        by="Ann",
        why="a try",
        percent=percent,
        tells_past=tells_past,
    )


def life_after(*steps: Step) -> Life:
    """What they come to."""
    return read_register(steps, shipped={"mql": {1: "d1", 2: "d2", 3: "d3"}}).lives["mql"]


def has(words: Words, parts: tuple[str, str]) -> bool:
    """Whether both languages say it."""
    assert (parts[0] in words.en) is (parts[1] in words.zh)
    return parts[0] in words.en


@pytest.mark.parametrize(
    ("steps", "is_told"),
    [
        ([step("published", 2, tells_past=True)], True),
        ([step("published", 2, tells_past=True), step("shared", 3, percent=5), step("shared", 3)], True),
        ([step("published", 2)], False),
        ([step("published", 2, tells_past=True), step("published", 3)], False),
        ([step("published", 2), step("published", 3), step("rolled_back", 2, tells_past=True)], True),
        ([step("published", 2, tells_past=True), step("rolled_back", 1)], False),
    ],
)
def test_a_rollback_says_beforehand_that_what_was_told_stays_told(steps: list[Step], is_told: bool) -> None:
    life = life_after(step("shipped", 1), *steps)
    words = say_rollback(life)
    assert has(words, TOLD) is is_told is life.leaves_others_told
    assert has(words, NOT_TOLD) is (not is_told and bool(life.earlier))


def test_a_rollback_of_a_share_says_that_it_ends_it_and_tells_nobody() -> None:
    words = say_rollback(Life(name="mql", live=2, earlier=(1,), share=Share(3, 10), has_told=True))
    assert "ends the share of version 3" in words.en
    assert "结束版本 3 的分配" in words.zh
    assert not has(words, TOLD)


def test_where_there_is_nothing_to_go_back_to_it_says_so() -> None:
    assert has(say_rollback(Life(name="mql", live=1)), ("nothing to go back to", "无法退回"))
    assert has(say_rollback(Life(name="new", live=1, earlier=(0,))), ("no version live", "没有生效的版本"))


def test_a_preview_says_that_nobody_is_told_and_that_a_rollback_takes_nothing_back() -> None:
    words = say_publication(Tally(leads=9, up=2, down=1, activated=1))
    assert has(words, ("these 3 changes and 1 activations", "3 次级别变化和 1 次激活"))
    assert has(words, ("does not take back", "不会撤销"))
    assert has(say_publication(Tally(leads=9)), ("changes no tier", "不会改变任何现有线索的级别"))
