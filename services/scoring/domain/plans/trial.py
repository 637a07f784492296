"""A lead with some steps of a plan behind it, scored by the very functions that score leads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from services.scoring.domain.facts import Fact
from services.scoring.domain.ledger import total
from services.scoring.domain.plans.moves import Move
from services.scoring.domain.rules.act import ActRule, object_of
from services.scoring.domain.rules.rule import Slot
from services.scoring.domain.rules.window import WindowRule
from services.scoring.domain.running_score import ScoringState, advance
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.tiers import ModelState, tier_at
from shared.kernel.instants import Instant

_FAR: Final = 10**12
"""More thousandths than any tier asks for: so far from it is whoever a model does not score."""


class Goal(NamedTuple):
    """What is to be reached: the tier at ``rank`` or a higher one; None is the gate of activation."""

    rank: int | None


class Taken(NamedTuple):
    """A step that was taken: what, and when."""

    move: Move
    at: Instant


class Trial(NamedTuple):
    """A lead at an instant, after the steps that were tried."""

    state: ScoringState | None
    at: Instant
    taken: tuple[Taken, ...] = ()


class Trials:
    """Tries steps on one lead under one model; each trial is a value, and nothing is remembered of it.

    ``state`` is the lead's by its facts up to ``at``, and steps come after that instant. ``tried`` counts the
    facts that were scored.
    """

    def __init__(
        self, model: CompiledModel, state: ScoringState | None, *, goal: Goal, profile: str, at: Instant
    ) -> None:
        self.model = model
        self.goal = goal
        self.begin = Trial(state, at + 1)
        self.profile = profile
        self.tried = 0
        self._models = ModelSet([model])

    def take(self, trial: Trial, move: Move, at: Instant) -> Trial:
        """Return the lead after one more step."""
        number = len(trial.taken) + 1
        self.tried += 1
        state = advance(self._models, trial.state, self.fact(move, at, number))
        return Trial(state, at, (*trial.taken, Taken(move, at)))

    def fact(self, move: Move, at: Instant, number: int) -> Fact:
        """Return the fact that a step would be."""
        return move.fact(f"plan-{number:02}", at, profile=self.profile, number=number)

    def after(self, facts: Sequence[Fact], at: Instant) -> Trial:
        """Return the lead at ``at`` after facts that come one after the other."""
        state = self.begin.state
        for fact in facts:
            self.tried += 1
            state = advance(self._models, state, fact)
        return Trial(state, at)

    def held(self, trial: Trial) -> ModelState | None:
        """Return what the model holds of the lead."""
        return None if trial.state is None else trial.state.models[self.model.name]

    def points(self, trial: Trial) -> int:
        """Return the score in thousandths."""
        held = self.held(trial)
        return 0 if held is None else total(self.model, held.slots, trial.at)

    def is_reached(self, trial: Trial) -> bool:
        """Return whether the goal is reached at the trial's instant."""
        held = self.held(trial)
        if held is None:
            return self.goal.rank == 0 and self.model.audience is None
        if self.goal.rank is None:
            return held.gate is not None and held.gate.passage is not None
        if self.model.leaves_out(held.slots):
            return False
        return tier_at(self.model, held, trial.at).tier >= self.goal.rank

    def distance(self, trial: Trial) -> int:
        """Return how far the goal is, nothing where it is reached: in thousandths, acts counting as many."""
        if self.is_reached(trial):
            return 0
        held, gate = self.held(trial), self.model.activation
        if self.model.audience is not None and (held is None or self.model.leaves_out(held.slots)):
            return _FAR
        if self.goal.rank is None:
            assert gate is not None
            acts = held.gate.acts if held is not None and held.gate is not None else ()
            counting = sum(trial.at - act.granted <= gate.window for act in acts)
            short = max(0, gate.at_least - self.points(trial))
            return short + max(0, gate.count - counting) * max(1, gate.at_least // gate.count) + 1
        bound = self.model.tiers[self.goal.rank].enter
        return max(1, (bound or 0) - self.points(trial))

    def has_effect(self, before: Trial, after: Trial) -> bool:
        """Return whether anything of the model is otherwise after a step than before."""
        was, held = self.held(before), self.held(after)
        if was is None or held is None:
            return held is not None and (any(map(_is_touched, held.slots)) or held.gate is not None)
        return held.slots != was.slots or held.gate != was.gate

    def chances(self, trial: Trial, move: Move) -> list[Trial]:
        """Return the lead after one more step, taken at once or when it first counts for more.

        Where a gap has not passed yet, a step is tried as well at the instant at which it has.
        """
        found: list[Trial] = []
        for at in (trial.at, *self._openings(trial, move)):
            after = self.take(trial, move, at)
            if self.has_effect(trial, after):
                found.append(after)
        return found

    def _openings(self, trial: Trial, move: Move) -> list[Instant]:
        held = self.held(trial)
        if held is None:
            return []
        fact = self.fact(move, trial.at, len(trial.taken) + 1)
        openings = set[Instant]()
        for rule, slot in zip(self.model.rules, held.slots, strict=True):
            if move.name in rule.acts:
                openings.update(_openings_of(rule, slot, fact))
        gate = self.model.activation
        if gate is not None and held.gate is not None:
            for kind in gate.acts.get(move.name, ()):
                named = f"{kind.name}:{object_of(fact, kind.objects)}"
                openings.update(act.granted + gate.apart for act in held.gate.acts if act.object == named)
        return sorted(opening for opening in openings if opening > trial.at)


def _is_touched(slot: Slot) -> bool:
    return bool(slot.marks or slot.recent)


def _openings_of(rule: object, slot: Slot, fact: Fact) -> Iterator[Instant]:
    """Give the instants from which on an act may count for a rule again."""
    if isinstance(rule, ActRule) and rule.gap and slot.marks:
        if rule.gap_per == "rule":
            yield slot.marks[-1].granted + rule.gap
        else:
            same = object_of(fact, rule.objects)
            yield from (mark.granted + rule.gap for mark in slot.marks if mark.object == same)
    elif isinstance(rule, WindowRule) and slot.recent:
        if rule.gap:
            yield slot.recent[-1].granted + rule.gap
        if rule.at_most is not None and len(slot.recent) >= rule.at_most:
            yield slot.recent[-rule.at_most].granted + rule.window + 1
