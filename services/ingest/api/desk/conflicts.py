"""Conflicts: what the rules did not decide, listed for people, and how they settle it (I4)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.api.desk.leads import who
from services.ingest.domain.evidence.doubts import Conflict, Reason
from services.ingest.domain.identity.settling import Decided, SettleConflict
from shared.http.access import require
from shared.http.commands import CommandCall, CommandRunner
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, to_datetime
from shared.security.tokens import Principal

_BEGINNING: Final = (-1, "")


class CursorMalformed(Rejected):
    """`after` is what the last answer gave as `next`."""

    code = "conflict.cursor_malformed"


class Book(Protocol):
    """Knows what is doubted; ``services.ingest.queries.conflicts`` does."""

    def find(
        self, *, is_settled: bool, reason: str | None, after: tuple[Instant, str], limit: int
    ) -> Awaitable[list[Conflict]]:
        """Return conflicts, the oldest first."""
        ...

    def find_alike(self, lead: str, *, limit: int) -> Awaitable[Any]:
        """Return who may be the same person as a lead, and who works at the same company."""
        ...


class ConflictOut(BaseModel):
    """What is doubted of whom; names nobody.

    `leads` is whose message it was and, if there is anybody, who else it may be. `identifier` is the kind
    of what was not followed, `likeness` for what is alike. `message` is the raw record's id.
    """

    id: str
    reason: Reason
    identifier: str
    leads: list[str]
    message: str
    message_id: str | None
    at: datetime
    settled: Decided | None
    settled_at: datetime | None
    settled_by: str | None
    note: str | None


class ConflictsOut(BaseModel):
    """Conflicts, the oldest first; `next` goes into `after` for those behind, null at the end."""

    conflicts: list[ConflictOut]
    next: str | None


class AlikeOut(BaseModel):
    """Leads that may be the same person, and leads at the same company."""

    duplicates: list[str]
    colleagues: list[str]


class SettleIn(BaseModel):
    """How a conflict is settled, and why; the note stands in events, so it names nobody."""

    model_config = ConfigDict(extra="forbid")

    decision: Annotated[
        Decided,
        Field(description="merge: one person; apart: two for good; dismiss: leave it as it is"),
    ]
    note: Annotated[str, Field(max_length=200)] = ""


class SettledOut(BaseModel):
    """What was settled, how and by whom."""

    id: str
    settled: Decided
    settled_by: str


class ConflictDesk:
    """Lists conflicts and settles them."""

    def __init__(self, book: Book, commands: CommandRunner) -> None:
        self.book = book
        self._commands = commands

    async def settle(
        self,
        conflict: str,
        *,
        decided: Decided,
        note: str,
        by: str,
        received: Instant,
        idempotency_key: str | None = None,
    ) -> SettledOut:
        """Settle one conflict.

        :raises Rejected: with what is wrong and how to put it right.
        """
        reply = await self._commands.run(
            key=conflict,
            command=SettleConflict(conflict=conflict, decided=decided, by=by, note=note),
            received=received,
            idempotency_key=idempotency_key or secrets.token_hex(16),
        )
        return SettledOut(**reply)


def show_conflict(conflict: Conflict) -> ConflictOut:
    """Return a conflict as it is shown."""
    leads = [conflict.lead, *([conflict.other_lead] if conflict.other_lead else [])]
    return ConflictOut(
        id=conflict.id,
        reason=Reason(conflict.reason),
        identifier=conflict.kind,
        leads=leads,
        message=conflict.cause,
        message_id=conflict.message_id,
        at=to_datetime(conflict.at),
        settled=conflict.settled,
        settled_at=None if conflict.settled_at is None else to_datetime(conflict.settled_at),
        settled_by=conflict.settled_by,
        note=conflict.note,
    )


def build_conflict_router(desk: ConflictDesk) -> APIRouter:
    """Return the routes at which conflicts are listed and settled."""
    router = APIRouter(prefix="/v1", tags=["ingest"])

    @router.get(
        "/conflicts",
        dependencies=[require("marketer", "manager")],
        summary="List what the rules did not decide about who is who",
    )
    async def list_conflicts(
        *,
        settled: Annotated[
            bool, Query(description="Those that are settled instead of those that are open")
        ] = False,
        reason: Reason | None = None,
        after: Annotated[str, Query(max_length=64)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> ConflictsOut:
        """Return conflicts, the oldest first; an open one whose two leads became one is over."""
        found = await desk.book.find(
            is_settled=settled,
            reason=None if reason is None else reason.value,
            after=_read_cursor(after),
            limit=limit,
        )
        last = f"{found[-1].at}:{found[-1].id}" if len(found) == limit else None
        return ConflictsOut(conflicts=[show_conflict(one) for one in found], next=last)

    @router.post(
        "/conflicts/{conflict}/settle", summary="Settle a conflict: merge, keep apart, or dismiss it"
    )
    async def settle_conflict(
        conflict: str,
        body: SettleIn,
        call: CommandCall,
        principal: Annotated[Principal, require("marketer", "manager")],
    ) -> SettledOut:
        """Decide about two leads. A merge can be taken back; two that are kept apart never merge by rules."""
        return await desk.settle(
            conflict,
            decided=body.decision,
            note=body.note,
            by=who(principal),
            received=call.received,
            idempotency_key=call.idempotency_key,
        )

    @router.get(
        "/leads/{lead}/alike",
        dependencies=[require("marketer", "manager")],
        summary="List who may be the same person as a lead, and who works at the same company",
    )
    async def find_alike(lead: str, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> AlikeOut:
        """Return ids of leads, lost ones included; nobody for a lead that is none of ours."""
        found = await desk.book.find_alike(lead, limit=limit)
        return AlikeOut(duplicates=list(found.duplicates), colleagues=list(found.colleagues))

    return router


def _read_cursor(after: str) -> tuple[Instant, str]:
    if not after:
        return _BEGINNING
    at, _, last = after.partition(":")
    if not at.isdigit() or not last or len(at) > 18:
        raise CursorMalformed
    return int(at), last
