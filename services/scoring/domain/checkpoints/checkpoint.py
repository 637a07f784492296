"""What a lead's facts came to at an earlier place, and the stretch of its history around a late fact.

A checkpoint is as much a function of the facts up to its place as the score is of all of them. It counts
only together with how often the lead was folded anew: whatever else than facts that come one by one changes
what counts (a move, other models) leaves those from before behind.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

import msgspec

from services.scoring.domain.facts import Fact, Place
from services.scoring.domain.running_score import ScoringState

EVERY: Final = 128
"""One checkpoint for so many facts of a lead; whoever has fewer has none."""


class Checkpoint(NamedTuple):
    """The running score after a fact, and how sources named the lead by then."""

    score: ScoringState
    external_ids: dict[str, str]

    @property
    def place(self) -> Place:
        """Return the place of the newest fact that it holds."""
        return Place(self.score.last_occurred, self.score.last_fact)


class Replaced(NamedTuple):
    """Asks the store to put these in the place of a lead's checkpoints between two places.

    ``after`` and ``until`` are left as they are; None is the end. Those from before ``recounts`` go.
    """

    lead: str
    recounts: int
    after: Place
    until: Place | None
    checkpoints: tuple[Checkpoint, ...]

    @property
    def is_of_the_past(self) -> bool:
        """Return whether there may be others between the two places; behind the newest fact are none."""
        return not self.checkpoints or self.checkpoints[-1].place != self.after


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """What a lead's history holds around what is coming.

    ``known`` are the ids, of those that are coming, that are stored already. ``facts`` are the stored facts
    after ``base``, in order, and ``ends`` checkpoints among them. An open stretch reaches to the newest fact
    and has no ends; another one reaches to the last of its ends.
    """

    known: frozenset[str]
    base: Checkpoint | None = None
    facts: tuple[Fact, ...] = ()
    ends: tuple[Checkpoint, ...] = ()

    @property
    def is_open(self) -> bool:
        """Return whether it reaches to the newest fact."""
        return not self.ends

    def unknown(self, coming: Collection[Fact]) -> list[Fact]:
        """Return those of the coming facts that are stored nowhere."""
        return [fact for fact in coming if fact.id not in self.known]

    def with_facts(self, new: Collection[Fact]) -> Stretch:
        """Return the stretch once these are stored; those behind a closed stretch are none of its own."""
        if not new:
            return self
        known = self.known.union(fact.id for fact in new)
        last = None if self.is_open else self.ends[-1].place
        within = [fact for fact in new if last is None or (fact.occurred, fact.id) <= last]
        facts = sorted([*self.facts, *within], key=lambda fact: (fact.occurred, fact.id)) if within else None
        return Stretch(known, self.base, self.facts if facts is None else tuple(facts), self.ends)
