"""The desk at which models are drafted, tried, shared out, published and taken back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Protocol

from pydantic import BaseModel, ConfigDict, Field

from services.scoring.api.wording.texts import WordsOut
from services.scoring.domain.life.deciding import LONGEST_WHY
from services.scoring.domain.life.register import Life
from services.scoring.domain.life.steps import (
    Command,
    ValidateModel,
)
from services.scoring.domain.life.words import Words, say_publication, say_rollback
from services.scoring.queries.model_book import Comparison, ModelBook, Preview
from shared.http.commands import CommandRunner
from shared.kernel.instants import Instant, format_instant

MODEL_STATUSES: Final[Mapping[str, int]] = {
    "document.faults": 422,
    "scoring.model_faults": 422,
    "scoring.model_throws": 422,
    "scoring.why_missing": 422,
    "scoring.not_validated": 409,
    "scoring.already_so": 409,
    "scoring.nothing_before": 409,
    "scoring.last_model": 409,
    "scoring.still_telling": 409,
    "scoring.counted_otherwise": 409,
    "scoring.no_shadow": 404,
}
"""Statuses of the codes of models."""


class WhyIn(BaseModel):
    """Why a step is taken; it stands in the model's history beside who took it."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, Field(min_length=1, max_length=LONGEST_WHY)]


class DraftIn(WhyIn):
    """The document of a new version: the text of its YAML, or the same as JSON."""

    document: str | dict[str, Any]


class VersionIn(WhyIn):
    """A step about one version."""

    version: Annotated[int, Field(ge=1)]


class ShadowIn(WhyIn):
    """The version that scores every lead apart; 0 ends it."""

    version: Annotated[int, Field(ge=0)]


class PreviewIn(BaseModel):
    """Which version is to be counted."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1)]


class ShareIn(VersionIn):
    """Of a hundred leads so many are under this version; 0 ends it."""

    percent: Annotated[int, Field(ge=0, le=100)]


class PublishIn(VersionIn):
    """Publish a version. Nothing is told of the past unless ``tell_past``.

    Then ``expected`` is how many changes of tier the preview has counted.
    """

    tell_past: bool = False
    expected: int | None = None


class RollBackIn(WhyIn):
    """Go back. Nothing is told of the past unless ``tell_past``; see publishing."""

    tell_past: bool = False
    expected: int | None = None


class VersionOut(BaseModel):
    """A version and how far it is: draft, validated, shadow, share, live, or earlier."""

    version: int
    stage: str
    digest: str


class RenewingOut(BaseModel):
    """Whether every lead is under the versions that rule by now; if not, how far that is."""

    done: bool
    leads_seen: int
    leads_renewed: int


class LifeOut(BaseModel):
    """A model and its versions, the newest first; ``rollback`` says what going back would do now."""

    model: str
    live: int | None
    share: dict[str, int] | None
    shadow: int | None
    tiers: list[str]
    versions: list[VersionOut]
    rollback: WordsOut
    renewing: RenewingOut | None = None


class PreviewOut(BaseModel):
    """What publishing a version would change now, as far as it is counted.

    ``owners`` has for each rep, and for nobody under the empty name, how many would rise and fall. Told to be
    ready for sales would be ``activated``, and only if the past were told. ``words`` say whom it tells.
    """

    model: str
    version: int
    done: bool
    holds: bool
    counted_at: str
    leads: int
    affected: int
    up: int
    down: int
    activated: int
    moves: dict[str, int]
    owners: dict[str, dict[str, int]]
    words: WordsOut


class TiersOut(BaseModel):
    """So many leads have this tier in the live version, and that one in shadow."""

    live: str | None
    shadow: str
    leads: int


class DifferingOut(BaseModel):
    """A lead whose tier in shadow is another than its live one, at the instant it was looked at."""

    lead: str
    live_tier: str | None
    live_points: float | None
    tier: str
    points: float
    as_of: str


class ComparisonOut(BaseModel):
    """A version in shadow beside the live one; ``items`` are leads that differ, by id."""

    version: int
    leads: int
    differing: int
    tiers: list[TiersOut]
    items: list[DifferingOut]


class DocumentOut(BaseModel):
    """A version's document as it was handed in, and the lists that it names, as they were then."""

    model: str
    version: int
    document: str
    lists: dict[str, list[str]]


class Previews(Protocol):
    """Counts what publications would change, a portion at a time."""

    async def begin(self, model: str, version: int) -> None:
        """Let a version be counted anew. :raises Rejected: if there is none."""
        ...

    async def step(self) -> bool:
        """Count one portion; return whether there was anything to count."""
        ...


class ModelDesk:
    """What can be asked and done about models; for the API and the command line."""

    def __init__(self, book: ModelBook, commands: CommandRunner, previews: Previews) -> None:
        self.book = book
        self.previews = previews
        self._commands = commands

    async def find_preview(self, model: str, version: int) -> PreviewOut:
        """Return the last count of a version. :raises PreviewUnknown: if nobody has asked for one."""
        preview, holds = await self.book.find_preview(model, version)
        return show_preview(preview, holds=holds)

    async def run(
        self, command: Command, *, received: Instant, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Take a step and return it. A version that is to be validated is tried on leads first.

        :raises Rejected: with what is wrong and what to do first.
        """
        if isinstance(command, ValidateModel):
            details = await self.book.try_version(command.model, command.version, at=received)
            command = ValidateModel(
                model=command.model,
                version=command.version,
                by=command.by,
                why=command.why,
                details=details,
            )
        reply: dict[str, Any] = await self._commands.run(
            key=command.model,
            command=command,
            received=received,
            idempotency_key=idempotency_key or secrets.token_hex(16),
        )
        return reply


def show_comparison(found: Comparison) -> ComparisonOut:
    """Translate a comparison."""
    tiers = [TiersOut(live=row["live_tier"], shadow=row["tier"], leads=row["leads"]) for row in found.tiers]
    return ComparisonOut(
        version=found.version,
        leads=sum(one.leads for one in tiers),
        differing=sum(one.leads for one in tiers if one.live != one.shadow),
        tiers=sorted(tiers, key=lambda one: (-one.leads, one.live or "", one.shadow)),
        items=[
            DifferingOut(
                lead=row["lead"],
                live_tier=row["live_tier"],
                live_points=None if row["live_points"] is None else row["live_points"] / 1000,
                tier=row["tier"],
                points=row["points"] / 1000,
                as_of=format_instant(row["at"]),
            )
            for row in found.differing
        ],
    )


def show_preview(preview: Preview, *, holds: bool) -> PreviewOut:
    """Translate a count; ``holds`` says that nothing else rules than when it began."""
    tally = preview.tally
    return PreviewOut(
        model=preview.model,
        version=preview.version,
        done=preview.done,
        holds=holds,
        counted_at=format_instant(preview.at),
        leads=tally.leads,
        affected=tally.affected,
        up=tally.up,
        down=tally.down,
        activated=tally.activated,
        moves=tally.moves,
        owners={rep: {"up": one.up, "down": one.down} for rep, one in sorted(tally.owners.items())},
        words=_words_out(say_publication(tally)),
    )


def show_life(life: Life, tiers: Sequence[str] = ()) -> LifeOut:
    """Translate a model's life."""
    share = None if life.share is None else {"version": life.share.version, "percent": life.share.percent}
    return LifeOut(
        model=life.name,
        live=life.live,
        share=share,
        shadow=life.shadow,
        tiers=list(tiers),
        versions=[
            VersionOut(version=version, stage=life.stage_of(version), digest=life.digests[version])
            for version in sorted(life.digests, reverse=True)
        ],
        rollback=_words_out(say_rollback(life)),
    )


def _words_out(words: Words) -> WordsOut:
    return WordsOut(en=words.en, zh=words.zh)
