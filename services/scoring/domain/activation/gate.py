"""The gate as it computes: which acts it has counted in this sales cycle, and with which fact it was passed.

Only a fact passes a gate. Between two facts a score that cools can only fall, and acts can only leave
the window; a model whose score may rise by itself can therefore have no gate (its compiler says so).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from services.scoring.domain.facts import Fact, Place
from services.scoring.domain.rules.act import object_of
from services.scoring.domain.rules.rule import MOST_MARKS, Mark
from shared.conditions.compiler import Test
from shared.kernel.instants import Instant


class Passage(NamedTuple):
    """The gate was passed: with which fact, when that occurred, at how many thousandths of a point."""

    place: Place
    points: int


class GateState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a gate remembers of one lead in its present sales cycle.

    ``cycle`` counts from 1 the cycles that were activated, the present one included. ``began`` is the
    fact that ended the cycle before, None in the first. ``acts`` are those that count, oldest first,
    no more than are needed to judge the next; once the gate is passed, those with which it was.
    """

    cycle: int = 1
    began: Place | None = None
    acts: tuple[Mark, ...] = ()
    passage: Passage | None = None


_UNTOUCHED = GateState()


@dataclass(frozen=True, slots=True, kw_only=True)
class HighValueAct:
    """One kind of act that counts; ``objects`` names for each act the field that holds its object."""

    name: str
    objects: Mapping[str, str | None]
    test: Test | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationGate:
    """Opens at ``at_least`` thousandths of a point, with ``count`` acts within ``window`` microseconds.

    Of one kind and object an act counts only ``apart`` microseconds after the last that counted.
    ``acts`` are the kinds by the act they listen to, ``rearmed_by`` the facts that end a sales cycle;
    ``listens`` names the facts that change what the gate remembers.
    """

    at_least: int
    count: int
    window: int
    apart: int
    acts: Mapping[str, tuple[HighValueAct, ...]]
    rearmed_by: frozenset[str]
    listens: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Put together what is asked for with every fact."""
        object.__setattr__(self, "listens", self.rearmed_by.union(self.acts))

    def learn(self, state: GateState | None, fact: Fact) -> GateState | None:
        """Return what the gate remembers after a fact, or the very same state if that is nothing new.

        None is a gate that has heard nothing yet. Facts come in the order of (occurred, id).
        """
        kinds = self.acts.get(fact.name)
        if kinds is None:
            return self._begin_cycle(state, fact) if fact.name in self.rearmed_by else state
        if state is not None and state.passage is not None:
            return state
        for kind in kinds:
            if kind.test is None or kind.test(fact.fields):
                return self._count(state, kind, fact)
        return state

    def _begin_cycle(self, state: GateState | None, fact: Fact) -> GateState:
        """What happened before a loss or a return belongs to the cycle that it ended."""
        before = state or _UNTOUCHED
        return GateState(before.cycle + (before.passage is not None), Place(fact.occurred, fact.id))

    def _count(self, state: GateState | None, kind: HighValueAct, fact: Fact) -> GateState | None:
        mark = Mark(fact.occurred, fact.id, f"{kind.name}:{object_of(fact, kind.objects)}")
        before = state or _UNTOUCHED
        acts, since = before.acts, fact.occurred - self.apart
        needed = max(0, len(acts) + 1 - self.count)
        for place, act in enumerate(acts):
            if act.granted > since:
                if act.object == mark.object:
                    return state
                needed = min(needed, place)
        return GateState(before.cycle, before.began, (*acts[needed:], mark)[-MOST_MARKS:])

    def is_ready(self, state: GateState | None, at: Instant) -> bool:
        """Return whether at ``at``, that of the newest fact, only points may be wanting to pass."""
        if state is None or state.passage is not None or len(state.acts) < self.count:
            return False
        return at - state.acts[-self.count].granted <= self.window

    def open(self, state: GateState | None, fact: Fact, score: int) -> GateState | None:
        """Return the state after ``fact``, which has been learnt, if the lead's score is ``score`` then."""
        if state is None or score < self.at_least:
            return state
        passage = Passage(Place(fact.occurred, fact.id), score)
        return GateState(state.cycle, state.began, state.acts[-self.count :], passage)


class Standing(NamedTuple):
    """How a lead stands with a gate at an instant: the acts that count then, and when it was passed."""

    gate: ActivationGate
    cycle: int
    acts: tuple[Mark, ...]
    passage: Passage | None


def standing_at(gate: ActivationGate, state: GateState | None, at: Instant) -> Standing:
    """Return how a lead stands at ``at``, not before its newest fact."""
    if state is None:
        return Standing(gate, 1, (), None)
    acts = state.acts
    if state.passage is None:
        acts = tuple(act for act in acts if at - act.granted <= gate.window)
    return Standing(gate, state.cycle, acts, state.passage)
