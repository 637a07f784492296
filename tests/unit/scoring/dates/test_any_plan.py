"""Whatever is planned, in whatever order it is learnt: scores, tiers and clocks are exact (C3)."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.effects import Told, changes_to_emit, next_wake
from services.scoring.domain.facts import Fact
from services.scoring.domain.questions import explain_at, explain_state, score_at, tier_history
from services.scoring.domain.running_score import fold
from shared.kernel.instants import DAY, Instant
from tests.examples import tried
from tests.unit.scoring.dates.plans import BOTH, edges, plain_score, plans
from tests.unit.scoring.handlers.arriving import check_told_in_time, learn, shuffled
from tests.unit.scoring.stories import START, day

MANY = settings(max_examples=tried(50), deadline=None)
END = day(300)


class TestAnyHistory:
    @MANY
    @given(plans(), st.integers(START, END))
    def test_the_score_is_what_a_plain_reading_says_and_the_sum_of_its_lines(
        self, facts: list[Fact], when: Instant
    ) -> None:
        for instant in (when, *edges(facts), *(edge - 1 for edge in edges(facts))):
            for score, lines in explain_at(BOTH, facts, as_of=instant):
                assert score.points == plain_score(score.model, facts, instant)
                assert sum(line.points for line in lines) == score.points

    @MANY
    @given(plans(), st.randoms(use_true_random=False))
    def test_any_order_and_cut_gives_the_same_state_and_history(
        self, facts: list[Fact], random: Random
    ) -> None:
        arriving = shuffled(facts, random)
        state = learn(BOTH, arriving)
        assert state == fold(BOTH, facts)
        assert tier_history(BOTH, arriving, until=END) == tier_history(BOTH, facts, until=END)

    @MANY
    @given(plans(), st.lists(st.integers(START, END), max_size=10))
    def test_no_crossing_is_missed_and_none_comes_early(
        self, facts: list[Fact], looks: list[Instant]
    ) -> None:
        """Rises are immediate, also by time; falls wait for margin and dwell; each at its microsecond."""
        for model in BOTH.models:
            ranks = {tier.name: rank for rank, tier in enumerate(model.tiers)}
            crossings = tier_history(BOTH, facts, until=END)[model.name]
            since = None
            for crossing in crossings:
                before, after = ranks[crossing.from_tier], ranks[crossing.to_tier]
                points = plain_score(model.name, facts, crossing.at)
                if not crossing.event:
                    assert points == crossing.points
                    just_before = plain_score(model.name, facts, crossing.at - 1)
                    if after > before:
                        assert just_before < (model.tiers[before + 1].enter or 0) <= points
                    else:
                        assert since is not None
                        assert model.highest_kept(points) < before
                        assert crossing.at >= since + DAY
                        assert crossing.at == since + DAY or model.highest_kept(just_before) >= before
                since = crossing.at
            for look in {*looks, *edges(facts)}:
                past = [crossing for crossing in crossings if crossing.at <= look]
                held = ranks[past[-1].to_tier] if past else 0
                points = plain_score(model.name, facts, look)
                assert model.highest_entered(points) <= held or any(fact.occurred == look for fact in facts)
                if model.highest_kept(points) < held:
                    assert look < past[-1].at + DAY

    @MANY
    @given(plans())
    def test_the_clock_rings_when_there_is_something_to_tell_and_the_last_word_is_the_tier_held(
        self, facts: list[Fact]
    ) -> None:
        state = fold(BOTH, facts)
        assert state is not None
        _changes, told = changes_to_emit(BOTH, state, Told(), now=state.last_occurred)
        while (due := next_wake(BOTH, state, after=told.through)) is not None:
            early, told = changes_to_emit(BOTH, state, told, now=due - 1)
            changes, told = changes_to_emit(BOTH, state, told, now=due)
            assert (early, bool(changes)) == ([], True)
            assert all(change.at == due for change in changes)
        for score in score_at(BOTH, facts, as_of=END):
            last = told.tiers.get(score.model)
            assert score.tier == (last.tier if last else BOTH.by_name[score.model].tiers[0].name)

    @MANY
    @given(plans(), st.integers(0, 200 * DAY))
    def test_can_be_read_off_the_state_later_on(self, facts: list[Fact], later: int) -> None:
        when = max(fact.occurred for fact in facts) + later
        assert explain_state(BOTH, fold(BOTH, facts), as_of=when) == explain_at(BOTH, facts, as_of=when)

    @MANY
    @given(plans(), st.integers(0, 2**32).map(Random))
    def test_the_service_sets_its_clock_in_time_and_tells_what_is_held(
        self, facts: list[Fact], random: Random
    ) -> None:
        """In any order of arrival, with timers that ring in between."""
        check_told_in_time(BOTH, facts, random, until=END)
