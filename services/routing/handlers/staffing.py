"""Reps: who is away when, and how much they may own (R1). Changed by command, over the document's base."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from services.routing.domain.commands import AddLeave, CancelLeave, SetCapacity
from services.routing.domain.people import Leave, Rep, fault_of
from services.routing.handlers.asking import Refused
from services.routing.handlers.telling import Telling


def _find_rep(telling: Telling, rep_id: str) -> Rep:
    rep = telling.desk.reps.get(rep_id)
    if rep is None:
        raise Refused("there is no such rep", code="routing.rep_unknown")
    return rep


def _save(telling: Telling, rep: Rep) -> None:
    telling.desk.reps.put(rep.id, rep)
    telling.reply = {
        "rep": rep.id,
        "capacity": rep.capacity,
        "load": rep.load,
        "leave": [{"first_day": one.first_day, "last_day": one.last_day} for one in rep.leave],
    }


def add_leave(telling: Telling, command: AddLeave) -> None:
    """A rep is away from one day to another; nothing new is given to them then."""
    rep = _find_rep(telling, command.rep)
    leave = Leave(first_day=command.first_day, last_day=command.last_day)
    if problem := fault_of(leave):
        raise Refused(f"the leave {problem}", code="routing.leave_fault", field="first_day")
    days = sorted({*rep.leave, leave}, key=lambda one: (one.first_day, one.last_day))
    _save(telling, msgspec.structs.replace(rep, leave=tuple(days)))


def cancel_leave(telling: Telling, command: CancelLeave) -> None:
    """Strike out the leave that begins on a day."""
    rep = _find_rep(telling, command.rep)
    kept = tuple(one for one in rep.leave if one.first_day != command.first_day)
    if len(kept) == len(rep.leave):
        raise Refused("no leave begins on that day", code="routing.leave_unknown", field="first_day")
    _save(telling, msgspec.structs.replace(rep, leave=kept))


def set_capacity(telling: Telling, command: SetCapacity) -> None:
    """Change how many leads a rep may own; what they own already stays with them."""
    rep = _find_rep(telling, command.rep)
    _save(telling, msgspec.structs.replace(rep, capacity=command.capacity))


REP_COMMANDS: Final[Mapping[type, Callable[[Telling, Any], None]]] = {
    AddLeave: add_leave,
    CancelLeave: cancel_leave,
    SetCapacity: set_capacity,
}
"""Commands about a rep; their key is the rep's id."""
