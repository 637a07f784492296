"""Somebody asks to be forgotten: free properties go, the score stays, and nothing is learnt any more."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import ATTRIBUTES, EXTERNAL_ID_PREFIX, Fact, external_ids_in
from services.scoring.domain.running_score import fold
from services.scoring.domain.scored_lead import digest_of, scrubbed
from services.scoring.domain.vocabulary import fields_of
from services.scoring.handlers.scoring import SayAgain
from shared.contracts.topics import TIER_CHANGES
from shared.kernel.changes import Fact as Learned
from tests.examples import tried
from tests.unit.scoring.handlers.plots import Plot, learn_erasure, learn_move, play, plots
from tests.unit.scoring.handlers.telling import ADA, BOSS, VISITOR, Told, learn
from tests.unit.scoring.handlers.world import World
from tests.unit.scoring.histories import promising_histories
from tests.unit.scoring.stories import BOTH, START, day

CRM: dict[str, Any] = {EXTERNAL_ID_PREFIX + "crm": "LD-1"}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def known(world: World, told: Told) -> World:
    """Ada is hot; one of her acts has free properties, and a source told of a field that nobody knows."""
    learn(world, told.known(), told.demo(), told.price())
    learn(world, told.fact(ADA, "act/Calculator Used", None, wish="a mill by the lake", rows=3))
    learn(world, told.fact(ADA, ATTRIBUTES, None, shoe_size=41, **CRM))
    return world


def test_free_properties_go_and_score_lines_and_opaque_ids_stay(known: World) -> None:
    before = known.kept(ADA)
    learn(known, learn_erasure(ADA, day(2)))
    after = known.kept(ADA)
    assert (after.score, after.external_ids, after.facts, after.digest) == (
        before.score,
        before.external_ids,
        before.facts,
        before.digest,
    )
    facts = list(known.facts[ADA].values())
    text = msgspec.json.encode(facts).decode()
    assert "lake" not in text
    assert "shoe_size" not in text
    assert (fold(BOTH, facts), external_ids_in(facts)) == (after.score, {"crm": "LD-1"})


def test_the_latest_score_on_the_topic_becomes_a_tombstone(known: World) -> None:
    assert ADA in known.scores
    learn(known, learn_erasure(ADA, day(2)))
    assert ADA not in known.scores
    assert known.tombstones == [ADA]


def test_of_somebody_who_was_never_told_of_there_is_no_tombstone(world: World) -> None:
    learn(world, learn_erasure(ADA, day(2)))
    assert world.tombstones == []
    assert world.kept(ADA).erased == day(2)


def test_what_is_learnt_later_is_dropped_and_no_clock_rings(known: World, told: Told) -> None:
    learn(known, learn_erasure(ADA, day(2)))
    kept, said = known.kept(ADA), len(known.said[f"{TIER_CHANGES.name} {ADA}"])
    learn(known, told.demo(at=day(3)), told.known(at=day(1)), learn_move(ADA, BOSS, 1, day(3)))
    learn(known, told.fact(VISITOR, "demo_requested", day(3)), learn_move(VISITOR, ADA, 1, day(4)))
    known.learn([], until=day(900))
    assert known.kept(ADA) == kept
    assert len(known.said[f"{TIER_CHANGES.name} {ADA}"]) == said
    assert known.timers.get(ADA, {}) == {}
    assert ADA not in known.scores


def test_the_mark_is_there_before_anything_else_was_learnt(world: World, told: Told) -> None:
    learn(world, learn_erasure(ADA, START), told.known(), told.demo())
    assert world.facts.get(ADA, {}) == {}
    assert world.kept(ADA).facts == 0


def test_an_erasure_that_comes_twice_changes_nothing(known: World) -> None:
    learn(known, learn_erasure(ADA, day(2)))
    kept = known.kept(ADA)
    learn(known, learn_erasure(ADA, day(2)))
    assert known.kept(ADA) == kept
    assert known.tombstones == [ADA]


def test_a_late_score_of_a_stopped_worker_is_answered_with_a_tombstone(known: World) -> None:
    learn(known, learn_erasure(ADA, day(2)))
    known.learn([Learned("again/1", ADA, day(3), SayAgain())])
    assert known.tombstones == [ADA, ADA]


class TestAfterMerges:
    @pytest.fixture
    def merged(self, known: World, told: Told) -> World:
        """The visitor, who said something, was taken for the boss first and is Ada now."""
        learn(known, told.fact(VISITOR, "act/Asked", None, wish="a second mill"), told.price(VISITOR))
        learn(
            known, told.price(BOSS), learn_move(VISITOR, BOSS, 1, day(1)), learn_move(VISITOR, ADA, 2, day(2))
        )
        return known

    def test_copies_are_scrubbed_wherever_they_ever_were(self, merged: World) -> None:
        assert "second mill" in msgspec.json.encode(list(merged.facts[BOSS].values())).decode()
        learn(merged, learn_erasure(ADA, day(3)), learn_erasure(VISITOR, day(3)))
        for lead in (ADA, BOSS, VISITOR):
            assert "mill" not in msgspec.json.encode(list(merged.facts[lead].values())).decode()
        assert merged.kept(BOSS).erased is None
        assert BOSS in merged.scores

    def test_copies_that_are_still_under_way_find_no_place(self, merged: World, told: Told) -> None:
        merged.learn([told.fact(VISITOR, "act/Asked", day(3), wish="a third mill")])
        merged.learn([learn_move(VISITOR, BOSS, 3, day(3)), learn_erasure(VISITOR, day(4))])
        *_, arrived, forgotten = [one for one in merged.internal if one.key == BOSS]
        learn(merged, forgotten, arrived)
        assert "mill" not in msgspec.json.encode(list(merged.facts[BOSS].values())).decode()
        assert merged.kept(BOSS).erased is None

    def test_whoever_lives_here_is_this_person_whichever_is_heard_of_first(self, merged: World) -> None:
        learn(merged, learn_erasure(VISITOR, day(3)))
        assert merged.kept(ADA).erased == day(3)
        assert merged.kept(BOSS).erased is None

    def test_whoever_has_left_again_is_somebody_else(self, merged: World, told: Told) -> None:
        learn(merged, learn_move(VISITOR, VISITOR, 3, day(3)), learn_erasure(VISITOR, day(4)))
        assert merged.kept(ADA).erased is None
        assert "second mill" not in msgspec.json.encode(list(merged.facts[ADA].values())).decode()
        assert "by the lake" in msgspec.json.encode(list(merged.facts[ADA].values())).decode()
        before = merged.kept(ADA).facts
        learn(merged, told.demo(at=day(5)))
        assert merged.kept(ADA).facts == before + 1


@settings(max_examples=tried(80), deadline=None)
@given(
    st.one_of(plots(erasures=2), plots(of=promising_histories, erasures=2)), st.integers(0, 2**32).map(Random)
)
def test_in_any_order_nothing_free_is_left_of_whoever_was_forgotten(plot: Plot, random: Random) -> None:
    world = World()
    play(world, plot, random)
    for profile in plot.forgotten:
        assert world.kept(profile).erased is not None
        assert profile not in world.scores
        assert world.timers.get(profile, {}) == {}
    for lead, stored in world.facts.items():
        kept = world.kept(lead)
        assert (kept.facts, kept.digest) == (len(stored), digest_of(stored))
        assert kept.score == fold(BOTH, world.counted(lead)), "what was scrubbed gave no points"
        for fact in stored.values():
            if fact.profile in plot.forgotten:
                assert set(fact.fields) <= {*fields_of(fact.name), EXTERNAL_ID_PREFIX + "crm"}


def test_a_fact_without_free_properties_is_left_as_it_is() -> None:
    fact = Fact("f", "p", START, START, "page_viewed", {"kind": "price", "path": "/p"})
    assert scrubbed(fact) is fact
