"""Routes that change something, under /routing/v1; each takes an ``Idempotency-Key``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.routing.api.asking import ACTORS, MANAGERS, Asker, ask
from services.routing.domain.commands import (
    AddLeave,
    CancelLeave,
    ClaimLead,
    FillHandover,
    RecordFollowUp,
    ReturnLead,
    SetCapacity,
    SetStatus,
    TransferLead,
)
from shared.http.commands import CommandCall, CommandRunner

Word = Annotated[str, Field(max_length=63)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
Answer = dict[str, Any]


class Body(BaseModel):
    """Keys that no route knows are refused."""

    model_config = ConfigDict(extra="forbid")


class ForRepIn(Body):
    """`rep` says for whom, where the token is no rep's."""

    rep: Word | None = None


class FollowUpIn(ForRepIn):
    """A follow-up: how, what came of it, what was said. Without a result or note it stops no clock."""

    way: Word
    result: Word = ""
    note: Annotated[str, Field(max_length=2_000)] = ""


class ReturnIn(ForRepIn):
    """Why the lead goes back to marketing: a listed reason."""

    reason: Word


class TransferIn(Body):
    """Who is to have the lead."""

    to_rep: Word


class HandoverIn(ForRepIn):
    """Fields of the hand-over list; an empty text clears one."""

    fields: dict[Word, Annotated[str, Field(max_length=2_000)]]


class StatusIn(ForRepIn):
    """The new status; invalid needs a listed reason."""

    status: Word
    reason: Word = ""


class LeaveIn(Body):
    """From one day to another, both included, in the calendar's zone."""

    first_day: Day
    last_day: Day


class CancelLeaveIn(Body):
    """The first day of the leave that is struck out."""

    first_day: Day


class CapacityIn(Body):
    """How many leads the rep may own at once."""

    capacity: Annotated[int, Field(ge=0, le=100_000)]


def commanding_router(commands: CommandRunner) -> APIRouter:
    """Return the routes that change something."""
    router = APIRouter(prefix="/routing/v1", tags=["routing"])
    _add_lead_routes(router, commands)
    _add_rep_routes(router, commands)
    return router


def _add_lead_routes(router: APIRouter, commands: CommandRunner) -> None:
    actor = ask(*ACTORS)

    @router.post("/leads/{lead}/claim", summary="Take a lead out of the pool (R6)")
    async def claim_lead(lead: str, body: ForRepIn, call: CommandCall, asker: Asker = actor) -> Answer:
        command = ClaimLead(by=asker.name, is_manager=asker.is_manager, rep=asker.for_rep(body.rep))
        return await _run(call, commands, lead, command)

    @router.post("/leads/{lead}/follow-ups", summary="Record a follow-up of the owner (R4)")
    async def record_follow_up(
        lead: str, body: FollowUpIn, call: CommandCall, asker: Asker = actor
    ) -> Answer:
        command = RecordFollowUp(
            by=asker.name,
            is_manager=asker.is_manager,
            rep=asker.for_rep(body.rep),
            way=body.way,
            result=body.result,
            note=body.note,
        )
        return await _run(call, commands, lead, command)

    @router.post("/leads/{lead}/return", summary="Give a lead back to marketing, with a reason (C17)")
    async def return_lead(lead: str, body: ReturnIn, call: CommandCall, asker: Asker = actor) -> Answer:
        command = ReturnLead(
            by=asker.name, is_manager=asker.is_manager, rep=asker.for_rep(body.rep), reason=body.reason
        )
        return await _run(call, commands, lead, command)

    @router.post("/leads/{lead}/transfer", summary="Give a lead to a rep by hand")
    async def transfer_lead(
        lead: str,
        body: TransferIn,
        call: CommandCall,
        asker: Asker = ask(*MANAGERS),  # noqa: B008
    ) -> Answer:
        command = TransferLead(by=asker.name, is_manager=True, to_rep=body.to_rep)
        return await _run(call, commands, lead, command)

    @router.post("/leads/{lead}/handover", summary="Fill in the hand-over list (R8)")
    async def fill_handover(lead: str, body: HandoverIn, call: CommandCall, asker: Asker = actor) -> Answer:
        command = FillHandover(
            by=asker.name, is_manager=asker.is_manager, rep=asker.for_rep(body.rep), fields=body.fields
        )
        return await _run(call, commands, lead, command)

    @router.post("/leads/{lead}/status", summary="Move the status by hand (R7)")
    async def set_status(lead: str, body: StatusIn, call: CommandCall, asker: Asker = actor) -> Answer:
        command = SetStatus(
            by=asker.name,
            is_manager=asker.is_manager,
            rep=asker.for_rep(body.rep),
            status=body.status,
            reason=body.reason,
        )
        return await _run(call, commands, lead, command)


def _add_rep_routes(router: APIRouter, commands: CommandRunner) -> None:
    boss = ask(*MANAGERS)

    @router.post("/reps/{rep}/leave", summary="A rep is away: nothing new is given to them then (R1)")
    async def add_leave(rep: str, body: LeaveIn, call: CommandCall, asker: Asker = boss) -> Answer:
        command = AddLeave(
            by=asker.name, is_manager=True, rep=rep, first_day=body.first_day, last_day=body.last_day
        )
        return await _run(call, commands, rep, command)

    @router.post("/reps/{rep}/leave/cancel", summary="Strike out a leave")
    async def cancel_leave(rep: str, body: CancelLeaveIn, call: CommandCall, asker: Asker = boss) -> Answer:
        command = CancelLeave(by=asker.name, is_manager=True, rep=rep, first_day=body.first_day)
        return await _run(call, commands, rep, command)

    @router.post("/reps/{rep}/capacity", summary="Change how many leads a rep may own (R1)")
    async def set_capacity(rep: str, body: CapacityIn, call: CommandCall, asker: Asker = boss) -> Answer:
        command = SetCapacity(by=asker.name, is_manager=True, rep=rep, capacity=body.capacity)
        return await _run(call, commands, rep, command)


async def _run(call: CommandCall, commands: CommandRunner, key: str, command: object) -> Answer:
    answer: Answer = await call.run(commands, key, command)
    return answer
