"""Facts on the move: what a profile's home sends to the lead where the profile lives now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from services.scoring.domain.facts import Fact
from shared.contracts.events.internal_scoring import FactsMoved, MovedFact, ProfileForgotten, ProfileLeft
from shared.kernel.changes import Emission
from shared.kernel.instants import Instant, from_datetime, to_datetime

_MOST_FACTS: Final = 200
_MOST_BYTES: Final = 200_000
"""How much one piece may hold: records far below what any log takes."""


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """Where a profile's facts go: its home, the lead where it lives now, the version of that move."""

    profile: str
    lead: str
    version: int

    def pack(self, facts: Sequence[Fact], now: Instant) -> list[Emission]:
        """Return the pieces that carry these facts; without facts one that says where the profile is."""
        pieces = list(pieces_of(facts)) or [[]]
        return [
            Emission(
                FactsMoved(
                    profile=self.profile,
                    version=self.version,
                    lead=self.lead,
                    facts=piece,
                    part=number,
                    parts=len(pieces),
                ),
                self.lead,
                self.lead,
                now,
            )
            for number, piece in enumerate(pieces, 1)
        ]

    def call_back(self, lead: str, now: Instant) -> Emission:
        """Return what tells ``lead`` that the profile has left it for where the parcel goes."""
        left = ProfileLeft(profile=self.profile, version=self.version, lead=lead, to_lead=self.lead)
        return Emission(left, lead, lead, now)


def forget_copies(profile: str, lead: str, now: Instant) -> Emission:
    """Return what tells ``lead`` that a profile whose facts it was sent has been forgotten."""
    return Emission(ProfileForgotten(profile=profile, lead=lead), lead, lead, now)


def unpack(event: FactsMoved) -> Iterator[Fact]:
    """Return the facts that a piece carries, as their home keeps them."""
    return unpack_all(event.facts, profile=event.profile)


def unpack_all(moved_facts: Iterable[MovedFact], *, profile: str) -> Iterator[Fact]:
    """Return a profile's facts as their home keeps them."""
    for moved in moved_facts:
        occurred, received = from_datetime(moved.occurred), from_datetime(moved.received)
        yield Fact(moved.id, profile, occurred, received, moved.name, moved.fields)


def pieces_of(facts: Iterable[Fact]) -> Iterator[list[MovedFact]]:
    """Cut facts into pieces that are neither too many nor too large."""
    piece: list[MovedFact] = []
    size = 0
    for fact in facts:
        moved = MovedFact(
            id=fact.id,
            occurred=to_datetime(fact.occurred),
            received=to_datetime(fact.received),
            name=fact.name,
            fields=dict(fact.fields),  # type: ignore[arg-type]  # they came out of an event
        )
        weight = len(msgspec.json.encode(moved))
        if piece and (len(piece) == _MOST_FACTS or size + weight > _MOST_BYTES):
            yield piece
            piece, size = [], 0
        piece.append(moved)
        size += weight
    if piece:
        yield piece
