"""The reps: they look for what is theirs or lies in the pool, and answer it by commands over HTTP.

Several of them reach for one lead of the pool at once.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from services.routing.domain.commands import (
    ClaimLead,
    Command,
    FillHandover,
    RecordFollowUp,
    ReturnLead,
    SetStatus,
)
from shared.postgres.database import Row
from tests.failure.surroundings.callers import Callers, Order

_REPS: Final = tuple(f"rep-{number}" for number in range(1, 7))
_FIND: Final = (
    "SELECT id, rep FROM lead WHERE place = ANY(ARRAY['owned', 'pool']) ORDER BY md5(id || $1) LIMIT 1"
)
_ANSWERED_AT_ONCE: Final = 3

Ask = Callable[[str, str], Awaitable[Sequence[Row] | None]]


class Reps(Callers):
    """Ask routing for what reps ask; ``ask`` looks leads up."""

    def __init__(
        self,
        ask: Ask,
        addresses: Callable[[], Sequence[str]],
        *,
        rate: float,
        seed: int,
        faults: list[str],
    ) -> None:
        super().__init__(addresses, rate=rate, seed=seed, faults=faults)
        self._ask_database = ask

    async def choose(self, pick: random.Random) -> Sequence[Order]:
        """Return what to do about a lead: of one in the pool a race, of an owned one what an owner does."""
        rows = await self._ask_database(_FIND, str(pick.random()))
        if not rows:
            return []
        lead, owner = rows[0]["id"], rows[0]["rep"]
        if owner is None:
            rivals = pick.sample(_REPS, _ANSWERED_AT_ONCE)
            return [_order(lead, ClaimLead(by=rep, rep=rep)) for rep in rivals]
        return [_order(lead, _decide(pick, owner if pick.random() < 0.95 else pick.choice(_REPS)))]

    def may_refuse(self, code: str) -> bool:
        """Return whether a command may be refused with this code: routing has many reasons."""
        return code.startswith("routing.") or code == "access.forbidden"

    def read(self, body: Any) -> object:
        """Return the answer as it is."""
        return body


def _decide(pick: random.Random, rep: str) -> Command:
    dice = pick.random()
    if dice < 0.55:
        result = pick.choice(("reached", "message_left", "no_answer"))
        return RecordFollowUp(by=rep, rep=rep, way="phone", result=result)
    if dice < 0.7:
        return ReturnLead(by=rep, rep=rep, reason=pick.choice(("not_ready", "no_need")))
    if dice < 0.85:
        known = {"budget": "yes", "decision_maker": "yes", "purchase_time": "3_months"}
        known |= {"pain_point": "dust", "current_solution": "by hand"}
        return FillHandover(by=rep, rep=rep, fields=known)
    return SetStatus(by=rep, rep=rep, status=pick.choice(("contacted", "interested")))


def _order(lead: str, command: Command) -> Order:
    path, body, other = _request_of(command)
    return Order(
        lead, command.by, f"/routing/v1/leads/{lead}/{path}", body, other, token=command.by, meaning=command
    )


def _request_of(command: Command) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    """Return the path, the body, and another body for it, if there can be one."""
    match command:
        case ClaimLead():
            return "claim", {}, None
        case RecordFollowUp():
            return "follow-ups", {"way": command.way, "result": command.result}, {"way": "email"}
        case ReturnLead():
            return "return", {"reason": command.reason}, {"reason": "other"}
        case FillHandover():
            return "handover", {"fields": command.fields}, {"fields": {"budget": "no"}}
        case SetStatus():
            return "status", {"status": command.status}, {"status": "new"}
        case _:
            raise TypeError(type(command).__name__)
