"""What the handlers promise, each in one plain story."""

from __future__ import annotations

from itertools import permutations
from typing import cast

import msgspec
import pytest

from services.scoring.domain.facts import ATTRIBUTES, EXTERNAL_ID_PREFIX
from services.scoring.domain.scored_lead import digest_of, needs_history
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.handlers.scoring import SayAgain
from services.scoring.handlers.telling import COOLING
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.internal_scoring import FactsMoved
from shared.contracts.topics import INTERNAL
from shared.kernel.changes import Fact as Learned
from shared.kernel.instants import MINUTE
from tests.unit.scoring.handlers.plots import learn_move
from tests.unit.scoring.handlers.telling import ADA, BOSS, VISITOR, Told, learn
from tests.unit.scoring.handlers.world import World
from tests.unit.scoring.stories import BOTH, START, day, shipped


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def world() -> World:
    return World()


def changes(world: World, lead: str, model: str = "five_step") -> list[str]:
    """What the topic says of a lead in one model."""
    return [
        f"{said.from_tier} > {said.to_tier}" + (" restated" if said.restated else "")
        for said in world.changes_said(lead)
        if said.model == model
    ]


def points(world: World, lead: str, model: str = "five_step") -> float:
    """What the scores topic said last."""
    return next(one.points / 1000 for one in world.scores[lead].scores if one.model == model)


class TestAFact:
    def test_that_lifts_the_score_over_a_bound_is_told_with_its_reasons(
        self, world: World, told: Told
    ) -> None:
        learn(world, told.known(), told.demo(at=day(1)), told.price(at=day(2)))
        assert changes(world, ADA) == ["cold > warm", "warm > hot"]
        assert points(world, ADA) == 70
        (*_, last) = [said for said in world.changes_said(ADA) if said.model == "five_step"]
        assert sum(reason.points for reason in last.reasons) == 70_000

    def test_that_comes_twice_counts_once(self, world: World, told: Told) -> None:
        known, demo = told.known(), told.demo(at=day(1))
        learn(world, known, demo, demo, known)
        assert (points(world, ADA), world.kept(ADA).facts) == (55, 2)

    def test_that_comes_twice_in_one_batch_counts_once(self, world: World, told: Told) -> None:
        demo = told.demo()
        world.learn([told.known(), demo, demo])
        assert world.kept(ADA).facts == 2

    def test_that_comes_late_is_told_as_restated_if_it_moves_the_tier(self, world: World, told: Told) -> None:
        learn(world, told.known(), told.price(at=day(2)))
        learn(world, told.demo(at=day(1), received=day(3)))
        assert changes(world, ADA) == ["cold > warm", "warm > hot restated"]

    def test_that_changes_no_line_says_no_scores(self, world: World, told: Told) -> None:
        learn(world, told.known())
        version = world.scores[ADA].version
        learn(world, told.fact(ADA, "page_viewed", day(1), kind="home", path="/"))
        learn(world, told.fact(ADA, "act/Calculator Used", day(2), rows=3))
        assert (world.scores[ADA].version, world.kept(ADA).facts) == (version, 3)

    def test_newer_than_all_others_needs_no_history(self, told: Told) -> None:
        world = World()
        learn(world, told.known(), told.demo(at=day(1)))
        kept = world.kept(ADA)
        later, same, earlier = told.price(at=day(2)), told.demo(at=day(1)), told.price(at=day(0.5))
        assert not needs_history(BOTH, kept, [later.event])
        assert needs_history(BOTH, kept, [earlier.event])
        assert needs_history(BOTH, kept, [later.event, later.event])
        assert needs_history(BOTH, kept, [same.event]) == (same.id < world.kept(ADA).score.last_fact)  # type: ignore[union-attr]

    def test_of_somebody_who_moved_is_recognised_when_it_comes_twice(self, world: World, told: Told) -> None:
        demo = told.demo(VISITOR)
        learn(world, told.known(), demo, learn_move(VISITOR, ADA, 1, day(1)), demo)
        kept = world.kept(VISITOR)
        assert (kept.facts, kept.digest) == (1, digest_of([demo.id]))


class TestTheClock:
    def test_is_set_to_the_exact_instant_of_the_fall(self, world: World, told: Told) -> None:
        learn(world, told.known(), told.demo(), told.price())
        (due,) = world.timers[ADA].values()
        world.learn([], until=due - 1)
        assert changes(world, ADA)[2:] == []
        world.learn([], until=due)
        assert changes(world, ADA)[2:] == ["hot > warm"]
        (*_, last) = [row for row in world.told_of(ADA) if row.change.model == "five_step"]
        assert last.change.at == last.told_at == due

    def test_stays_while_nothing_is_worth_less_and_is_set_anew_when_it_rings_early(
        self, world: World, told: Told
    ) -> None:
        learn(world, told.known(), told.demo(), told.price())
        (first,) = world.timers[ADA].values()
        learn(world, told.price(at=day(3)))
        assert world.timers[ADA] == {COOLING: first}
        world.learn([], until=first)
        assert len(changes(world, ADA)) == 2
        (second,) = world.timers[ADA].values()
        assert second > first
        world.learn([], until=second)
        assert changes(world, ADA)[2:] == ["hot > warm"]

    def test_is_set_earlier_when_a_line_is_taken_away(self, world: World, told: Told) -> None:
        learn(world, told.known(), told.demo(), told.price())
        (first,) = world.timers[ADA].values()
        learn(world, told.fact(ADA, ATTRIBUTES, START + MINUTE, size=None))
        assert world.timers[ADA][COOLING] < first
        world.check_clock(ADA)

    def test_rings_before_a_fact_that_was_received_later(self, world: World, told: Told) -> None:
        learn(world, told.known(), told.demo(), told.price())
        (due,) = world.timers[ADA].values()
        world.learn([told.demo(at=due + MINUTE)])
        assert changes(world, ADA) == ["cold > warm", "warm > hot", "hot > warm", "warm > hot"]

    def test_leaves_the_fall_to_a_fact_that_was_received_at_that_very_instant(
        self, world: World, told: Told
    ) -> None:
        learn(world, told.known(), told.demo(), told.price())
        (due,) = world.timers[ADA].values()
        home = told.fact(ADA, "page_viewed", due, kind="home", path="/")
        learn(world, home)
        assert (changes(world, ADA)[2:], world.rang) == (["hot > warm"], [])
        (*_, last) = [row for row in world.told_of(ADA) if row.change.model == "five_step"]
        assert (last.cause, last.change.at) == (home.id, due)
        world.check_clock(ADA)
        world.learn([], until=day(400))
        assert len(changes(world, ADA)) == 3

    def test_is_not_needed_by_who_can_fall_no_lower(self, world: World, told: Told) -> None:
        learn(world, told.demo())
        assert [due for lead, due in world.rang if lead == ADA] == []
        world.learn([], until=day(900))
        assert world.timers.get(ADA, {}) == {}


class TestAMove:
    def test_brings_the_facts_over_and_takes_them_out_of_where_they_were(
        self, world: World, told: Told
    ) -> None:
        learn(world, told.known(), told.demo(VISITOR), told.price(VISITOR))
        learn(world, learn_move(VISITOR, ADA, 1, day(1)))
        assert (points(world, ADA), points(world, VISITOR)) == (70, 0)
        assert changes(world, ADA) == ["cold > warm", "warm > hot restated"]
        assert changes(world, VISITOR) == ["cold > warm"]

    def test_back_brings_them_home_again_without_a_word_where_they_were(
        self, world: World, told: Told
    ) -> None:
        learn(world, told.known(), told.demo(VISITOR), told.price(VISITOR))
        learn(world, learn_move(VISITOR, ADA, 1, day(1)), learn_move(VISITOR, VISITOR, 2, day(2)))
        assert (points(world, ADA), points(world, VISITOR)) == (35, 35)
        assert len(changes(world, ADA)) == 2
        assert changes(world, VISITOR) == ["cold > warm", "cold > warm restated"]
        assert world.kept(ADA).told.tiers["five_step"].tier == "warm"

    def test_of_an_older_version_that_comes_late_is_passed_over(self, world: World, told: Told) -> None:
        learn(world, told.known(), told.demo(VISITOR))
        learn(world, learn_move(VISITOR, BOSS, 2, day(2)), learn_move(VISITOR, ADA, 1, day(1)))
        assert (points(world, ADA), points(world, BOSS)) == (35, 20)

    def test_there_and_back_and_there_again_holds_whatever_the_messages_order(self, told: Told) -> None:
        known, demo = told.known(), told.demo(VISITOR)
        moves = [
            learn_move(VISITOR, ADA, 1, day(1)),
            learn_move(VISITOR, VISITOR, 2, day(2)),
            learn_move(VISITOR, ADA, 3, day(3)),
        ]
        for order in permutations(range(3)):
            world = World()
            for learned in (known, demo, *moves):
                world.learn([learned])
            assert len(world.internal) == 3
            for place in order:
                world.learn([world.internal[place]])
            assert points(world, ADA) == 55, order
            assert world.kept(ADA).lodgers[VISITOR].version == 3

    def test_in_a_chain_ends_where_the_last_one_went(self, world: World, told: Told) -> None:
        learn(world, told.known(), told.demo(VISITOR), told.price(BOSS))
        learn(world, learn_move(VISITOR, ADA, 1, day(1)))
        learn(world, learn_move(ADA, BOSS, 1, day(2)), learn_move(VISITOR, BOSS, 2, day(2)))
        assert points(world, BOSS) == 70
        assert {fact.profile for fact in world.counted(BOSS)} == {ADA, VISITOR, BOSS}
        assert world.counted(ADA) == world.counted(VISITOR) == []

    def test_away_silences_a_lead_for_as_long_as_it_lives_elsewhere(self, world: World, told: Told) -> None:
        """What still arrives for a lead that is no more moves its score and no tier of anybody."""
        learn(world, told.known(), learn_move(ADA, BOSS, 1, day(1)))
        learn(world, told.demo(VISITOR), told.price(VISITOR), learn_move(VISITOR, ADA, 1, day(1)))
        assert points(world, ADA) == 35
        assert changes(world, ADA) == ["cold > warm"]
        assert world.timers.get(ADA, {}) == {}

    def test_of_somebody_of_whom_nothing_is_known_is_told_all_the_same(
        self, world: World, told: Told
    ) -> None:
        learn(world, learn_move(VISITOR, ADA, 1, day(1)))
        assert [learned.key for learned in world.internal] == [ADA]
        learn(world, told.demo(VISITOR, day(2)))
        assert points(world, ADA) == 20

    def test_sends_a_long_history_in_pieces_that_no_log_refuses(self, world: World, told: Told) -> None:
        long = [
            told.fact(VISITOR, "act/Uploaded", START + number * MINUTE, text="x" * 4_000)
            for number in range(120)
        ]
        world.learn([*long, learn_move(VISITOR, ADA, 1, day(1))])
        pieces = world.said[f"{INTERNAL['scoring'].name} {ADA}"]
        assert max(len(piece) for piece in pieces) < 250_000
        said = [cast(FactsMoved, decode_event(decode_envelope(piece))) for piece in pieces]
        assert [(one.part, one.parts, len(one.facts)) for one in said] == [
            (1, 3, 48),
            (2, 3, 48),
            (3, 3, 24),
        ]
        learn(world, *world.internal)
        assert len(world.counted(ADA)) == 120


class TestExternalIds:
    def test_go_with_every_change_and_the_newest_holds_whatever_came_first(
        self, world: World, told: Told
    ) -> None:
        newer, older = ({EXTERNAL_ID_PREFIX + "crm": name} for name in ("new", "old"))
        newer_fact = told.fact(ADA, ATTRIBUTES, day(1), received=None, **newer)
        older_fact = told.fact(ADA, ATTRIBUTES, day(0), received=None, **older, industry="pharma")
        learn(world, newer_fact, older_fact, told.demo(at=day(2)), told.price(at=day(2)))
        (*_, last) = world.changes_said(ADA)
        assert [(one.source, one.id) for one in last.external_ids] == [("crm", "new")]


class TestNewModels:
    def test_begin_to_rule_without_a_word(self, told: Told) -> None:
        world = World(ModelSet([shipped("five_step")]))
        learn(world, told.known(), told.demo())
        world.rule_by(BOTH)
        learn(world, told.fact(ADA, "page_viewed", day(1), kind="home", path="/"))
        assert changes(world, ADA, "mql") == []
        assert world.kept(ADA).told.tiers["mql"].tier == "B"
        assert points(world, ADA, "mql") == 65
        learn(world, told.fact(ADA, "email_link_clicked", day(2), purpose="book_demo"))
        assert changes(world, ADA, "mql") == ["B > A"]

    def test_are_met_by_a_clock_a_move_and_a_late_score_as_well(self, told: Told) -> None:
        for event in ("clock", "move", "again"):
            world = World(ModelSet([shipped("five_step")]))
            learn(world, told.known(), told.demo(), told.price())
            world.rule_by(BOTH)
            if event == "clock":
                world.learn([], until=day(400))
                assert world.kept(ADA).told.tiers["mql"].tier == "C"
                assert changes(world, ADA) == ["cold > warm", "warm > hot", "hot > warm"]
            elif event == "move":
                learn(world, learn_move(ADA, BOSS, 1, day(1)))
                assert changes(world, BOSS, "mql") == ["D > B restated"]
            else:
                learn(world, Learned("again/1", ADA, START, SayAgain()))
                assert points(world, ADA, "mql") == 75


class TestSayingAgain:
    def test_says_the_latest_not_what_was_so_when_the_late_record_was_written(
        self, world: World, told: Told
    ) -> None:
        learn(world, told.known(), told.demo(), told.price())
        world.learn([], until=day(400))
        latest = world.scores[ADA]
        assert {one.model: one.tier for one in latest.scores}["five_step"] == "warm"
        learn(world, Learned("again/1", ADA, START, SayAgain()))
        assert world.scores[ADA] == latest


class TestStorage:
    def test_a_lead_is_read_back_as_it_was_written(self, world: World, told: Told) -> None:
        learn(world, told.known(), told.demo(VISITOR), learn_move(VISITOR, ADA, 1, day(1)))
        kept = world.kept(ADA)
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(kept), type=type(kept)) == kept
        assert kept.lodgers[VISITOR].is_here
        assert kept.newest is not None

    def test_ids_that_are_no_digests_can_be_digested(self) -> None:
        assert digest_of(["x", "y"]) == digest_of(["y", "x"]) != digest_of(["x"])
        assert digest_of(["+" + "0" * 31]) != bytes(16)
