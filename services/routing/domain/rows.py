"""What is written once and never changed: stays, decisions, what was said, follow-ups, tasks, notices."""

from __future__ import annotations

import msgspec

from services.routing.domain.assignment.deciding import Decision
from services.routing.domain.lead import Stay
from shared.kernel.instants import Instant


class StayBegan(msgspec.Struct, frozen=True, gc=False):
    """A lead came to another place, by this cause."""

    lead: str
    stay: Stay
    cause: str


class StayEnded(msgspec.Struct, frozen=True, gc=False):
    """A lead left a place; the next stay begins at the same instant."""

    lead: str
    number: int
    at: Instant
    reason: str


class DecisionMade(msgspec.Struct, frozen=True, gc=False):
    """Somebody was looked for; ``assignment`` is empty where nobody got the lead."""

    lead: str
    at: Instant
    cause: str
    reason: str
    assignment: str
    decision: Decision


class Said(msgspec.Struct, frozen=True, gc=False):
    """An event that was said of a lead: its number, id and name, its cause, and its fields as JSON.

    ``by`` is who asked for it, empty where nobody did.
    """

    lead: str
    number: int
    event: str
    kind: str
    at: Instant
    cause: str
    assignment: str
    by: str
    fields: bytes


class FollowUpRecorded(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A follow-up, counting or not. ``note`` may name people; erasure removes it."""

    id: str
    lead: str
    assignment: str
    rep: str
    at: Instant
    way: str
    result: str
    note: str
    counts: bool


class TaskOpened(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Somebody is asked to do something about a lead."""

    id: str
    lead: str
    kind: str
    rep: str | None
    team: str
    at: Instant
    missing: tuple[str, ...]
    cause: str


class TaskClosed(msgspec.Struct, frozen=True, gc=False):
    """A task is done with."""

    id: str
    at: Instant
    reason: str


class Notice(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Something that a rep, or with ``rep`` empty the managers, ought to be told through some channel."""

    id: str
    rep: str
    lead: str
    kind: str
    at: Instant
    cause: str


class LeadScrubbed(msgspec.Struct, frozen=True, gc=False):
    """Everything that could name the person of a lead is to go."""

    lead: str


Row = (
    StayBegan
    | StayEnded
    | DecisionMade
    | Said
    | FollowUpRecorded
    | TaskOpened
    | TaskClosed
    | Notice
    | LeadScrubbed
)
