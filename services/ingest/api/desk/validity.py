"""A person says that a lead is nobody, or that it is somebody after all (I5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.domain.validity.judging import InvalidateLead, ValidateLead
from shared.http.access import require
from shared.http.commands import CommandCall, CommandRunner
from shared.kernel.instants import Instant
from shared.security.tokens import Principal


class InvalidIn(BaseModel):
    """Why: one of the listed reasons, so that nobody is named in it and reasons can be counted."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=63, description="One of GET /v1/validity/reasons")]


class ValidIn(BaseModel):
    """What else to take back."""

    model_config = ConfigDict(extra="forbid")

    pardons: Annotated[
        bool, Field(description="Let acts count, too, that were dismissed one by one as a machine's")
    ] = False


class ValidityOut(BaseModel):
    """The lead (if the one named was merged away, the one that it is part of) and how it stands now.

    ``changed`` is False for one that was so before.
    """

    lead: str
    is_invalid: bool
    changed: bool


class ReasonsOut(BaseModel):
    """The reasons that a person may give."""

    reasons: list[str]


class ValidityDesk:
    """Calls leads invalid and valid, for the API and the command line."""

    def __init__(self, commands: CommandRunner, *, reasons: Sequence[str]) -> None:
        self._commands = commands
        self.reasons = list(reasons)

    async def call(
        self,
        lead: str,
        *,
        by: str,
        received: Instant,
        idempotency_key: str,
        invalid: str | None = None,
        pardons: bool = False,
    ) -> dict[str, Any]:
        """Call a lead invalid for the reason ``invalid``, valid where it is None.

        With ``pardons`` the acts of a lead that is called valid count, too, which were dismissed.

        :raises Rejected: if there is no such lead, or the reason is not listed.
        """
        command = (
            ValidateLead(lead=lead, by=by, pardons=pardons)
            if invalid is None
            else InvalidateLead(lead=lead, reason=invalid, by=by)
        )
        done: dict[str, Any] = await self._commands.run(
            key=lead, command=command, received=received, idempotency_key=idempotency_key
        )
        return done


def build_validity_router(desk: ValidityDesk) -> APIRouter:
    """Return the routes on which people call leads invalid and valid."""
    router = APIRouter(prefix="/v1", tags=["leads"])

    async def say(lead: str, call: CommandCall, principal: Principal, **what: Any) -> ValidityOut:
        done = await desk.call(
            lead,
            by=principal.name,
            received=call.received,
            idempotency_key=call.idempotency_key,
            **what,
        )
        return ValidityOut(**done)

    @router.post("/leads/{lead}/invalidate", summary="Call a lead invalid: kept, and never shown to sales")
    async def invalidate_lead(
        lead: str,
        body: InvalidIn,
        call: CommandCall,
        principal: Annotated[Principal, require("marketer", "manager")],
    ) -> ValidityOut:
        """Call a lead invalid: its points go, its owner is told, nothing more is sent; it can be undone."""
        return await say(lead, call, principal, invalid=body.reason)

    @router.post("/leads/{lead}/validate", summary="Call a lead valid, whatever the rules say")
    async def validate_lead(
        lead: str,
        body: ValidIn,
        call: CommandCall,
        principal: Annotated[Principal, require("marketer", "manager")],
    ) -> ValidityOut:
        """Call a lead valid: it is as it would be had nobody called it invalid, and stays so."""
        return await say(lead, call, principal, pardons=body.pardons)

    @router.get(
        "/validity/reasons",
        dependencies=[require("marketer", "manager", "rep", "read")],
        summary="The reasons for which a lead may be called invalid",
    )
    async def list_reasons() -> ReasonsOut:
        """List the reasons that a person may give."""
        return ReasonsOut(reasons=desk.reasons)

    return router
