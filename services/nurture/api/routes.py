"""Nurture's routes under /nurture/v1."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from services.nurture.api.schemas import (
    LeadOut,
    MessageOut,
    SequenceOut,
    lead_out,
    message_out,
    sequence_out,
)
from services.nurture.domain.messages import State
from services.nurture.queries.leads import LeadQueries
from services.nurture.queries.messages import MessageQueries
from shared.http.access import require
from shared.http.paging import Page, Paging, cut_page
from shared.security.tokens import Role

_READERS: tuple[Role, ...] = ("marketer", "manager", "rep", "service", "read")


def build_router(*, leads: LeadQueries, messages: MessageQueries) -> APIRouter:
    """Return nurture's routes; nothing in their answers names a person."""
    router = APIRouter(prefix="/nurture/v1", tags=["nurture"], dependencies=[require(*_READERS)])

    @router.get("/leads/{lead}", summary="Runs, messages, what came back, and why it is in no other sequence")
    async def find_lead(lead: str) -> LeadOut:
        return lead_out(await leads.explain_lead(lead))

    @router.get(
        "/messages", summary="Messages in one state, oldest first; unconfirmed ones wait for a person"
    )
    async def find_messages(
        paging: Paging,
        state: State = "unconfirmed",
        sequence: Annotated[str | None, Query(max_length=63, pattern="^[a-z0-9_]+$")] = None,
    ) -> Page[MessageOut]:
        lines = await messages.find_messages(
            state=state, sequence=sequence, after=paging.after(tuple[int, str]), limit=paging.fetch_limit
        )
        shown, following = cut_page(
            lines,
            paging,
            key=lambda line: (line.message.settled_at or line.message.planned_at, line.message.id),
        )
        return Page(items=[message_out(line) for line in shown], next=following)

    @router.get("/sequences", summary="The live sequences, and what each has come to")
    async def list_sequences() -> list[SequenceOut]:
        return [sequence_out(counts) for counts in await messages.count_sequences()]

    return router
