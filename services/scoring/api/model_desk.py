"""The desk at which models are drafted, tried, shared out, published and taken back."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.scoring.domain.life.deciding import LONGEST_WHY
from services.scoring.domain.life.register import Life
from services.scoring.domain.life.steps import (
    Command,
    DraftModel,
    PublishModel,
    RollBackModel,
    ShareModel,
    ValidateModel,
)
from services.scoring.queries.model_book import ModelBook, Preview
from shared.http.access import require
from shared.http.commands import CommandCall, CommandRunner
from shared.kernel.instants import Instant, format_instant
from shared.security.tokens import Principal, Role

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
}
"""Statuses of the codes of models."""

_READERS: Final[tuple[Role, ...]] = ("marketer", "manager", "read")


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
    """A model and its versions, the newest first."""

    model: str
    live: int | None
    share: dict[str, int] | None
    shadow: int | None
    tiers: list[str]
    versions: list[VersionOut]
    renewing: RenewingOut | None = None


class PreviewOut(BaseModel):
    """What publishing a version would change now, as far as it is counted.

    ``owners`` has for each rep, and for nobody under the empty name, how many would rise and fall. Told to be
    ready for sales would be ``activated``, and only if the past were told.
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
    )


def build_model_router(desk: ModelDesk) -> APIRouter:
    """Return the routes of models; managers and administrators take steps."""
    router = APIRouter(prefix="/scoring/v1/models", tags=["models"])
    reader = require(*_READERS)
    Author = Annotated[Principal, require("manager")]  # noqa: N806 - a type

    async def take(call: CommandCall, command: Command) -> dict[str, Any]:
        return await desk.run(command, received=call.received, idempotency_key=call.idempotency_key)

    @router.get("/{model}", dependencies=[reader], summary="A model, its versions and how far each is")
    async def read_model(model: str) -> LifeOut:
        found = {one.life.name: one for one in await desk.book.find_models()}
        life = await desk.book.find_life(model)
        live = found[model].live if model in found else None
        progress = await desk.book.find_progress()
        shown = show_life(life, [tier.name for tier in reversed(live.tiers)] if live is not None else ())
        shown.renewing = RenewingOut(
            done=progress.is_done, leads_seen=progress.seen, leads_renewed=progress.renewed
        )
        return shown

    @router.get("/{model}/history", dependencies=[reader], summary="Every step, with who took it and why")
    async def read_history(model: str) -> dict[str, Any]:
        return {"model": model, "steps": await desk.book.find_history(model)}

    @router.get(
        "/{model}/document", dependencies=[reader], summary="A version's document as it was handed in"
    )
    async def read_document(
        model: str,
        version: Annotated[int | None, Query(ge=1, description="Without it the live version")] = None,
    ) -> DocumentOut:
        number, paper = await desk.book.find_paper(model, version)
        lists = {name: list(values) for name, values in paper.lists.items()}
        return DocumentOut(model=model, version=number, document=paper.text, lists=lists)

    @router.post("/{model}/drafts", status_code=201, summary="Hand in the document of a new version")
    async def draft(model: str, body: DraftIn, call: CommandCall, author: Author) -> dict[str, Any]:
        """Check a document as the shipped ones are checked, and keep it; all faults are told at once."""
        text = body.document if isinstance(body.document, str) else _as_text(body.document)
        return await take(call, DraftModel(model=model, by=author.name, why=body.why, text=text))

    @router.post("/{model}/validate", summary="Try a draft on leads")
    async def validate(model: str, body: VersionIn, call: CommandCall, author: Author) -> dict[str, Any]:
        """Let a version score up to 1,000 leads and note what came of it; nothing is told of it."""
        command = ValidateModel(model=model, by=author.name, why=body.why, version=body.version)
        return await take(call, command)

    @router.post("/{model}/preview", status_code=202, summary="Count what publishing a version would change")
    async def preview(model: str, body: PreviewIn, _author: Author) -> PreviewOut:
        """Begin to count, over all leads; the answer comes at once, and `GET` tells how far it is."""
        await desk.previews.begin(model, body.version)
        return await desk.find_preview(model, body.version)

    @router.get("/{model}/preview", dependencies=[reader], summary="What publishing a version would change")
    async def read_preview(model: str, version: Annotated[int, Query(ge=1)]) -> PreviewOut:
        return await desk.find_preview(model, version)

    @router.post("/{model}/share", summary="Let a version rule a share of the leads")
    async def share(model: str, body: ShareIn, call: CommandCall, author: Author) -> dict[str, Any]:
        """Whoever is in a share stays in it while it grows; nothing is told of the past."""
        return await take(
            call,
            ShareModel(model=model, by=author.name, why=body.why, version=body.version, percent=body.percent),
        )

    @router.post("/{model}/publish", summary="Let a version rule every lead")
    async def publish(model: str, body: PublishIn, call: CommandCall, author: Author) -> dict[str, Any]:
        """Publish a validated version; see `tell_past`."""
        return await take(
            call,
            PublishModel(
                model=model,
                by=author.name,
                why=body.why,
                version=body.version,
                tells_past=body.tell_past,
                expected=body.expected,
            ),
        )

    @router.post("/{model}/rollback", summary="Go back, in one step")
    async def roll_back(model: str, body: RollBackIn, call: CommandCall, author: Author) -> dict[str, Any]:
        """End a share; without one let the version rule again that did before."""
        return await take(
            call,
            RollBackModel(
                model=model,
                by=author.name,
                why=body.why,
                tells_past=body.tell_past,
                expected=body.expected,
            ),
        )

    return router


def _as_text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)
