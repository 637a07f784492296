"""Where is what was sent? Asked by time, form, source, address or number; answered in words."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Annotated, Protocol

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from services.ingest.queries.arrivals import Arrival, Arrivals, Asked
from shared.http.access import require
from shared.kernel.instants import MINUTE, from_datetime, to_datetime


class ArrivalOut(BaseModel):
    """One thing that came in and what became of it: `taken_in`, `quarantined`, `refused` or `forgotten`.

    `what` are the events it became, `code` why it is of no use, `message` its id in quarantine or the raw
    topic. `en` and `zh` say it for people.
    """

    at: datetime
    source: str
    verdict: str
    what: list[str]
    text: str
    lead: str | None
    code: str | None
    message: str
    en: str
    zh: str


class ArrivalsOut(BaseModel):
    """What fits, oldest first; `waiting` messages are taken in and not worked off yet."""

    start: datetime
    end: datetime
    found: list[ArrivalOut]
    waiting: int
    en: str
    zh: str


class FindArrivals(Protocol):
    """Finds what came in; ``services.ingest.queries.arrivals`` does."""

    def __call__(self, asked: Asked, /) -> Awaitable[Arrivals]:
        """Return what fits."""
        ...


At = Annotated[AwareDatetime, Query(description="When it was sent, with its zone: 2026-03-02T10:02:00+08:00")]
Within = Annotated[int, Query(ge=1, le=24 * 60, description="Minutes before and after that count")]
Text = Annotated[str | None, Query(max_length=320)]


def build_arrival_router(find_arrivals: FindArrivals) -> APIRouter:
    """Return the route that tells where something is that was sent."""
    router = APIRouter(prefix="/v1", tags=["ingest"])

    @router.get(
        "/arrivals",
        dependencies=[require("marketer", "manager", "service", "read")],
        summary="Where is what was sent at a time: taken in, put aside, refused, and why",
    )
    async def list_arrivals(
        at: At,
        within: Within = 10,
        form: Text = None,
        source: Text = None,
        email: Text = None,
        phone: Text = None,
    ) -> ArrivalsOut:
        """Tell what came in then and what became of it. Shows no contact data."""
        start, end = at - timedelta(minutes=within), at + timedelta(minutes=within)
        asked = Asked(
            start=from_datetime(start),
            end=from_datetime(end) + MINUTE,
            form=form or None,
            source=source or None,
            email=email or None,
            phone=phone or None,
        )
        return show_arrivals(asked, await find_arrivals(asked))

    return router


def show_arrivals(asked: Asked, answer: Arrivals) -> ArrivalsOut:
    """Return an answer as it is shown."""
    return ArrivalsOut(
        start=to_datetime(asked.start),
        end=to_datetime(asked.end),
        found=[_shown(one) for one in answer.found],
        waiting=answer.waiting,
        en=answer.words.en,
        zh=answer.words.zh,
    )


def _shown(one: Arrival) -> ArrivalOut:
    return ArrivalOut(
        at=to_datetime(one.at),
        source=one.source,
        verdict=one.verdict,
        what=list(one.what),
        text=one.text,
        lead=one.lead,
        code=one.code,
        message=one.message,
        en=one.words.en,
        zh=one.words.zh,
    )
