"""Facts: what scoring knows of a lead. Everything else here follows from the set of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

import msgspec

from shared.kernel.instants import Instant

ATTRIBUTES: Final = "attributes"
"""The name of a fact that tells who somebody is; every other name is an act."""

EXTERNAL_ID_PREFIX: Final = "external_id/"
"""A field of an attributes fact that names the lead as a source does: ``external_id/<source>``."""


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


def external_ids_in(facts: Iterable[Fact]) -> dict[str, str]:
    """Return how sources name the lead; of two names by one source the newest fact's holds."""
    found: dict[str, str] = {}
    for fact in in_order(facts):
        found = learn_external_ids(found, fact)
    return found


def learn_external_ids(known: dict[str, str], fact: Fact) -> dict[str, str]:
    """Return how sources name the lead after ``fact``; ``known`` itself is left as it is."""
    if fact.name != ATTRIBUTES:
        return known
    named = {
        name.removeprefix(EXTERNAL_ID_PREFIX): value
        for name, value in fact.fields.items()
        if name.startswith(EXTERNAL_ID_PREFIX) and isinstance(value, str)
    }
    return {**known, **named} if named else known
