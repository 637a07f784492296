"""Merges that were wrong, taken back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.domain.identity.merging import UnmergeLead
from shared.http.access import require
from shared.http.commands import CommandCall, CommandRunner


class UnmergeIn(BaseModel):
    """Why the merge was wrong; stands in events, so it names nobody."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=200)] = "corrected"


class UnmergeOut(BaseModel):
    """The lead that stands by itself again, the one it was part of, and the profiles that went home."""

    lead: str
    from_lead: str
    profiles: list[str]


def build_merge_router(commands: CommandRunner) -> APIRouter:
    """Return the route that takes merges back."""
    router = APIRouter(prefix="/v1", tags=["ingest"])

    @router.post(
        "/leads/{lead}/unmerge",
        dependencies=[require("marketer", "manager")],
        summary="Take a merge back: the lead that was merged away stands by itself again",
    )
    async def unmerge_lead(lead: str, body: UnmergeIn, call: CommandCall) -> UnmergeOut:
        """Let a lead that was merged into another stand by itself; the two never merge again."""
        return UnmergeOut(**await call.run(commands, lead, UnmergeLead(lead, body.reason)))

    return router
