"""Quarantine over HTTP: what lies there and why, one message with its bytes, and sending it round again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.domain.admission.quarantine import Choice, Replayed, Waiting
from shared.http.access import require
from shared.http.paging import Page, Paging, cut_page
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, to_datetime

_MOST: int = 10_000

Code = Annotated[str | None, Query(description="Only those with this reason")]
Source = Annotated[str | None, Query(description="Only this source's; empty: what nobody is known for")]


class NothingChosen(Rejected):
    """Say which messages: by code, by source, by ids, or all of them with everything."""

    code = "quarantine.nothing_chosen"


class Keeper(Protocol):
    """Knows quarantine; ``services.ingest.jobs.replaying`` does."""

    async def list_waiting(
        self, *, choice: Choice, after: tuple[Instant, str], limit: int
    ) -> Sequence[Waiting]:
        """Return messages that wait, oldest first."""
        ...

    async def find_waiting(self, record_id: str) -> Waiting:
        """Return one message."""
        ...

    async def count_waiting(self) -> Sequence[tuple[str, str, int]]:
        """Return source, reason and count."""
        ...

    async def replay(
        self, *, choice: Choice, as_source: str | None = None, limit: int | None = None
    ) -> Replayed:
        """Send messages round again."""
        ...


class MessageOut(BaseModel):
    """A message in quarantine, without anything personal. `tries` says how often it came back."""

    id: str
    source: str
    code: str
    received_at: datetime
    tries: int
    bytes: int
    can_go_round: bool


class WholeMessageOut(MessageOut):
    """A message with its bytes as they came, which may hold personal data.

    `record` is the record of the raw topic, or `request` what was turned away before it became one.
    """

    record: str | None = None
    request: dict[str, Any] | None = None


class CountOut(BaseModel):
    """How many messages of a source wait for one reason."""

    source: str
    code: str
    waiting: int


class CountsOut(BaseModel):
    """Counts by source and reason."""

    counts: list[CountOut]


class ReplayIn(BaseModel):
    """Which messages go round again, and as whose those that were turned away."""

    model_config = ConfigDict(extra="forbid")

    code: str | None = None
    source: str | None = None
    ids: Annotated[list[str] | None, Field(max_length=1_000)] = None
    everything: bool = False
    as_source: Annotated[
        str | None, Field(description="The source as which requests go that were turned away")
    ] = None
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 1_000


class ReplayedOut(BaseModel):
    """How many went round again, how many cannot, and what was refused anew, by reason."""

    replayed: int
    stayed: int
    refused: dict[str, int]


def build_quarantine_router(keeper: Keeper) -> APIRouter:
    """Return the routes of quarantine; bytes and sending again are an administrator's."""
    router = APIRouter(prefix="/v1/quarantine", tags=["ingest"])
    readers = require("marketer", "manager", "service", "read")

    @router.get("", dependencies=[readers], summary="What waits in quarantine, oldest first")
    async def list_messages(page: Paging, code: Code = None, source: Source = None) -> Page[MessageOut]:
        """List messages by source and reason; shows nothing personal."""
        after = page.after(tuple[int, str]) or (0, "")
        rows = await keeper.list_waiting(choice=Choice(code, source), after=after, limit=page.fetch_limit)
        shown, following = cut_page(rows, page, key=lambda row: (row.message.received, row.message.record_id))
        return Page[MessageOut](items=[MessageOut(**_shown(row)) for row in shown], next=following)

    @router.get("/counts", dependencies=[readers], summary="How much waits, by source and reason")
    async def count_messages() -> CountsOut:
        """Count what waits."""
        return CountsOut(
            counts=[
                CountOut(source=source, code=code, waiting=waiting)
                for source, code, waiting in await keeper.count_waiting()
            ]
        )

    @router.get("/{message_id}", dependencies=[require()], summary="One message as it came")
    async def show_message(message_id: str) -> WholeMessageOut:
        """Show one message with its bytes; it may hold personal data."""
        row = await keeper.find_waiting(message_id)
        sample = row.sample
        if sample is None:
            record = row.message.record.decode("utf-8", "backslashreplace")
            return WholeMessageOut(**_shown(row), record=record)
        request = {
            "method": sample.method,
            "path": sample.path,
            "query": sample.query,
            "headers": dict(sample.headers),
            "body": sample.content.decode("utf-8", "backslashreplace"),
            "is_cut": sample.is_cut,
        }
        return WholeMessageOut(**_shown(row), request=request)

    @router.post("/replay", dependencies=[require()], summary="Send messages round again")
    async def replay_messages(body: ReplayIn) -> ReplayedOut:
        """Send messages round again, under the ids they had, after what was wrong has been put right."""
        if body.code is None and body.source is None and body.ids is None and not body.everything:
            raise NothingChosen
        ids = None if body.ids is None else frozenset(body.ids)
        done = await keeper.replay(
            choice=Choice(body.code, body.source, ids), as_source=body.as_source, limit=body.limit
        )
        return ReplayedOut(replayed=done.went, stayed=done.stayed, refused=dict(done.refused))

    return router


def _shown(row: Waiting) -> dict[str, Any]:
    return {
        "id": row.message.record_id,
        "source": row.message.source,
        "code": row.message.code,
        "received_at": to_datetime(row.message.received),
        "tries": row.tries,
        "bytes": len(row.message.record),
        "can_go_round": row.can_go_round,
    }
