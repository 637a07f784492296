"""A plan: steps that would reach a goal, none of which can be left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.plans.moves import Move
from services.scoring.domain.plans.trial import Taken, Trial, Trials
from services.scoring.domain.scoring_models.compiled import CompiledModel
from services.scoring.domain.tiers import ModelState, next_crossing, tier_at
from shared.kernel.instants import Instant

_MOST_CROSSINGS: Final = 100
"""Nobody looks farther ahead than so many changes of tier by time alone."""


class Step(NamedTuple):
    """One step: ``fact`` is what would be learnt, ``points`` by how many thousandths it changes the score.

    ``rules`` are those that it counts for in the end. ``replaces`` are known values that it changes,
    ``others`` fields that would do as well in this plan.
    """

    move: Move
    fact: Fact
    points: int
    rules: tuple[str, ...]
    replaces: Mapping[str, object]
    others: tuple[Mapping[str, object], ...]


class Plan(NamedTuple):
    """Steps in order of time, and what they lead to. ``until`` is when time alone ends it, None is never.

    ``is_activated`` says whether the lead is ready for sales then, False where the model has no gate.
    """

    steps: tuple[Step, ...]
    tier: str
    points: int
    until: Instant | None
    is_activated: bool

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Return what would be learnt."""
        return tuple(step.fact for step in self.steps)


def is_minimal(trials: Trials, taken: tuple[Taken, ...]) -> bool:
    """Return whether no step of these, which reach the goal, can be left out."""
    facts = [trials.fact(one.move, one.at, number) for number, one in enumerate(taken, start=1)]
    at = taken[-1].at
    return not any(
        trials.is_reached(trials.after([*facts[:place], *facts[place + 1 :]], at))
        for place in range(len(facts))
    )


def without_needless(trials: Trials, taken: tuple[Taken, ...]) -> tuple[Taken, ...]:
    """Return the steps that are left when those that can be left out have been, one after the other."""
    place = 0
    while place < len(taken):
        fewer = (*taken[:place], *taken[place + 1 :])
        facts = [trials.fact(one.move, one.at, number) for number, one in enumerate(fewer, start=1)]
        if fewer and trials.is_reached(trials.after(facts, fewer[-1].at)):
            taken, place = fewer, 0
        else:
            place += 1
    return taken


def describe(trials: Trials, taken: tuple[Taken, ...]) -> Plan:
    """Return the plan that these steps are."""
    steps: list[Step] = []
    trial = trials.begin
    for one in taken:
        before = trials.points(Trial(trial.state, one.at))
        after = trials.take(trial, one.move, one.at)
        fact = trials.fact(one.move, one.at, len(after.taken))
        known = trial.state.attributes if trial.state is not None and fact.name == ATTRIBUTES else {}
        replaces = {name: known[name] for name in fact.fields if name in known}
        steps.append(Step(one.move, fact, trials.points(after) - before, (), replaces, ()))
        trial = after
    held = trials.held(trial)
    assert held is not None
    facts = [step.fact for step in steps]
    carried = _carried(trials.model, held)
    steps = [
        step._replace(rules=carried.get(step.fact.id, ()), others=_others(trials, facts, place, step.move))
        for place, step in enumerate(steps)
    ]
    return Plan(
        steps=tuple(steps),
        tier=trials.model.tiers[tier_at(trials.model, held, trial.at).tier].name,
        points=trials.points(trial),
        until=ends_at(trials, trial),
        is_activated=held.gate is not None and held.gate.passage is not None,
    )


def ends_at(trials: Trials, trial: Trial) -> Instant | None:
    """Return when time alone ends a goal that is reached; None if it never does. An activation stays."""
    held, rank = trials.held(trial), trials.goal.rank
    if held is None or rank is None:
        return None
    for crossing, tier in crossings_after(trials.model, held, trial.at):
        if tier < rank:
            return crossing
    return None


def crossings_after(model: CompiledModel, held: ModelState, at: Instant) -> list[tuple[Instant, int]]:
    """Return the changes of tier that time alone brings after ``at``, each with the tier held then."""
    found: list[tuple[Instant, int]] = []
    for _ in range(_MOST_CROSSINGS):
        crossing = next_crossing(model, held)
        if crossing is None:
            break
        tier, since = tier_at(model, held, crossing.at)
        held = msgspec.structs.replace(held, tier=tier, since=since, through=crossing.at)
        if crossing.at > at:
            found.append((crossing.at, tier))
    return found


def _carried(model: CompiledModel, held: ModelState) -> dict[str, tuple[str, ...]]:
    """Return for each fact the rules for which it counts."""
    found: dict[str, tuple[str, ...]] = {}
    for rule, slot in zip(model.rules, held.slots, strict=True):
        for mark in {*slot.marks, *slot.recent}:
            if rule.name not in found.get(mark.event, ()):
                found[mark.event] = (*found.get(mark.event, ()), rule.name)
    return found


def _others(trials: Trials, facts: list[Fact], place: int, move: Move) -> tuple[Mapping[str, object], ...]:
    """Return those other fields of a step with which the plan reaches its goal all the same."""
    fitting = []
    for fields in move.others:
        fact = move._replace(fields=fields).fact(
            facts[place].id, facts[place].occurred, profile=trials.profile, number=place + 1
        )
        others = [*facts[:place], fact, *facts[place + 1 :]]
        if trials.is_reached(trials.after(others, facts[-1].occurred)):
            fitting.append(fields)
    return tuple(fitting)
