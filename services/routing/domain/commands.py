"""What people ask of routing over the API. ``by`` is who asks: a rep's id, or the name of a token."""

from __future__ import annotations

import msgspec


class Command(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What every command carries; ``is_manager`` for whoever may act for others."""

    by: str
    is_manager: bool = False


class ClaimLead(Command, frozen=True, kw_only=True):
    """Take a lead out of the public pool (R6)."""

    rep: str


class RecordFollowUp(Command, frozen=True, kw_only=True):
    """The owner has followed up; one that says nothing does not count (R4)."""

    rep: str
    way: str
    result: str = ""
    note: str = ""


class ReturnLead(Command, frozen=True, kw_only=True):
    """The owner gives the lead back to marketing, with a listed reason (C17)."""

    rep: str
    reason: str


class TransferLead(Command, frozen=True, kw_only=True):
    """A manager gives the lead to a rep by hand."""

    to_rep: str


class FillHandover(Command, frozen=True, kw_only=True):
    """Fields of the hand-over list are known (R8); an empty text clears one."""

    rep: str
    fields: dict[str, str]


class SetStatus(Command, frozen=True, kw_only=True):
    """The lead's status moves (R7); an invalid one needs a listed reason."""

    rep: str
    status: str
    reason: str = ""


class AddLeave(Command, frozen=True, kw_only=True):
    """A rep is away from one day to another, both included."""

    rep: str
    first_day: str
    last_day: str


class CancelLeave(Command, frozen=True, kw_only=True):
    """A rep is not away after all: the leave that begins on this day is struck out."""

    rep: str
    first_day: str


class SetCapacity(Command, frozen=True, kw_only=True):
    """A rep may own this many leads."""

    rep: str
    capacity: int


LeadCommand = ClaimLead | RecordFollowUp | ReturnLead | TransferLead | FillHandover | SetStatus
RepCommand = AddLeave | CancelLeave | SetCapacity
