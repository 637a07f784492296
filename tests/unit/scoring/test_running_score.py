"""Whatever the order of arrival and the cut into batches: one ledger, one tier history, one score."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import Fact, in_order
from services.scoring.domain.questions import explain_at, explain_state, score_at, tier_history
from services.scoring.domain.running_score import (
    ScoringState,
    advance,
    fold,
    held_at,
    is_current,
    is_in_order,
)
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.tiers import next_crossing
from shared.kernel.instants import DAY, HOUR, Instant
from tests.examples import tried
from tests.unit.scoring import oracle
from tests.unit.scoring.histories import LONGEST, histories, instants
from tests.unit.scoring.stories import BOTH, START, Story, day, shipped

pytestmark = pytest.mark.lasts(45)

END = START + LONGEST + 600 * DAY
AS_MANY = settings(max_examples=tried(80), deadline=None)
SOME = settings(max_examples=tried(50), deadline=None)


def learn(facts: list[Fact]) -> ScoringState:
    """Take facts as they arrive, as the service does: advance in order, else fold all again."""
    known: list[Fact] = []
    state: ScoringState | None = None
    for fact in facts:
        known.append(fact)
        state = advance(BOTH, state, fact) if is_in_order(state, fact) else fold(BOTH, known)
    assert state is not None
    return state


class TestAnyOrderOfArrival:
    @AS_MANY
    @given(histories(), st.randoms(use_true_random=False), instants())
    def test_gives_the_same_ledger_history_and_scores(
        self, facts: list[Fact], random: Random, at: Instant
    ) -> None:
        shuffled = list(facts)
        random.shuffle(shuffled)
        assert learn(shuffled) == learn(facts)
        assert tier_history(BOTH, shuffled, until=END) == tier_history(BOTH, facts, until=END)
        assert explain_at(BOTH, shuffled, as_of=at) == explain_at(BOTH, facts, as_of=at)

    @SOME
    @given(histories(), st.integers(0, 24))
    def test_a_fact_that_arrives_twice_counts_once(self, facts: list[Fact], which: int) -> None:
        again = facts[which % len(facts)]
        assert fold(BOTH, [*facts, again]) == fold(BOTH, facts)

    @SOME
    @given(histories(), st.sets(st.integers(0, 24)))
    def test_withdrawn_facts_might_never_have_been(self, facts: list[Fact], gone: set[int]) -> None:
        withdrawn = {fact.id for index, fact in enumerate(facts) if index in gone}
        rest = [fact for fact in facts if fact.id not in withdrawn]
        assert fold(BOTH, facts, withdrawn=withdrawn) == fold(BOTH, rest)

    @SOME
    @given(histories(), histories())
    def test_two_profiles_merged_are_the_union_of_their_facts(
        self, one: list[Fact], other: list[Fact]
    ) -> None:
        other = [msgspec.structs.replace(fact, id=f"other-{fact.id}") for fact in other]
        assert fold(BOTH, one + other) == fold(BOTH, other + one)
        assert fold(BOTH, one + other, withdrawn={fact.id for fact in other}) == fold(BOTH, one)


class TestAnyCutIntoBatches:
    @AS_MANY
    @given(histories(), st.lists(st.integers(0, 25)))
    def test_gives_the_same_state_also_through_storage(self, facts: list[Fact], cuts: list[int]) -> None:
        """Between batches the state is packed and unpacked, as the database does."""
        state: ScoringState | None = None
        for number, fact in enumerate(in_order(facts)):
            if number in cuts and state is not None:
                state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=ScoringState)
            state = advance(BOTH, state, fact)
        assert state == fold(BOTH, facts)

    @SOME
    @given(histories())
    def test_advancing_leaves_the_state_before_as_it_was(self, facts: list[Fact]) -> None:
        state: ScoringState | None = None
        for fact in in_order(facts):
            before = msgspec.msgpack.encode(state)
            after = advance(BOTH, state, fact)
            assert msgspec.msgpack.encode(state) == before
            state = after


class TestTheScore:
    @AS_MANY
    @given(histories(), instants())
    def test_is_the_sum_of_its_lines_at_any_instant(self, facts: list[Fact], at: Instant) -> None:
        for score, lines in explain_at(BOTH, facts, as_of=at):
            assert sum(line.points for line in lines) == score.points

    @AS_MANY
    @given(histories(), instants())
    def test_is_what_a_plain_reading_of_the_rules_says(self, facts: list[Fact], at: Instant) -> None:
        for score in score_at(BOTH, facts, as_of=at):
            assert score.points == oracle.score(score.model, facts, at)

    @SOME
    @given(histories(), st.integers(0, 400 * DAY))
    def test_can_be_read_off_the_state_later_on(self, facts: list[Fact], later: int) -> None:
        at = max(fact.occurred for fact in facts) + later
        assert explain_state(BOTH, fold(BOTH, facts), as_of=at) == explain_at(BOTH, facts, as_of=at)

    @SOME
    @given(histories())
    def test_lines_stand_largest_first_and_name_facts_that_there_are(self, facts: list[Fact]) -> None:
        at = max(fact.occurred for fact in facts)
        occurred = {fact.id: fact.occurred for fact in facts}
        for _score, lines in explain_at(BOTH, facts, as_of=at):
            assert [line.points for line in lines] == sorted((line.points for line in lines), reverse=True)
            assert all(occurred[line.event] == line.granted for line in lines)


class TestTheTierHistory:
    @AS_MANY
    @given(histories(max_size=12))
    def test_every_crossing_is_due_at_its_microsecond_and_not_before(self, facts: list[Fact]) -> None:
        for model, crossings in tier_history(BOTH, facts, until=END).items():
            tier, since = oracle.BOUNDS[model][-1][0], -1
            for crossing in crossings:
                assert crossing.from_tier == tier
                points = oracle.score(model, facts, crossing.at)
                rise = oracle.rank(model, crossing.to_tier) > oracle.rank(model, tier)
                if not crossing.event:
                    assert (points, rise) == (crossing.points, False)
                    due = since + 24 * HOUR
                    still = oracle.score(model, facts, crossing.at - 1)
                    assert crossing.at >= due
                    assert crossing.at == due or oracle.rank(model, oracle.kept(model, still)) >= oracle.rank(
                        model, tier
                    )
                assert crossing.to_tier == (oracle.entered if rise else oracle.kept)(model, crossing.points)
                tier, since = crossing.to_tier, crossing.at

    @AS_MANY
    @given(histories(max_size=12), instants())
    def test_no_crossing_is_missed(self, facts: list[Fact], at: Instant) -> None:
        """Whenever one looks: no higher tier is reached, and what is kept may be kept or is too fresh."""
        at = at if all(fact.occurred != at for fact in facts) else at + 1
        for score in score_at(BOTH, facts, as_of=at):
            model, points = score.model, oracle.score(score.model, facts, at)
            assert oracle.rank(model, oracle.entered(model, points)) <= oracle.rank(model, score.tier)
            if oracle.rank(model, oracle.kept(model, points)) < oracle.rank(model, score.tier):
                assert score.tier_since is not None
                assert at < score.tier_since + 24 * HOUR

    @SOME
    @given(histories(), instants())
    def test_says_of_any_instant_what_the_score_says(self, facts: list[Fact], at: Instant) -> None:
        histories = tier_history(BOTH, facts, until=END)
        for score in score_at(BOTH, facts, as_of=at):
            past = [crossing for crossing in histories[score.model] if crossing.at <= at]
            lowest = oracle.BOUNDS[score.model][-1][0]
            assert score.tier == (past[-1].to_tier if past else lowest)

    @AS_MANY
    @given(histories())
    def test_the_timer_rings_at_the_first_crossing_after_the_newest_fact(self, facts: list[Fact]) -> None:
        state = fold(BOTH, facts)
        assert state is not None
        histories = tier_history(BOTH, facts, until=END)
        for model in BOTH.models:
            later = [c for c in histories[model.name] if c.at > state.last_occurred]
            held = state.models[model.name]
            crossing = next_crossing(model, held)
            if crossing is not None and crossing.at <= state.last_occurred:
                continue  # it lies before the newest fact, which changed nothing in this model
            assert (crossing.at if crossing else None) == (later[0].at if later else None)
            if crossing is not None:
                assert held_at(BOTH, state, crossing.at - 1)[model.name].since == held.since


class TestTheState:
    def test_stays_small_however_long_the_history(self) -> None:
        lead = Story(shipped("five_step"))
        for number in range(3000):
            lead.did("page_viewed", day(number / 24), kind="article", path=f"/blog/{number % 40}")
            lead.did("email_opened", day(number / 24), message=f"m{number}")
        assert len(msgspec.msgpack.encode(lead.state())) < 20_000

    def test_forgets_objects_that_are_worth_nothing_any_more(self) -> None:
        lead = Story(shipped("five_step"))
        for number in range(50):
            lead.did("email_opened", day(30 * number), message=f"m{number}")
        state = lead.state().models["five_step"]
        assert sum(len(slot.marks) for slot in state.slots) == 12

    def test_keeps_attributes_that_a_rule_reads_and_no_others(self) -> None:
        lead = Story(shipped("five_step")).is_known_as(industry="pharma", favourite_colour="green")
        assert lead.state().attributes == {"industry": "pharma"}

    def test_of_an_older_model_is_not_current(self) -> None:
        state = Story(shipped("five_step")).did("demo_requested").state()
        assert is_current(ModelSet([shipped("five_step")]), state)
        assert not is_current(BOTH, state)

    def test_refuses_a_fact_that_is_not_newer(self) -> None:
        lead = Story(shipped("five_step")).did("demo_requested")
        with pytest.raises(ValueError, match="fold all facts"):
            advance(lead.models, lead.state(), lead.facts[0])


class TestAttributes:
    def test_are_merged_one_by_one_and_the_newest_wins(self) -> None:
        lead = Story(shipped("five_step"))
        lead.is_known_as(day(2), industry="pharma").is_known_as(day(1), industry="education", size="500_plus")
        assert lead.points() == 20

    def test_a_line_of_fit_is_carried_by_the_fact_with_which_it_began_to_hold(self) -> None:
        lead = (
            Story(shipped("five_step"))
            .is_known_as(industry="pharma")
            .is_known_as(day(1), industry="internet")
        )
        assert [(line.event, line.granted) for line in lead.explanation().lines] == [("f000", START)]

    def test_null_means_that_it_is_no_longer_known(self) -> None:
        lead = Story(shipped("five_step")).is_known_as(industry="pharma").is_known_as(day(1), industry=None)
        assert lead.points() == 0

    def test_a_score_is_recomputed_when_a_missing_field_arrives_c10(self) -> None:
        lead = Story(shipped("mql")).did("trial_requested").is_known_as(day(3), title_level="vp")
        assert (lead.points(day(2)), lead.points(day(3))) == (30, 45)

    def test_a_value_of_another_type_than_expected_counts_as_unknown(self) -> None:
        lead = Story(shipped("five_step")).is_known_as(industry=["pharma"], student="yes", title_level=3)
        assert lead.points() == 0


class TestFacts:
    def test_that_claim_to_occur_later_than_received_count_from_when_they_were_received(self) -> None:
        assert Fact("f", "p", day(9), day(1), "demo_requested", {}).occurred == day(1)
