"""The desk at which people see what stood for nothing, and say what it stands for (I3)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.domain.respelling.adding import AddSpelling, TakeBackSpelling
from services.ingest.queries.choices import ChoiceReport, ShownChoice
from shared.http.access import require
from shared.http.commands import CommandCall, CommandRunner
from shared.kernel.instants import Instant, to_datetime
from shared.security.tokens import Principal, Role

CHOICE_STATUSES: Final[Mapping[str, int]] = {
    "choices.attribute_unknown": 404,
    "choices.spelling_unknown": 404,
    "choices.value_unknown": 422,
    "choices.spelling_refused": 422,
}
"""Statuses of the codes of choices."""

_READERS: Final[tuple[Role, ...]] = ("marketer", "manager", "read")


class UnmatchedOut(BaseModel):
    """A text, folded, that stands for no value of the attribute; how often it was said, and when last."""

    attribute: str
    text: str
    times: int
    last_said_at: datetime


class UnmatchedListOut(BaseModel):
    """What stands for nothing, most frequent first."""

    items: list[UnmatchedOut]


class AddedOut(BaseModel):
    """A spelling that a person added."""

    spelling: str
    value: str
    added_at: datetime
    added_by: str


class ChoiceOut(BaseModel):
    """An attribute, its values, and how they are spelt."""

    attribute: str
    kind: str
    values: list[str]
    spellings: dict[str, list[str]]
    added: list[AddedOut]


class ProgressOut(BaseModel):
    """How far what was said before has been read by the spellings there are now."""

    version: int
    done: bool
    contacts_seen: int
    leads_changed: int


class ChoiceListOut(BaseModel):
    """Every attribute that is spelt."""

    items: list[ChoiceOut]
    reading_anew: ProgressOut


class SpellingIn(BaseModel):
    """A spelling, and the value for which it stands from now on."""

    model_config = ConfigDict(extra="forbid")

    spelling: Annotated[
        str, Field(max_length=200, description="As people type it; width and case do not count")
    ]
    value: Annotated[str, Field(max_length=100, description="One of the attribute's values")]


class SpellingOut(BaseModel):
    """What a spelling stands for now, and what it stood for before; None is nothing."""

    attribute: str
    spelling: str
    value: str | None
    stood_for: str | bool | None
    version: int


class ChoiceDesk:
    """What can be asked of choices; for the API and the command line."""

    def __init__(self, report: ChoiceReport, commands: CommandRunner) -> None:
        self.report = report
        self.commands = commands

    async def run(
        self,
        command: AddSpelling | TakeBackSpelling,
        *,
        received: Instant,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Carry a command out and return what the spelling stands for now.

        :raises Rejected: with what is wrong and how to put it right.
        """
        reply: dict[str, Any] = await self.commands.run(
            key="choices",
            command=command,
            received=received,
            idempotency_key=idempotency_key or secrets.token_hex(16),
        )
        return reply

    async def add(
        self, attribute: str, spelling: str, value: str, *, by: str, received: Instant
    ) -> dict[str, Any]:
        """Let a spelling stand for a value. :raises Rejected: with what is wrong."""
        command = AddSpelling(attribute=attribute, spelling=spelling, value=value, by=by)
        return await self.run(command, received=received)

    async def take_back(self, attribute: str, spelling: str, *, by: str, received: Instant) -> dict[str, Any]:
        """Take a spelling back that a person added. :raises Rejected: if nobody did."""
        command = TakeBackSpelling(attribute=attribute, spelling=spelling, by=by)
        return await self.run(command, received=received)


def build_choice_router(desk: ChoiceDesk) -> APIRouter:
    """Return the routes of choices; marketers and administrators say what spellings stand for."""
    router = APIRouter(prefix="/v1/choices", tags=["choices"])

    @router.get("", dependencies=[require(*_READERS)], summary="Standard choices and how they are spelt")
    async def list_choices() -> ChoiceListOut:
        """List every attribute with its values, and how far what was said before is read by them."""
        progress = await desk.report.find_progress()
        return ChoiceListOut(
            items=[_shown(one) for one in await desk.report.find_choices()],
            reading_anew=ProgressOut(
                version=progress.version,
                done=progress.is_done,
                contacts_seen=progress.seen,
                leads_changed=progress.changed,
            ),
        )

    @router.get(
        "/unmatched",
        dependencies=[require(*_READERS)],
        summary="What people wrote that stands for no value, most frequent first",
    )
    async def list_unmatched(
        attribute: Annotated[str | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> UnmatchedListOut:
        """List texts, folded, that stand for no value; they name nobody."""
        found = await desk.report.find_unmatched(attribute=attribute, limit=limit)
        items = [
            UnmatchedOut(
                attribute=one.attribute,
                text=one.text,
                times=one.times,
                last_said_at=to_datetime(one.newest),
            )
            for one in found
        ]
        return UnmatchedListOut(items=items)

    @router.get("/{attribute}", dependencies=[require(*_READERS)], summary="One attribute and its spellings")
    async def read_choice(attribute: str) -> ChoiceOut:
        """Return the values of an attribute, and the spellings of each."""
        (found,) = await desk.report.find_choices(attribute)
        return _shown(found)

    @router.post("/{attribute}/spellings", summary="Let a spelling stand for a value")
    async def add_spelling(
        attribute: str,
        body: SpellingIn,
        call: CommandCall,
        principal: Annotated[Principal, require("marketer")],
    ) -> SpellingOut:
        """Let a spelling stand for a value from now on, and for what was said before.

        It goes before the documents. Leads whose kept text says it get the value within minutes, unless a
        newer word has set it; GET /v1/choices tells how far that is.
        """
        command = AddSpelling(
            attribute=attribute, spelling=body.spelling, value=body.value, by=principal.name
        )
        return SpellingOut(
            **await desk.run(command, received=call.received, idempotency_key=call.idempotency_key)
        )

    @router.delete("/{attribute}/spellings", summary="Take back a spelling that a person added")
    async def take_back_spelling(
        attribute: str,
        spelling: Annotated[str, Query(max_length=200)],
        call: CommandCall,
        principal: Annotated[Principal, require("marketer")],
    ) -> SpellingOut:
        """Let a spelling stand for nothing more than the documents say; what it brought goes again."""
        command = TakeBackSpelling(attribute=attribute, spelling=spelling, by=principal.name)
        return SpellingOut(
            **await desk.run(command, received=call.received, idempotency_key=call.idempotency_key)
        )

    return router


def _shown(choice: ShownChoice) -> ChoiceOut:
    added: Sequence[AddedOut] = [
        AddedOut(spelling=one.spelling, value=one.value, added_at=to_datetime(one.at), added_by=one.by)
        for one in choice.added
    ]
    return ChoiceOut(
        attribute=choice.attribute,
        kind=choice.kind,
        values=list(choice.values),
        spellings=choice.spellings,
        added=list(added),
    )
