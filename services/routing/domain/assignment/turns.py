"""Round robin that stays fair while people join, leave, are away or full.

Each member has a *level*, which rises by one with each lead that a turn gave them; the team has a
*floor*, the lowest level that was eligible at its latest decision. A level below the floor counts as
the floor: whoever was away, or is new, takes part as if they had kept up, and is not flooded.
The next is the eligible member with the lowest level, of equals the one whose turn is longest ago.

**The bound**: two members who are both eligible at every decision of some stretch of decisions get
counts that differ by at most one over that stretch, whatever others do. (Levels of eligible members
are the floor or one above it. Of two, the one at the lower level, or whose turn is longer ago, comes
first, and then has the other before it: so they alternate.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec


class Turn(msgspec.Struct, frozen=True, gc=False):
    """How far a member is: their level, and the number of the team's decision that last gave them a lead."""

    level: int = 0
    last: int = 0


class TeamTurns(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A team's turns. ``members`` are in the document's order, which breaks the last tie."""

    team: str
    members: tuple[str, ...] = ()
    floor: int = 0
    given: int = 0
    turns: dict[str, Turn] = {}

    def level_of(self, rep: str) -> int:
        """Return the level at which a member takes part."""
        return max(self.turns.get(rep, _FRESH).level, self.floor)


_FRESH = Turn()


def order(team: TeamTurns, eligible: Sequence[str]) -> list[str]:
    """Return the eligible members in the order in which they come next."""
    places: Mapping[str, int] = {rep: place for place, rep in enumerate(team.members)}
    return sorted(
        eligible,
        key=lambda rep: (
            team.level_of(rep),
            team.turns.get(rep, _FRESH).last,
            places.get(rep, len(places)),
            rep,
        ),
    )


def take_turn(team: TeamTurns, eligible: Sequence[str]) -> tuple[str, TeamTurns]:
    """Return whose turn it is among the eligible, of whom there is at least one, and the team after it."""
    chosen = order(team, eligible)[0]
    floor = team.level_of(chosen)
    given = team.given + 1
    turns = {**team.turns, chosen: Turn(floor + 1, given)}
    return chosen, msgspec.structs.replace(team, floor=floor, given=given, turns=turns)
