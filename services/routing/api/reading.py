"""Routes that answer questions, under /routing/v1."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.routing.api.asking import READERS, Asker, ask
from services.routing.api.schemas import (
    ExpiringOut,
    NoticeOut,
    PooledOut,
    RepOut,
    TaskOut,
    expiring_out,
    lead_out,
    notice_out,
    pooled_out,
    rep_out,
    soonest,
    task_out,
)
from services.routing.domain.sla.clocks import expires_at
from services.routing.queries.leads import LeadQueries
from services.routing.queries.lists import ListQueries
from shared.http.access import Forbidden
from shared.http.paging import Page, Paging, cut_page
from shared.kernel.clock import Clock

RepName = Annotated[str | None, Query(description="One rep's only; a rep's token sees its own anyway")]


def reading_router(*, leads: LeadQueries, lists: ListQueries, clock: Clock) -> APIRouter:
    """Return the routes that only read."""
    router = APIRouter(prefix="/routing/v1", tags=["routing"])
    reader = ask(*READERS)

    @router.get("/leads/{lead}", summary="Owner, status, clocks, and the trace of every decision")
    async def find_lead(lead: str, asker: Asker = reader) -> dict[str, Any]:
        found = await leads.find_lead(lead)
        spell = found.file.lead.spell
        owns = spell is not None and spell.rep == asker.rep
        if asker.rep is not None and not owns and found.file.lead.stay.place != "pool":
            raise Forbidden("a rep sees their own leads and the pool")
        return lead_out(found, with_texts=owns or asker.sees_texts)

    @router.get(
        "/pool", dependencies=[reader], summary="The public pool, those first that lie there longest (R6)"
    )
    async def find_pool(paging: Paging) -> Page[PooledOut]:
        rows = await lists.find_pool(after=paging.after(tuple[int, str]), limit=paging.fetch_limit)
        shown, following = cut_page(rows, paging, key=lambda lead: (lead.stay.since, lead.id))
        return Page(items=[pooled_out(lead) for lead in shown], next=following)

    @router.get("/expiring", summary="What is overdue, due or lost soon, soonest first (R5)")
    async def find_expiring(
        paging: Paging,
        within_hours: Annotated[int | None, Query(ge=0, le=1000, description="Working hours ahead")] = None,
        rep: RepName = None,
        asker: Asker = reader,
    ) -> Page[ExpiringOut]:
        now = clock.now()
        rows = await lists.find_expiring(
            now=now,
            within_hours=within_hours,
            rep=asker.limited_to(rep),
            after=paging.after(tuple[int, str]),
            limit=paging.fetch_limit,
        )
        shown, following = cut_page(rows, paging, key=lambda lead: (soonest(lead, expires_at(lead)), lead.id))
        return Page(
            items=[expiring_out(lead, expires=expires_at(lead), now=now) for lead in shown], next=following
        )

    @router.get("/tasks", summary="Open tasks, oldest first")
    async def find_tasks(paging: Paging, rep: RepName = None, asker: Asker = reader) -> Page[TaskOut]:
        rows = await lists.find_tasks(
            rep=asker.limited_to(rep), after=paging.after(tuple[int, str]), limit=paging.fetch_limit
        )
        shown, following = cut_page(rows, paging, key=lambda row: (row["opened"], row["id"]))
        return Page(items=[task_out(row) for row in shown], next=following)

    @router.get("/notices", summary="What reps and managers ought to be told, oldest first")
    async def find_notices(
        rep: RepName = None,
        after: Annotated[int, Query(ge=0, description="Number of the last notice seen")] = 0,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        asker: Asker = reader,
    ) -> list[NoticeOut]:
        rows = await lists.find_notices(rep=asker.limited_to(rep), after=after, limit=limit)
        return [notice_out(row) for row in rows]

    @router.get("/reps", summary="Reps: capacity, load, leave")
    async def find_reps(asker: Asker = reader) -> list[RepOut]:
        return [rep_out(one) for one in await lists.find_reps(now=clock.now(), rep=asker.rep)]

    @router.get("/reps/{rep}", summary="One rep")
    async def find_rep(rep: str, asker: Asker = reader) -> RepOut:
        (found,) = await lists.find_reps(now=clock.now(), rep=asker.limited_to(rep) or rep)
        return rep_out(found)

    return router
