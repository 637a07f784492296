"""Facts: what scoring knows of a lead. Everything else here follows from the set of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

import msgspec

from shared.kernel.instants import Instant

ATTRIBUTES: Final = "attributes"
"""The name of a fact that tells who somebody is; every other name is an act."""


class Fact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing learnt: who the lead is (``name`` is :data:`ATTRIBUTES`) or what it did (an act's name).

    ``id`` is that of the event which told it. ``occurred`` is never later than ``received``: what
    claims to be, counts from when it was received (C12; the design's rule for windows and decay). In
    a fact of attributes, null means that an attribute is known to be empty.
    """

    id: str
    profile: str
    occurred: Instant
    received: Instant
    name: str
    fields: Mapping[str, object]

    def __post_init__(self) -> None:
        """Draw an occurred time from the future back to the received time."""
        if self.occurred > self.received:
            msgspec.structs.force_setattr(self, "occurred", self.received)


class Place(NamedTuple):
    """Where a fact stands among a lead's facts."""

    occurred: Instant
    id: str


def in_order(facts: Iterable[Fact], *, withdrawn: AbstractSet[str] = frozenset()) -> list[Fact]:
    """Return each fact once, ordered by (occurred, id), without those whose id was withdrawn."""
    unique = {fact.id: fact for fact in facts if fact.id not in withdrawn}
    return sorted(unique.values(), key=lambda fact: (fact.occurred, fact.id))
