"""Leads by tier, over HTTP."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.scoring.api.wording.lines import tier_of
from services.scoring.api.wording.texts import WordsOut
from services.scoring.domain.tier_lists.place import Order, Range
from services.scoring.queries.tier_lists import Listed, TierLists
from shared.http.access import require
from shared.http.paging import CursorMalformed, Paging, cut_page
from shared.http.parameters.instants import read_instant
from shared.kernel.clock import Clock
from shared.kernel.instants import format_instant
from shared.security.tokens import Role

_READERS: Final[tuple[Role, ...]] = ("marketer", "manager", "service", "read")
"""A rep asks about one lead; who else there is, managers and marketing may know."""

Points = Annotated[float | None, Query(ge=-10_000_000, le=10_000_000, description="Both ends included")]
Since = Annotated[str | None, Query(description="Instant (RFC 3339): in the tier since; both ends included")]


class ListedOut(BaseModel):
    """A lead of the tier. ``points`` are those at ``scored_at``, by which lists are ordered.

    ``points_now`` have cooled since; null where the lead is about to come under another version. ``owner`` is
    the rep who has the lead, null for nobody.
    """

    lead: str
    points: float
    points_now: float | None
    scored_at: str
    tier_since: str
    version: int
    owner: str | None


class TierListOut(BaseModel):
    """Some leads of a tier; `next` is the cursor of the next page, null on the last."""

    model: str
    tier: str
    words: WordsOut
    items: list[ListedOut]
    next: str | None


def build_tier_list_router(*, lists: TierLists, clock: Clock) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/scoring/v1", tags=["scoring"], dependencies=[require(*_READERS)])

    @router.get(
        "/models/{model}/tiers/{tier}/leads",
        summary="Who is in a tier, by points or by since when, in pages",
    )
    async def find_leads(
        model: str,
        tier: str,
        paging: Paging,
        order: Annotated[
            Order, Query(description="Most points first, or who came into the tier last, or first")
        ] = "points",
        points_from: Points = None,
        points_to: Points = None,
        since_from: Since = None,
        since_to: Since = None,
    ) -> TierListOut:
        within = Range(
            _thousandths(points_from),
            _thousandths(points_to),
            read_instant(since_from),
            read_instant(since_to),
        )
        name = f"{model}/{tier}/{order}"
        cursor = paging.after(tuple[str, int, str])
        if cursor is not None and cursor[0] != name:
            raise CursorMalformed
        live, listed = await lists.find_leads(
            model,
            tier,
            order=order,
            within=within,
            after=None if cursor is None else cursor[1:],
            limit=paging.fetch_limit,
            now=clock.now(),
        )

        def key(one: Listed) -> tuple[str, int, str]:
            place = one.place
            return name, place.points if order == "points" else place.since, place.lead

        shown, following = cut_page(listed, paging, key=key)
        return TierListOut(
            model=model,
            tier=tier,
            words=tier_of(live, tier).out(),
            items=[_listed_out(one) for one in shown],
            next=following,
        )

    return router


def _listed_out(listed: Listed) -> ListedOut:
    place = listed.place
    return ListedOut(
        lead=place.lead,
        points=place.points / 1000,
        points_now=None if listed.points_now is None else listed.points_now / 1000,
        scored_at=format_instant(place.at),
        tier_since=format_instant(place.since),
        version=place.version,
        owner=listed.owner or None,
    )


def _thousandths(points: float | None) -> int | None:
    return None if points is None else round(points * 1000)
