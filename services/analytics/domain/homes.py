"""Where profiles live: merges and un-merges move them, and the highest version wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from shared.kernel.instants import Instant


class Move(msgspec.Struct, frozen=True, gc=False):
    """A profile lives at ``lead`` from this version on."""

    event: str
    profile: str
    lead: str
    version: int
    received: Instant


class Home(NamedTuple):
    """The lead a profile lives at, and by which of its moves; 0 stands for none."""

    version: int
    lead: str


def first_home(profile: str) -> Home:
    """Return where a profile lives that never moved: at the lead that is named after it."""
    return Home(0, profile)


def home_after(home: Home, move: Move) -> Home:
    """Return where a profile lives once this move is known, in whatever order moves become known."""
    return max(home, Home(move.version, move.lead))


def homes_of(moves: Iterable[Move]) -> dict[str, Home]:
    """Return the homes of all profiles that have moved."""
    homes: dict[str, Home] = {}
    for move in moves:
        homes[move.profile] = home_after(homes.get(move.profile) or first_home(move.profile), move)
    return homes


def lead_of(homes: Mapping[str, Home], profile: str) -> str:
    """Return the lead that a profile lives at."""
    home = homes.get(profile)
    return profile if home is None else home.lead
