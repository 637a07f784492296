"""Verdicts: what counts for nothing is withdrawn, in any order, and comes back as it was (I5)."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import Fact, in_order
from services.scoring.domain.ledger import lines_at, total
from services.scoring.domain.questions import explain_at, tier_history
from services.scoring.domain.running_score import fold
from services.scoring.domain.scored_lead import scrubbed
from services.scoring.domain.verdicts import (
    ACT_VERDICT,
    DISMISSED,
    LEAD_VERDICT,
    without_withdrawn,
)
from shared.kernel.changes import Fact as Learned
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import DAY, HOUR, MINUTE, Instant
from tests.examples import tried
from tests.unit.scoring.handlers.plots import Plot, learn_fact, learn_move, play, plots
from tests.unit.scoring.handlers.telling import ADA, VISITOR, Told, learn
from tests.unit.scoring.handlers.world import World
from tests.unit.scoring.histories import LONGEST
from tests.unit.scoring.stories import BOTH, START

RANDOMS = st.integers(0, 2**32).map(Random)
END = START + LONGEST + 600 * DAY


def verdict(who: str, number: int, at: Instant, *, invalid: bool, pardons: bool = False) -> Learned:
    """A verdict about a profile as it comes from its topic."""
    identity = deterministic_id("verdict", who, str(number))
    fields = {"number": number, "invalid": invalid, "pardons": pardons}
    return learn_fact(Fact(identity, who, at, at, LEAD_VERDICT, fields))


def dismissed(told: Told, name: str, at: Instant | None = None, **fields: Any) -> Learned:
    """An act that counted for nothing when it was told."""
    act = told.fact(ADA, name, at, **fields)
    assert isinstance(act.event, Fact)
    return msgspec.structs.replace(
        act, event=msgspec.structs.replace(act.event, fields={**act.event.fields, DISMISSED: "bot"})
    )


def judged(act: Learned, number: int, at: Instant, *, dismissed: str) -> Learned:
    """A verdict about an act as it comes from its topic."""
    assert isinstance(act.event, Fact)
    identity = deterministic_id("judged", act.id, str(number))
    fields = {"act": act.id, "number": number, "dismissed": dismissed}
    return learn_fact(Fact(identity, act.key, at, at, ACT_VERDICT, fields))


@st.composite
def plots_with_verdicts(draw: st.DrawFn) -> Plot:
    """A plot, some of its profiles called invalid and valid in turn, some of its acts judged."""
    plot = draw(plots(max_facts=10, max_moves=4))
    learned = []
    for one in plot.learned:
        if isinstance(one.event, Fact) and draw(st.integers(0, 4)) == 0:
            fields = {**one.event.fields, DISMISSED: "bot"}
            one = msgspec.structs.replace(one, event=msgspec.structs.replace(one.event, fields=fields))  # noqa: PLW2901
        learned.append(one)
    acts = [one for one in learned if isinstance(one.event, Fact)]
    for act in draw(st.lists(st.sampled_from(acts), max_size=3, unique_by=id)) if acts else []:
        at = act.received + draw(st.integers(0, 10)) * DAY
        learned += [
            judged(act, number, at + number, dismissed="burst" if number % 2 else "")
            for number in range(1, draw(st.integers(1, 3)) + 1)
        ]
    for who in plot.homes:
        for number in range(1, draw(st.integers(0, 4)) + 1):
            at = START + draw(st.integers(0, 150)) * DAY
            pardons = number % 2 == 0 and draw(st.booleans())
            learned.append(verdict(who, number, at, invalid=number % 2 == 1, pardons=pardons))
    return plot._replace(learned=learned)


@settings(max_examples=tried(25), deadline=None)
@given(plots_with_verdicts(), RANDOMS)
def test_any_order_of_verdicts_facts_and_moves_gives_the_same_ledger(plot: Plot, random: Random) -> None:
    world = World()
    play(world, plot, random)
    for lead in set(plot.homes.values()):
        facts = [
            one.event
            for one in plot.learned
            if isinstance(one.event, Fact) and plot.homes[one.event.profile] == lead
        ]
        counted = without_withdrawn(facts)
        assert in_order(world.counted(lead)) == in_order(counted)
        state = world.kept(lead).score
        assert state == fold(BOTH, counted)
        if state is None:
            continue
        for model in BOTH.models:
            slots = state.models[model.name].slots
            lines = lines_at(model, slots, state.last_occurred)
            assert sum(line.points for line in lines) == total(model, slots, state.last_occurred)


@settings(max_examples=tried(25), deadline=None)
@given(plots(max_moves=0), st.integers(0, 150), RANDOMS)
def test_called_invalid_and_then_valid_everything_is_as_it_was(plot: Plot, days: int, random: Random) -> None:
    before, after = World(), World()
    play(before, plot, random)
    at = START + days * DAY
    both = [verdict(who, number, at + number, invalid=number == 1) for who in plot.homes for number in (1, 2)]
    play(after, plot._replace(learned=plot.learned + both), random)
    for lead in plot.homes:
        facts, same = before.counted(lead), after.counted(lead)
        if facts:
            assert in_order(same) == in_order(facts)
            assert after.kept(lead).score == before.kept(lead).score
            assert explain_at(BOTH, same, as_of=END) == explain_at(BOTH, facts, as_of=END)
        assert tier_history(BOTH, same, until=END) == tier_history(BOTH, facts, until=END)


def test_a_late_verdict_takes_the_points_and_tells_one_restated_change() -> None:
    world, told = World(), Told()
    learn(world, told.known(), told.demo(), told.price())
    hot = [row.change.to_tier for row in world.told_of(ADA) if row.change.model == "five_step"]
    assert hot[-1] == "hot"
    count = len(world.told)
    learn(world, verdict(ADA, 1, START + HOUR, invalid=True))
    changes = [row.change for row in world.told[count:] if row.change.model == "five_step"]
    assert [(one.direction, one.to_tier, one.points, one.restated) for one in changes] == [
        ("down", "cold", 0, True)
    ]
    assert [score.points for score in world.scores[ADA].scores] == [0, 0]
    count = len(world.told)
    learn(world, told.demo(at=START + 2 * HOUR))
    assert len(world.told) == count, "what it does now counts for nothing, too"
    assert [score.points for score in world.scores[ADA].scores] == [0, 0]


def test_a_verdict_taken_back_tells_one_restated_rise_to_where_it_was() -> None:
    world, told = World(), Told()
    learn(world, told.known(), told.demo(), told.price(), verdict(ADA, 1, START + HOUR, invalid=True))
    count = len(world.told)
    learn(world, verdict(ADA, 2, START + 2 * HOUR, invalid=False))
    changes = [row.change for row in world.told[count:] if row.change.model == "five_step"]
    assert [(one.direction, one.to_tier, one.restated) for one in changes] == [("up", "hot", True)]


def test_an_activation_is_not_told_again_when_a_verdict_is_taken_back() -> None:
    world, told = World(), Told()
    learn(world, told.known(), told.demo(), told.price())
    before = len(world.activations)
    learn(
        world, verdict(ADA, 1, START + HOUR, invalid=True), verdict(ADA, 2, START + 2 * HOUR, invalid=False)
    )
    assert len(world.activations) == before


def test_what_a_machine_does_counts_for_nothing_and_tells_nothing() -> None:
    world, told = World(), Told()
    learn(world, *(dismissed(told, "page_viewed", kind="price") for _ in range(3)))
    assert world.kept(ADA).score is None
    assert world.told == []
    assert world.kept(ADA).facts == 3, "it is kept"
    learn(world, told.price())
    assert len(world.counted(ADA)) == 1
    assert world.scores[ADA].scores[0].points > 0


def test_acts_that_turn_out_to_be_a_burst_are_taken_back_and_count_again() -> None:
    world, told = World(), Told()
    act = told.demo()
    learn(world, told.known(), act)
    count = len(world.counted(ADA))
    learn(world, judged(act, 1, START + MINUTE, dismissed="burst"))
    assert act.event not in world.counted(ADA)
    learn(world, judged(act, 2, START + HOUR, dismissed=""))
    assert act.event in world.counted(ADA)
    assert len(world.counted(ADA)) == count


def test_a_pardon_reaches_what_had_come_by_then_and_nothing_later() -> None:
    world, told = World(), Told()
    early = dismissed(told, "demo_requested", START)
    late = dismissed(told, "demo_requested", START + DAY)
    learn(world, early, verdict(ADA, 1, START + 1, invalid=True))
    learn(world, verdict(ADA, 2, START + HOUR, invalid=False, pardons=True), late)
    assert early.event in world.counted(ADA)
    assert late.event not in world.counted(ADA)


def test_a_verdict_moves_with_its_profile_and_leaves_the_other_people_of_a_lead_alone() -> None:
    world, told = World(), Told()
    visitor = told.demo(VISITOR)
    learn(world, told.known(), visitor, learn_move(VISITOR, ADA, 1, START + HOUR))
    assert visitor.event in world.counted(ADA)
    learn(world, verdict(VISITOR, 1, START + 2 * HOUR, invalid=True))
    assert visitor.event not in world.counted(ADA)
    assert any(one.name == "attributes" for one in world.counted(ADA))


def test_a_verdict_outlives_that_its_person_is_forgotten() -> None:
    fact = verdict(ADA, 1, START, invalid=True).event
    assert isinstance(fact, Fact)
    assert scrubbed(fact) is fact
    act = Fact("a", ADA, START, START, "act/Calculator Used", {"wish": "a mill", DISMISSED: "bot"})
    assert scrubbed(act).fields == {DISMISSED: "bot"}
