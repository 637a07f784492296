"""Merging two leads by hand, and taking back merges that were wrong (I4)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.api.desk.leads import who
from services.ingest.domain.identity.merging import UnmergeLead
from services.ingest.domain.identity.settling import MergeLeads
from shared.http.access import require
from shared.http.commands import CommandCall, CommandRunner
from shared.security.tokens import Principal


class UnmergeIn(BaseModel):
    """Why the merge was wrong; stands in events, so it names nobody."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=200)] = "corrected"


class UnmergeOut(BaseModel):
    """The lead that stands by itself again, the one it was part of, and the profiles that went home."""

    lead: str
    from_lead: str
    profiles: list[str]


class MergeIn(BaseModel):
    """With whom a lead is one person, and why; the reason stands in events, so it names nobody."""

    model_config = ConfigDict(extra="forbid")

    other: Annotated[str, Field(max_length=64, description="The other lead's id")]
    reason: Annotated[str, Field(max_length=200)] = ""


class MergeOut(BaseModel):
    """The lead that stays, and the two that were merged."""

    lead: str
    merged: list[str]


def build_merge_router(commands: CommandRunner) -> APIRouter:
    """Return the routes that merge leads and take merges back."""
    router = APIRouter(prefix="/v1", tags=["ingest"])

    @router.post("/leads/{lead}/merge", summary="Merge two leads by hand: they are one person")
    async def merge_leads(
        lead: str,
        body: MergeIn,
        call: CommandCall,
        principal: Annotated[Principal, require("marketer", "manager")],
    ) -> MergeOut:
        """Make one lead of two, whatever the rules say; the smaller id stays. It can be taken back."""
        command = MergeLeads(lead=lead, other=body.other, by=who(principal), reason=body.reason)
        return MergeOut(**await call.run(commands, lead, command))

    @router.post(
        "/leads/{lead}/unmerge",
        summary="Take a merge back: the lead that was merged away stands by itself again",
    )
    async def unmerge_lead(
        lead: str,
        body: UnmergeIn,
        call: CommandCall,
        principal: Annotated[Principal, require("marketer", "manager")],
    ) -> UnmergeOut:
        """Let a lead that was merged into another stand by itself; the two never merge again."""
        return UnmergeOut(**await call.run(commands, lead, UnmergeLead(lead, body.reason, who(principal))))

    return router
