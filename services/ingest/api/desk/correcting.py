"""Many leads put right at once, each by itself: one that cannot be leaves the others as they should be."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.api.desk.leads import CORRECTORS, CorrectionIn, read_correction
from services.ingest.domain.desk.corrections import CorrectionReader
from services.ingest.queries.leads import LeadSearch
from shared.http.access import require
from shared.http.commands import CommandCall, CommandRunner
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.security.tokens import Principal

MOST_ROWS: Final = 500
"""Rows that one request may bring; who has more sends several, and sees how far they are."""


class NamesNobody(Rejected):
    """No lead is known by this; GET /v1/leads tells whom you may mean."""

    code = "correction.names_nobody"


class NamesSeveral(Rejected):
    """Several leads are known by this; name the one you mean by its id."""

    code = "correction.names_several"


class NamedInNoWay(Rejected):
    """Name the lead in one way: lead, email, phone, or source together with external_id."""

    code = "correction.lead_unnamed"


class RowIn(CorrectionIn):
    """One correction, and whose it is: named by id, address, number, or a source's own id."""

    model_config = ConfigDict(extra="forbid")

    lead: str | None = None
    email: str | None = None
    phone: str | None = None
    source: str | None = None
    external_id: str | None = None


class BulkIn(BaseModel):
    """Rows, each a correction of its own; or `leads`, all of which are put right in the same way."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[list[RowIn], Field(max_length=MOST_ROWS)] = Field(default_factory=list)
    leads: Annotated[list[str], Field(max_length=MOST_ROWS)] = Field(default_factory=list)
    change: Annotated[CorrectionIn | None, Field(description="What is so of each of `leads`")] = None


class RowOut(BaseModel):
    """What became of one row, by its place from 0; `code`, `field` and `message` say why it was refused."""

    row: int
    verdict: Literal["corrected", "unchanged", "refused"]
    lead: str | None = None
    corrected: list[str] = Field(default_factory=list)
    code: str | None = None
    field: str | None = None
    message: str | None = None


class BulkOut(BaseModel):
    """How many rows changed something, how many were so already, how many were refused; and each row."""

    corrected: int
    unchanged: int
    refused: int
    rows: list[RowOut]


class NothingInBulk(Rejected):
    """Send rows, or leads together with change."""

    code = "correction.nothing_in_bulk"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionDesk:
    """Puts leads right, one or many; with it API and command line do the same."""

    search: LeadSearch
    reader: CorrectionReader
    commands: CommandRunner
    rows_at_once: int = field(default=MOST_ROWS)

    async def correct(
        self, rows: Sequence[RowIn], principal: Principal, *, received: Instant, idempotency_key: str = ""
    ) -> BulkOut:
        """Put every row's lead right, in order; sent again under the same key each takes effect once.

        :raises Unavailable: if the database does not answer; what was done stays done, ask again.
        """
        key = idempotency_key or secrets.token_hex(16)
        done = [
            await self._correct_one(place, row, principal, received=received, key=f"{key}/{place}")
            for place, row in enumerate(rows)
        ]
        counts = dict.fromkeys(("corrected", "unchanged", "refused"), 0)
        for one in done:
            counts[one.verdict] += 1
        return BulkOut(**counts, rows=done)

    async def _correct_one(
        self, place: int, row: RowIn, principal: Principal, *, received: Instant, key: str
    ) -> RowOut:
        lead = row.lead
        try:
            lead = await self._lead_of(row)
            command = read_correction(self.reader, lead, row, principal, version=None)
            reply: dict[str, Any] = await self.commands.run(
                key=lead, command=command, received=received, idempotency_key=key
            )
        except Rejected as error:
            return RowOut(
                row=place,
                verdict="refused",
                lead=lead,
                code=error.reason,
                field=error.field,
                message=error.message,
            )
        verdict: Literal["corrected", "unchanged"] = "corrected" if reply["corrected"] else "unchanged"
        return RowOut(row=place, verdict=verdict, lead=reply["lead"], corrected=reply["corrected"])

    async def _lead_of(self, row: RowIn) -> str:
        ways = [name for name in ("lead", "email", "phone", "external_id") if getattr(row, name)]
        if len(ways) != 1 or bool(row.source) != (ways == ["external_id"]):
            raise NamedInNoWay
        if row.lead:
            return row.lead
        found = await self.search.find(
            email=row.email, phone=row.phone, source=row.source, external_id=row.external_id
        )
        if len(found) != 1:
            raise NamesSeveral(field=ways[0]) if found else NamesNobody(field=ways[0])
        return found[0].id


def build_bulk_router(desk: CorrectionDesk) -> APIRouter:
    """Return the route that puts many leads right at once."""
    router = APIRouter(prefix="/v1/leads", tags=["ingest"])

    @router.post("/bulk", summary="Put up to 500 leads right, each by itself")
    async def correct_leads(
        body: BulkIn, call: CommandCall, principal: Annotated[Principal, require(*CORRECTORS)]
    ) -> BulkOut:
        """Put many leads right, with a verdict for each row; one that is refused leaves the others alone.

        Sent again under the same Idempotency-Key every row takes effect once.
        """
        if bool(body.rows) == bool(body.leads) or bool(body.leads) != (body.change is not None):
            raise NothingInBulk
        shared = body.change
        rows = body.rows or [
            RowIn(lead=lead, **shared.model_dump()) for lead in body.leads if shared is not None
        ]
        return await desk.correct(
            rows, principal, received=call.received, idempotency_key=call.idempotency_key
        )

    return router
