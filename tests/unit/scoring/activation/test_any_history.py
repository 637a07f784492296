"""Whatever the history: the gate is passed where the second opinion says, and told once per cycle."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.activation.told import Activation, is_untold
from services.scoring.domain.effects import Told, activations_to_emit
from services.scoring.domain.facts import Fact, Place, in_order
from services.scoring.domain.questions import score_at
from services.scoring.domain.running_score import ScoringState, advance, fold, is_in_order
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.vocabulary import CYCLE_ENDS
from shared.kernel.instants import DAY
from tests.examples import tried
from tests.unit.scoring.activation.second_opinion import Seen, activations, is_open
from tests.unit.scoring.histories import histories, promising_histories
from tests.unit.scoring.stories import START, shipped

pytestmark = pytest.mark.lasts(15)

MQL = ModelSet([shipped("mql")])
AS_MANY = settings(max_examples=tried(80), deadline=None)
ANY = st.one_of(promising_histories(), promising_histories(), histories())


def seen_in(states: list[ScoringState]) -> list[Seen]:
    """Every passage that the gate went through, from its states after each fact."""
    found: list[Seen] = []
    for state in states:
        gate = state.models["mql"].gate
        if gate is None or gate.passage is None:
            continue
        place, points = gate.passage
        acts = tuple(mark.event for mark in gate.acts)
        seen = Seen(gate.cycle, place.occurred, place.id, points, acts)
        if not found or found[-1] != seen:
            found.append(seen)
    return found


def learn_one_by_one(facts: list[Fact]) -> tuple[list[Activation], Told, ScoringState]:
    """Learn in this order and tell after each, as the service does."""
    said: list[Activation] = []
    state: ScoringState | None = None
    told = Told()
    for number, fact in enumerate(facts, 1):
        state = advance(MQL, state, fact) if is_in_order(state, fact) else fold(MQL, facts[:number])
        assert state is not None
        activations_now, told = activations_to_emit(MQL, state, told)
        assert len(activations_now) <= 1
        said += activations_now
    assert state is not None
    return said, told, state


@AS_MANY
@given(ANY)
def test_the_gate_is_passed_where_the_second_opinion_says(facts: list[Fact]) -> None:
    states: list[ScoringState] = []
    state: ScoringState | None = None
    for fact in in_order(facts):
        state = advance(MQL, state, fact)
        states.append(state)
    assert seen_in(states) == activations(facts)


@AS_MANY
@given(ANY)
def test_what_is_learnt_in_order_is_told_exactly_so(facts: list[Fact]) -> None:
    said, _, _ = learn_one_by_one(in_order(facts))
    assert [(one.cycle, one.at, one.points, one.acts) for one in said] == [
        (seen.cycle, seen.at, seen.points, seen.acts) for seen in activations(facts)
    ]


@AS_MANY
@given(ANY)
def test_in_any_order_each_is_told_once_per_cycle_and_the_last_one_is_never_missing(
    facts: list[Fact],
) -> None:
    said, told, state = learn_one_by_one(facts)
    ends = [Place(fact.occurred, fact.id) for fact in facts if fact.name in CYCLE_ENDS]
    assert [one.cycle for one in said] == sorted({one.cycle for one in said})
    for one, following in pairwise(said):
        assert any(one.at <= end.occurred <= following.at for end in ends), "a loss or a return lies between"
    assert not is_untold(state.models["mql"].gate, told.activations.get("mql"))
    seen = activations(facts)
    is_active = bool(seen) and not any(end > Place(seen[-1].at, seen[-1].fact) for end in ends)
    assert is_active == (
        state.models["mql"].gate is not None and state.models["mql"].gate.passage is not None
    )
    assert said or not is_active


@AS_MANY
@given(ANY, st.integers(START, START + 200 * DAY))
def test_only_a_fact_opens_the_gate_never_time_alone(facts: list[Fact], at: int) -> None:
    """Between two facts points only fade and acts only leave the window; so no timer is needed."""
    (score,) = score_at(MQL, facts, as_of=at)
    assert score.activation is not None
    if is_open(facts, at):
        assert score.activation.passage is not None


@AS_MANY
@given(ANY)
def test_the_state_is_a_function_of_the_set(facts: list[Fact]) -> None:
    assert learn_one_by_one(facts)[2] == fold(MQL, facts) == fold(MQL, reversed(facts))
