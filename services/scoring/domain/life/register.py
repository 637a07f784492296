"""What the steps come to: for each model its versions, and which of them is live, shared out or in shadow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from services.scoring.domain.life.steps import RULING, Step

Stage: TypeAlias = Literal["shipped", "draft", "validated", "shadow", "share", "live", "earlier"]
"""How far a version is; ``earlier`` was live once, ``shipped`` stands in the documents and never was."""


class Share(NamedTuple):
    """A version that rules so many of a hundred leads."""

    version: int
    percent: int


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """One model. ``digests`` holds a digest for each version; ``live`` is None if none rules.

    ``earlier`` is what each publication took the place of, the latest last; 0 stands for none.
    ``tells_past`` says that of whoever comes under the live version it is told what differs by it.
    ``has_told`` says that it was told when the live version became live, whatever was shared out since.
    ``is_recorded`` says that some step speaks of the model.
    """

    name: str
    digests: Mapping[int, str] = {}
    validated: frozenset[int] = frozenset()
    live: int | None = None
    earlier: tuple[int, ...] = ()
    share: Share | None = None
    shadow: int | None = None
    tells_past: bool = False
    has_told: bool = False
    is_recorded: bool = False

    @property
    def leaves_others_told(self) -> bool:
        """Whether others were told of the past what a rollback, which tells nobody, would make untrue."""
        return self.has_told and self.share is None and bool(self.earlier)

    def stage_of(self, version: int) -> Stage:
        """Return how far a version is."""
        if version == self.live:
            return "live"
        if self.share is not None and version == self.share.version:
            return "share"
        if version == self.shadow:
            return "shadow"
        if version in self.earlier:
            return "earlier"
        if version in self.validated:
            return "validated"
        return "draft"


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """All models. ``number`` is that of the last step that changed which version rules some lead."""

    lives: Mapping[str, Life]
    number: int = 0
    steps: int = 0


def read_register(steps: Iterable[Step], *, shipped: Mapping[str, Mapping[int, str]]) -> Register:
    """Return what the steps come to; ``shipped`` are the digests of the documents by name and version.

    Of a model that no step speaks of the newest shipped version is live. Once somebody has taken a step
    the documents change nothing any more: another version of theirs waits like a validated draft.
    """
    lives = {
        name: Life(name=name, digests=digests, validated=frozenset(digests), live=max(digests))
        for name, digests in shipped.items()
    }
    number = last = 0
    for step in steps:
        life = lives.get(step.model) or Life(name=step.model)
        lives[step.model] = after_step(life, step)
        last = max(last, step.number)
        if step.kind in RULING:
            number = max(number, step.number)
    return Register(lives=lives, number=number, steps=last)


def after_step(life: Life, step: Step) -> Life:  # noqa: PLR0911 - one line for each kind
    """Return a model's life after a step."""
    version = step.version
    digests = {**life.digests, version: step.digest} if step.digest else life.digests
    life = msgspec.structs.replace(life, digests=digests, is_recorded=True)
    change = msgspec.structs.replace
    match step.kind:
        case "shipped":
            return change(life, live=version, validated=life.validated | {version})
        case "drafted":
            return life
        case "validated":
            return change(life, validated=life.validated | {version})
        case "shadowed":
            return change(life, shadow=version)
        case "shadow_ended":
            return change(life, shadow=None)
        case "shared":
            share = Share(version, step.percent) if step.percent else None
            return change(life, share=share, tells_past=False)
        case "published":
            return _published(life, step)
        case "rolled_back":
            if life.share is not None:
                return change(life, share=None)
            told = step.tells_past
            live = version or None
            return change(life, live=live, earlier=life.earlier[:-1], tells_past=told, has_told=told)


def _published(life: Life, step: Step) -> Life:
    return msgspec.structs.replace(
        life,
        live=step.version,
        earlier=(*life.earlier, life.live or 0),
        share=None,
        shadow=None if life.shadow == step.version else life.shadow,
        tells_past=step.tells_past,
        has_told=step.tells_past,
    )
