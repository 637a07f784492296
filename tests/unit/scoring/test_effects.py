"""What is told: at most one change per model and learning, from the tier last told to the tier now."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.effects import TierChange, Told, adopt, changes_to_emit, next_wake
from services.scoring.domain.facts import Fact
from services.scoring.domain.questions import score_at
from services.scoring.domain.running_score import ScoringState, advance, fold, is_in_order
from services.scoring.domain.scoring_models.compiled import ModelSet
from shared.kernel.instants import DAY, HOUR, Instant
from tests.examples import tried
from tests.unit.scoring.histories import histories
from tests.unit.scoring.stories import BOTH, START, day, hour, shipped

FIVE_STEP = ModelSet([shipped("five_step")])


class Teller:
    """Learns fact after fact and lets timers ring, as the service does; keeps what was told."""

    def __init__(self, models: ModelSet = FIVE_STEP) -> None:
        self.models = models
        self.facts: list[Fact] = []
        self.told = Told()
        self.changes: list[TierChange] = []
        self.state: ScoringState | None = None

    def learn(
        self, name: str, at: Instant, received: Instant | None = None, **fields: object
    ) -> list[TierChange]:
        fact = Fact(f"f{len(self.facts):03}", "p", at, at if received is None else received, name, fields)
        return self.take(fact)

    def take(self, fact: Fact) -> list[TierChange]:
        ordered = is_in_order(self.state, fact)
        self.facts.append(fact)
        self.state = advance(self.models, self.state, fact) if ordered else fold(self.models, self.facts)
        return self.look(fact.received, restated=not ordered)

    def look(self, now: Instant, *, restated: bool = False) -> list[TierChange]:
        assert self.state is not None
        changes, self.told = changes_to_emit(self.models, self.state, self.told, now=now, restated=restated)
        self.changes += changes
        return changes

    def wake(self) -> Instant | None:
        assert self.state is not None
        return next_wake(self.models, self.state, after=self.told.through)


def told(changes: list[TierChange]) -> list[tuple[str, str, bool]]:
    return [(change.from_tier, change.to_tier, change.restated) for change in changes]


class TestWhatIsTold:
    def test_a_new_lead_in_the_lowest_tier_is_no_change(self) -> None:
        assert Teller().learn("attributes", START, industry="pharma") == []

    def test_a_rise_is_told_with_its_heaviest_lines_as_reasons(self) -> None:
        teller = Teller()
        teller.learn("attributes", START, industry="pharma", title_level="cxo")
        (change,) = teller.learn("demo_requested", hour(1))
        assert (change.from_tier, change.to_tier, change.direction) == ("cold", "warm", "up")
        assert (change.points, change.at, change.restated) == (45_000, hour(1), False)
        assert [line.rule for line in change.reasons] == [
            "demo_requested",
            "director_or_above",
            "target_industry",
        ]

    def test_each_model_tells_its_own_changes_c8(self) -> None:
        teller = Teller(BOTH)
        teller.learn("attributes", START, industry="pharma", title_level="cxo")
        assert [change.model for change in teller.learn("demo_requested", hour(1))] == ["five_step", "mql"]

    def test_a_fall_is_told_when_its_timer_rings_and_not_before(self) -> None:
        teller = Teller()
        teller.learn("attributes", START, industry="pharma", title_level="cxo")
        teller.learn("demo_requested", START)
        due = teller.wake()
        assert due is not None
        assert teller.look(due - 1) == []
        assert told(teller.look(due)) == [("warm", "cold", False)]
        assert teller.changes[-1].at == due
        assert teller.wake() is None

    def test_looking_again_tells_nothing_new(self) -> None:
        teller = Teller()
        teller.learn("attributes", START, industry="pharma", title_level="cxo")
        teller.learn("demo_requested", START)
        assert teller.look(START) == []
        assert teller.look(hour(1)) == []

    def test_now_may_step_back_and_nothing_is_taken_back_for_it(self) -> None:
        teller = Teller()
        teller.learn("attributes", START, industry="pharma", title_level="cxo")
        teller.learn("demo_requested", START)
        due = teller.wake()
        assert due is not None
        teller.look(due)
        assert teller.look(due - DAY) == []


class TestWhenHistoryChanges:
    def test_a_late_fact_that_lifts_the_tier_now_is_told_as_restated(self) -> None:
        teller = Teller()
        teller.learn("attributes", day(1), industry="pharma", title_level="cxo")
        assert told(teller.learn("demo_requested", START, received=day(2))) == [("cold", "warm", True)]

    def test_crossings_wholly_in_the_past_stay_silent(self) -> None:
        """Warm for a day long ago, learnt of a year later: history has it, nobody is told."""
        teller = Teller()
        teller.learn("chat_started", day(365))
        for name, fields in [("attributes", {"title_level": "cxo"}), ("demo_requested", {})]:
            assert teller.learn(name, START, received=day(365), **fields) == []
        assert teller.changes == []

    def test_one_learning_tells_one_change_however_many_tiers_it_passes(self) -> None:
        teller = Teller(ModelSet([shipped("mql")]))
        teller.learn("trial_requested", day(2), received=day(2))
        teller.learn("form_submitted", day(2), received=day(2), form="f", start_within_months=1)
        late = {"industry": "pharma", "title_level": "cxo", "size": "500_plus", "region": "cn"}
        assert told(teller.learn("attributes", START, received=day(3), **late)) == [("B", "A", True)]

    def test_a_withdrawn_fact_is_told_as_one_restated_fall(self) -> None:
        teller = Teller()
        teller.learn("attributes", START, industry="pharma", title_level="cxo")
        teller.learn("demo_requested", START)
        teller.state = fold(FIVE_STEP, teller.facts, withdrawn={"f001"})
        assert told(teller.look(hour(1), restated=True)) == [("warm", "cold", True)]

    def test_a_change_that_undoes_one_told_for_a_later_instant_is_restated_by_itself(self) -> None:
        """The timer told the fall; then a renewal arrives that had happened shortly before it."""
        teller = Teller()
        teller.learn("attributes", START, industry="pharma", title_level="cxo")
        teller.learn("demo_requested", START)
        due = teller.wake()
        assert due is not None
        teller.look(due)
        assert told(teller.learn("demo_requested", due - HOUR, received=due + HOUR)) == [
            ("cold", "warm", True)
        ]

    def test_a_new_version_begins_to_rule_in_silence(self) -> None:
        teller = Teller()
        teller.learn("attributes", START, industry="pharma", title_level="cxo")
        state = fold(BOTH, [*teller.facts, Fact("f1", "p", START, START, "demo_requested", {})])
        assert state is not None
        assert changes_to_emit(BOTH, state, adopt(BOTH, state, Told(), now=START), now=START)[0] == []


class TestPitfallsOfOthers:
    def test_only_the_thresholds_that_were_crossed_fire_s3(self) -> None:
        teller = Teller(ModelSet([shipped("mql")]))
        assert told(teller.learn("trial_requested", START)) == [("D", "C", False)]

    def test_a_rise_fires_the_first_time_and_not_at_every_later_act_s3(self) -> None:
        teller = Teller(ModelSet([shipped("mql")]))
        teller.learn("trial_requested", START)
        assert [teller.learn("trial_requested", hour(n)) for n in range(1, 5)] == [[], [], [], []]


class TestAnyHistory:
    @settings(max_examples=tried(200), deadline=None)
    @given(histories(), st.booleans())
    def test_the_changes_told_lead_to_the_tier_that_is_held(self, facts: list[Fact], timers: bool) -> None:
        """Each begins where the last one ended; the last one ends at the tier now."""
        teller = Teller(BOTH)
        now = 0
        for fact in facts:
            while timers and teller.state is not None:
                due = teller.wake()
                if due is None or due > max(now, fact.received):
                    break
                before = len(teller.changes)
                teller.look(due)
                assert len(teller.changes) > before, "a timer rings only when there is something to tell"
            teller.take(fact)
            now = max(now, fact.received)
        for score in score_at(BOTH, facts, as_of=now):
            chain = [change for change in teller.changes if change.model == score.model]
            tiers = [next(m for m in BOTH.models if m.name == score.model).tiers[0].name]
            for change in chain:
                assert change.from_tier == tiers[-1] != change.to_tier
                tiers.append(change.to_tier)
            assert tiers[-1] == score.tier
