"""What is told of activations, by the handlers: once per lead, model and sales cycle."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import ATTRIBUTES, EXTERNAL_ID_PREFIX, Fact, Place
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.vocabulary import CYCLE_ENDS
from shared.contracts.attributes import ExternalId
from shared.kernel.changes import Fact as Learned
from shared.kernel.instants import DAY, MINUTE, Instant
from tests.examples import tried
from tests.unit.scoring.activation.second_opinion import activations
from tests.unit.scoring.handlers.plots import LEADS, Plot, learn_fact, learn_move, play, plots
from tests.unit.scoring.handlers.telling import ADA, BOSS, VISITOR, Told, learn
from tests.unit.scoring.handlers.world import World
from tests.unit.scoring.histories import promising_histories
from tests.unit.scoring.stories import BOTH, START, day, shipped

CRM: dict[str, Any] = {EXTERNAL_ID_PREFIX + "crm": "LD-1"}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def told() -> Told:
    return Told()


def said(world: World, lead: str) -> list[tuple[int, int, Instant]]:
    """Cycle, points and told instant of each activation."""
    return [
        (row.activation.cycle, row.activation.points // 1000, row.activation.at)
        for row in world.activations_of(lead)
    ]


class TestAnActivation:
    def test_is_said_with_its_acts_points_and_external_ids(self, world: World, told: Told) -> None:
        learn(world, told.known(), told.fact(ADA, ATTRIBUTES, START, region="cn"))
        learn(world, told.fact(ADA, ATTRIBUTES, START, **CRM))
        demo, price = told.demo(at=day(1)), told.price(at=day(2))
        learn(world, demo, price)
        (event,) = world.activations_said(ADA)
        assert (event.model, event.model_version, event.points, event.cycle) == ("mql", 1, 80_000, 1)
        assert event.acts == [demo.id, price.id]
        assert event.external_ids == [ExternalId(source="crm", id="LD-1")]
        (row,) = world.activations_of(ADA)
        assert (row.cause, row.told_at, row.activation.at) == (price.id, day(2), day(2))

    def test_comes_behind_the_change_of_tier_that_the_same_fact_brought(
        self, world: World, told: Told
    ) -> None:
        learn(world, told.known(), told.fact(ADA, ATTRIBUTES, START, region="cn"))
        learn(world, told.demo(at=day(1)), told.price(at=day(2)))
        names = [type(event).__name__ for event in world.told_on_topic(ADA)]
        assert names[-2:] == ["TierChanged", "LeadActivated"]

    def test_that_brings_no_line_says_no_scores(self, world: World, told: Told) -> None:
        learn(world, told.known(), told.demo(at=day(1)))
        learn(world, told.fact(ADA, "email_link_clicked", day(1), message="m", purpose="book_demo"))
        version = world.scores[ADA].version
        learn(world, told.fact(ADA, "lead_returned", day(2)))
        assert world.scores[ADA].version == version
        for number in (1, 2):
            quote = told.fact(
                ADA, "document_downloaded", day(2 + number), kind="quote", document=f"Q-{number}"
            )
            learn(world, quote)
        assert [cycle for cycle, *_ in said(world, ADA)] == [1, 2]
        assert world.scores[ADA].version == version

    def test_is_not_said_again_for_facts_that_come_late(self, world: World, told: Told) -> None:
        learn(world, told.known(), told.fact(ADA, ATTRIBUTES, START, region="cn"))
        learn(world, told.demo(at=day(3)), told.price(at=day(4)))
        earlier = told.fact(
            ADA, "email_link_clicked", day(2), received=day(5), message="m", purpose="book_demo"
        )
        learn(world, earlier)
        assert said(world, ADA) == [(1, 80, day(4))]

    def test_of_a_cycle_that_was_over_before_we_learnt_of_it_stays_silent(
        self, world: World, told: Told
    ) -> None:
        learn(world, told.known(), told.fact(ADA, ATTRIBUTES, START, region="cn"))
        learn(world, told.fact(ADA, "opportunity_lost", day(3)))
        learn(world, told.demo(at=day(1), received=day(4)), told.price(at=day(2), received=day(4)))
        assert said(world, ADA) == []
        learn(world, told.price(at=day(5)), told.demo(at=day(6)))
        assert said(world, ADA) == [(2, 80, day(6))]

    def test_stands_for_the_cycle_though_a_loss_becomes_known_that_was_before_it(
        self, world: World, told: Told
    ) -> None:
        learn(world, told.known(), told.fact(ADA, ATTRIBUTES, START, region="cn"))
        learn(world, told.demo(at=day(3)), told.price(at=day(4)))
        learn(world, told.fact(ADA, "opportunity_lost", day(3.5), received=day(6)))
        learn(world, told.demo(at=day(6)))
        assert said(world, ADA) == [(1, 80, day(4))]
        learn(world, told.fact(ADA, "lead_returned", day(7)))
        learn(world, told.demo(at=day(8)), told.price(at=day(8)))
        assert [cycle for cycle, *_ in said(world, ADA)] == [1, 2]

    def test_that_a_new_model_finds_counts_as_told(self, told: Told) -> None:
        world = World(ModelSet([shipped("five_step")]))
        learn(world, told.known(), told.fact(ADA, ATTRIBUTES, START, region="cn"))
        learn(world, told.demo(at=day(1)), told.price(at=day(2)))
        world.rule_by(BOTH)
        learn(world, told.price(at=day(3)))
        assert said(world, ADA) == []
        assert not world.kept(ADA).told.activations["mql"].is_said
        learn(world, told.fact(ADA, "lead_returned", day(4)))
        learn(world, told.demo(at=day(5)), told.price(at=day(5)))
        assert [cycle for cycle, *_ in said(world, ADA)] == [2]


class TestAfterAMerge:
    def test_acts_of_both_profiles_count_together(self, world: World, told: Told) -> None:
        learn(world, told.known(), told.fact(ADA, ATTRIBUTES, START, region="cn"), told.demo(at=day(1)))
        learn(world, told.price(VISITOR, at=day(2)))
        learn(world, learn_move(VISITOR, ADA, 1, day(3)))
        assert said(world, ADA) == [(1, 80, day(2))]
        assert said(world, VISITOR) == []

    def test_an_un_merge_takes_nothing_back_and_a_second_merge_says_nothing_again(
        self, world: World, told: Told
    ) -> None:
        learn(world, told.known(), told.fact(ADA, ATTRIBUTES, START, region="cn"), told.demo(at=day(1)))
        learn(world, told.price(VISITOR, at=day(2)))
        for version, home in enumerate((ADA, VISITOR, ADA), 1):
            learn(world, learn_move(VISITOR, home, version, day(3)))
        assert said(world, ADA) == [(1, 80, day(2))]

    def test_a_lead_that_comes_home_is_told_what_was_not_told_of_it_before(
        self, world: World, told: Told
    ) -> None:
        learn(world, told.known(), told.fact(ADA, ATTRIBUTES, START, region="cn"), told.demo(at=day(1)))
        learn(world, learn_move(ADA, BOSS, 1, day(2)))
        learn(world, told.price(at=day(3)))
        assert (said(world, ADA), said(world, BOSS)) == ([], [(1, 80, day(3))])
        learn(world, learn_move(ADA, ADA, 2, day(4)))
        assert (said(world, ADA), said(world, BOSS)) == ([(1, 80, day(3))], [(1, 80, day(3))])

    def test_a_return_follows_the_lead_that_was_merged_away(self, world: World, told: Told) -> None:
        learn(world, told.known(), told.fact(ADA, ATTRIBUTES, START, region="cn"), told.demo(at=day(1)))
        learn(world, learn_move(ADA, BOSS, 1, day(2)), told.price(at=day(3)))
        learn(world, told.fact(ADA, "lead_returned", day(4)))
        learn(world, told.price(BOSS, at=day(5)), told.demo(BOSS, at=day(5) + MINUTE))
        assert [cycle for cycle, *_ in said(world, BOSS)] == [1, 2]


AS_MANY = settings(max_examples=tried(80), deadline=None)
RANDOMS = st.integers(0, 2**32).map(Random)


@AS_MANY
@given(plots(of=promising_histories, leads=2, max_moves=3), RANDOMS)
def test_in_any_order_with_merges_a_cycle_is_told_once_and_the_last_is_told(
    plot: Plot, random: Random
) -> None:
    world = World()
    delivered = play(world, plot, random)  # after each step no activation is left untold
    check_that_a_loss_or_return_lies_between_two(world, delivered)
    for lead in LEADS[:2]:
        told = world.activations_of(lead)
        assert [row.activation.cycle for row in told] == sorted({row.activation.cycle for row in told})
        assert [event.cycle for event in world.activations_said(lead)] == [
            row.activation.cycle for row in told
        ]
        facts = world.counted(lead)
        assert world.kept(lead).score == fold(BOTH, facts)


def check_that_a_loss_or_return_lies_between_two(world: World, delivered: list[Learned]) -> None:
    facts = [learned.event for learned in delivered if isinstance(learned.event, Fact)]
    ends = [Place(fact.occurred, fact.id) for fact in facts if fact.name in CYCLE_ENDS]
    for lead in LEADS:
        for one, following in pairwise(world.activations_of(lead)):
            assert any(one.activation.at <= end.occurred <= following.activation.at for end in ends)


@AS_MANY
@given(plots(of=promising_histories, leads=1, max_facts=16, max_moves=0))
def test_in_order_exactly_the_activations_of_the_history_are_told(plot: Plot) -> None:
    facts = [learned.event for learned in plot.learned if isinstance(learned.event, Fact)]
    world = World()
    for fact in sorted(facts, key=lambda fact: (fact.occurred, fact.id)):
        world.learn([learn_fact(fact)])
    assert [(row.activation.cycle, row.cause) for row in world.activations_of(ADA)] == [
        (seen.cycle, seen.fact) for seen in activations(facts)
    ]
    world.learn([], until=START + 400 * DAY)
    assert len(world.activations) == len(activations(facts)), "clocks tell none"
