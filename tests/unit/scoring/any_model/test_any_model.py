"""Properties of any model over any history, against the naive reading."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import Fact
from services.scoring.domain.questions import explain_at, explain_state, tier_history
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.tiers import next_crossing, outlook, tier_at
from shared.kernel.instants import DAY, Instant
from tests.examples import tried
from tests.unit.scoring.any_model import naive
from tests.unit.scoring.any_model.documents import (
    LONGEST,
    Document,
    compiled,
    documents,
    histories,
    instants,
    only_model,
)
from tests.unit.scoring.any_model.naive_tiers import Change, Walk, tiers_of
from tests.unit.scoring.handlers.arriving import learn
from tests.unit.scoring.stories import START

END = START + LONGEST + 300 * DAY
MANY = settings(max_examples=tried(30), deadline=None)
looks = st.lists(instants(), min_size=1, max_size=5)
randoms = st.randoms(use_true_random=False)
cuts = st.sets(st.integers(1, 13))
walked = st.one_of(documents(laws="steps"), documents(negative=False))
"""Models that the naive walk can follow: constant between steps, or only falling between facts."""


def changes_of(models: ModelSet, facts: list[Fact]) -> list[Change]:
    (crossings,) = tier_history(models, facts, until=END).values()
    return [Change(one.at, one.from_tier, one.to_tier, one.points) for one in crossings]


class TestTheScore:
    @MANY
    @given(documents(), histories(), looks)
    def test_is_the_sum_of_its_lines_and_both_are_what_the_naive_reading_says(
        self, document: Document, facts: list[Fact], looks: list[Instant]
    ) -> None:
        models = compiled(document)
        for at in looks:
            ((score, lines),) = explain_at(models, facts, as_of=at)
            assert sum(line.points for line in lines) == score.points
            reading = naive.read(document, naive.sort(fact for fact in facts if fact.occurred <= at))
            wanted = naive.lines(document, reading, at)
            assert Counter(
                naive.NaiveLine(line.rule, line.group, line.points, line.event, line.granted, line.object)
                for line in lines
            ) == Counter(wanted)

    @MANY
    @given(documents(), histories(), st.integers(0, 400 * DAY))
    def test_can_be_read_off_the_state_later_on(
        self, document: Document, facts: list[Fact], later: int
    ) -> None:
        models, at = compiled(document), max(fact.occurred for fact in facts) + later
        ((score, _lines),) = explain_state(models, fold(models, facts), as_of=at)
        assert score.points == naive.score_of(document, facts, at)

    @MANY
    @given(documents(), histories(), looks)
    def test_never_exceeds_a_cap_nor_goes_below_a_floor(
        self, document: Document, facts: list[Fact], looks: list[Instant]
    ) -> None:
        models = compiled(document)
        for at in looks:
            ((_score, lines),) = explain_at(models, facts, as_of=at)
            for group in document["groups"]:
                of_group = [line for line in lines if line.group == group["group"]]
                worth = sum(line.points for line in of_group)
                assert group.get("floor", -1e9) * 1000 <= worth <= group.get("cap", 1e9) * 1000
                for rule in group["rules"]:
                    of_rule = sum(line.points for line in of_group if line.rule == rule["rule"])
                    assert abs(of_rule) <= rule.get("cap", 1e9) * 1000
            assert all(abs(line.points) <= abs(line.granted_points) for line in lines)


class TestAnyOrderAndAnyCut:
    @MANY
    @given(documents(negative=False), histories(), randoms, cuts)
    def test_give_the_same_state_lines_tier_history_and_activation(
        self, document: Document, facts: list[Fact], random: Random, cuts: set[int]
    ) -> None:
        self.check(compiled(document), facts, random, cuts)

    @MANY
    @given(documents(), histories(), randoms, cuts)
    def test_also_where_points_are_taken_away_and_fade(
        self, document: Document, facts: list[Fact], random: Random, cuts: set[int]
    ) -> None:
        self.check(compiled(document), facts, random, cuts)

    def check(self, models: ModelSet, facts: list[Fact], random: Random, cuts: set[int]) -> None:
        shuffled = [*facts, facts[0]]
        random.shuffle(shuffled)
        whole = fold(models, facts)
        assert learn(models, facts, cuts=cuts) == whole
        assert fold(models, shuffled) == whole
        assert changes_of(models, shuffled) == changes_of(models, facts)

    @MANY
    @given(documents(), histories(), st.sets(st.integers(0, 13)))
    def test_a_fact_withdrawn_and_told_again_leaves_what_was_before(
        self, document: Document, facts: list[Fact], gone: set[int]
    ) -> None:
        models = compiled(document)
        withdrawn = {fact.id for number, fact in enumerate(facts) if number in gone}
        rest = [fact for fact in facts if fact.id not in withdrawn]
        assert fold(models, facts, withdrawn=withdrawn) == fold(models, rest)
        assert fold(models, [*rest, *facts]) == fold(models, facts)


class TestTiers:
    @MANY
    @given(walked, histories(max_size=10))
    def test_change_when_and_as_the_naive_walk_says_to_the_microsecond(
        self, document: Document, facts: list[Fact]
    ) -> None:
        assert changes_of(compiled(document), facts) == Walk(document).history(facts, until=END)

    @MANY
    @given(walked, histories(max_size=10))
    def test_the_timer_is_set_for_the_first_change_after_the_newest_fact(
        self, document: Document, facts: list[Fact]
    ) -> None:
        models = compiled(document)
        model, state = only_model(models), fold(models, facts)
        assert state is not None
        crossing = next_crossing(model, state.models[model.name])
        if crossing is not None and crossing.at <= state.last_occurred:
            return  # it lies before the newest fact, which changed nothing in this model
        later = [c for c in Walk(document).history(facts, until=END) if c.at > state.last_occurred]
        soon = crossing is not None and crossing.at <= END
        assert (crossing.at if crossing and soon else None) == (later[0].at if later else None)

    @MANY
    @given(documents(), histories(max_size=10), looks)
    def test_and_their_next_change_are_foreseen_as_walking_there_finds_them(
        self, document: Document, facts: list[Fact], looks: list[Instant]
    ) -> None:
        models = compiled(document)
        model, state = only_model(models), fold(models, facts)
        assert state is not None
        held = state.models[model.name]
        at: Instant | None = state.last_occurred
        for look in sorted(looks):  # from each to the instant of its next change, as clocks ring
            at = max(look, state.last_occurred) if at is None else at
            foreseen = outlook(model, held, at)
            assert foreseen.held == tier_at(model, held, at)
            last = END if foreseen.changes is None else foreseen.changes - 1
            assert tier_at(model, held, last) == foreseen.held
            if foreseen.changes is not None:
                assert tier_at(model, held, foreseen.changes) != foreseen.held
            at = foreseen.changes

    @MANY
    @given(documents(), histories(max_size=10), looks)
    def test_do_not_flap_a_rise_reaches_the_bound_a_fall_the_bound_less_the_margin_after_the_dwell(
        self, document: Document, facts: list[Fact], looks: list[Instant]
    ) -> None:
        """Also where a score rises by itself. Within the band, and within the dwell, nothing happens."""
        tiers = tiers_of(document)
        ranks = {tier.name: rank for rank, tier in enumerate(tiers)}
        dwell = Walk(document).dwell
        changes = changes_of(compiled(document), facts)
        held, since = 0, min(fact.occurred for fact in facts)
        for change in changes:
            to, tier = ranks[change.to_tier], tiers[held]
            assert ranks[change.from_tier] == held
            if to > held:
                bound = tiers[to].enter
                assert bound is not None
                assert change.points >= bound
            else:
                assert tier.leave is not None
                assert change.points <= tier.leave
                assert change.at >= since + dwell
            held, since = to, change.at
        for at in looks:
            if any(fact.occurred == at for fact in facts):
                continue
            past = [change for change in changes if change.at <= at]
            held = ranks[past[-1].to_tier] if past else 0
            points = naive.score_of(document, facts, at)
            higher = tiers[held + 1].enter if held + 1 < len(tiers) else None
            assert higher is None or points < higher
            leave = tiers[held].leave
            if leave is not None and points <= leave:
                assert at < past[-1].at + dwell


pytestmark = pytest.mark.lasts(20)
