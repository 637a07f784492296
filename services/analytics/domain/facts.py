"""Facts: what analytics knows, one row per event; every other table follows from the set of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from shared.kernel.instants import Instant

NO_PROFILE: Final = ""
"""The profile of a fact that is about no lead: a campaign's cost."""


class Place(NamedTuple):
    """Where a fact stands among others: by when it occurred, then when it was received, then its id.

    One order for everything that says first, last or latest. A correction that names the same instant
    is received later, and so it counts; the id decides only between facts that share both.
    """

    occurred: Instant
    received: Instant
    event: str


class Fact(msgspec.Struct, frozen=True, gc=False):
    """One thing learnt.

    ``id`` is that of the event which told it and ``kind`` its name. ``profile`` is whose fact it is;
    what later services say about a lead belongs to the profile that the lead is named after. ``cause``
    is the event behind it, ``message_id`` the client's own name for the message. ``occurred`` is never
    later than ``received``.
    """

    id: str
    kind: str
    profile: str
    occurred: Instant
    received: Instant
    cause: str | None
    message_id: str | None
    fields: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Draw an occurred time from the future back to the received time."""
        if self.occurred > self.received:
            msgspec.structs.force_setattr(self, "occurred", self.received)


_NEEDED_FIELDS: Final = frozenset(
    (
        *("acquisition", "source", "live_event", "message", "sequence", "lead", "version"),
        *("opportunity", "payment", "amount", "stage", "model", "to_tier", "direction", "at"),
        *("assignment", "rep", "due", "is_first", "in_time", "by_clock", "to_status", "reason"),
        *("act", "verdict", "dismissed", "pardons"),
    )
)


_WRITTEN_BY_HAND: Final = {"lead_changed": frozenset({"reason"})}
"""What people wrote about somebody, by kind; no sum is made of it."""


def scrubbed(fact: Fact) -> Fact:
    """Return what stays of an erased person's fact: what sums are made of, under opaque ids."""
    needed = _NEEDED_FIELDS - _WRITTEN_BY_HAND.get(fact.kind, frozenset())
    kept = {name: value for name, value in fact.fields.items() if name in needed}
    return msgspec.structs.replace(fact, message_id=None, fields=kept)
