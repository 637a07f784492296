"""Points for a day that is coming: they begin and end by time alone, to the microsecond (C3)."""

from __future__ import annotations

import pytest

from services.scoring.domain.effects import Told, changes_to_emit, next_wake
from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.rules.date import span_before
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.scoring_models.compiler import ModelFaults
from services.scoring.domain.tiers import next_crossing
from shared.kernel.instants import DAY, Instant, parse_instant
from shared.working_time.zones import load_zone
from tests.unit.scoring.dates.plans import BOTH
from tests.unit.scoring.stories import START, Story, day, model_from

SHANGHAI = load_zone("Asia/Shanghai")

SOON = """
name: soon
version: 1
groups:
  - group: plans
    of: fit
    rules:
      - {rule: known, type: attribute, points: 60, when: {field: industry, operator: known}}
      - {rule: soon, type: date, points: 10, field: go_live_on, within_months: 3, zone: Asia/Shanghai}
tiers: [{tier: high, at_least: 70}, {tier: low}]
"""
"""Rises and falls with the date alone; neither cools nor lags."""


def at(text: str) -> Instant:
    return parse_instant(text)


class TestTheSpanC3:
    def test_is_from_three_calendar_months_before_the_date_until_the_date_begins(self) -> None:
        begin, end = at("2026-03-10T00:00:00+08:00"), at("2026-06-10T00:00:00+08:00")
        assert span_before("2026-06-10", 3, SHANGHAI) == (begin, end)

    @pytest.mark.parametrize(
        ("date", "months", "begins"),
        [
            ("2026-05-31", 3, "2026-02-28"),
            ("2024-05-31", 3, "2024-02-29"),
            ("2026-01-15", 3, "2025-10-15"),
            ("2026-12-31", 12, "2025-12-31"),
            ("2026-07-31", 1, "2026-06-30"),
        ],
    )
    def test_a_month_that_is_too_short_gives_its_last_day(self, date: str, months: int, begins: str) -> None:
        span = span_before(date, months, SHANGHAI)
        assert span is not None
        assert span[0] == at(f"{begins}T00:00:00+08:00")

    def test_is_measured_in_the_zone_also_where_clocks_change(self) -> None:
        berlin = load_zone("Europe/Berlin")
        begin, end = at("2026-03-10T00:00:00+01:00"), at("2026-06-10T00:00:00+02:00")
        assert span_before("2026-06-10", 3, berlin) == (begin, end)

    @pytest.mark.parametrize("text", ["soon", "2026-02-30", "", "0001-01-01", "9999-99-99"])
    def test_what_is_no_day_has_none(self, text: str) -> None:
        assert span_before(text, 3, SHANGHAI) is None


class TestPointsC3:
    BEGIN, END = at("2026-04-10T00:00:00+08:00"), at("2026-07-10T00:00:00+08:00")

    def lead(self) -> Story:
        return Story(model_from(SOON)).is_known_as(industry="pharma", go_live_on="2026-07-10")

    def test_hold_from_the_first_microsecond_of_the_span_until_its_last(self) -> None:
        lead = self.lead()
        around = (self.BEGIN - 1, self.BEGIN, self.END - 1, self.END)
        assert [lead.points(instant) for instant in around] == [60, 70, 70, 60]

    def test_a_tier_rises_and_falls_by_time_alone_and_both_are_in_its_history(self) -> None:
        history = self.lead().history(self.END + DAY)
        assert [(one.at, one.from_tier, one.to_tier, one.points, one.event) for one in history] == [
            (self.BEGIN, "low", "high", 70_000, ""),
            (self.END, "high", "low", 60_000, ""),
        ]

    def test_the_line_names_the_fact_the_day_and_its_span(self) -> None:
        (line,) = [line for line in self.lead().explanation(self.BEGIN).lines if line.rule == "soon"]
        assert (line.event, line.object, line.points) == ("f000", "2026-07-10", 10_000)
        assert line.span == (self.BEGIN, self.END)

    def test_there_is_no_line_outside_of_the_span(self) -> None:
        assert [line.rule for line in self.lead().explanation(self.END).lines] == ["known"]

    def test_a_day_that_is_near_already_counts_at_once(self) -> None:
        lead = Story(model_from(SOON)).is_known_as(industry="pharma", go_live_on="2026-05-01")
        assert (lead.points(), lead.tier()) == (70, "high")

    def test_a_day_that_has_passed_counts_for_nothing(self) -> None:
        lead = Story(model_from(SOON)).is_known_as(industry="pharma", go_live_on="2026-03-01")
        assert (lead.points(), next_crossing(lead.model, lead.state().models["soon"])) == (60, None)

    def test_a_day_that_is_put_off_ends_the_points_until_it_comes_near(self) -> None:
        lead = Story(model_from(SOON)).is_known_as(industry="pharma", go_live_on="2026-05-01")
        lead.is_known_as(day(1), go_live_on="2026-12-01")
        september = at("2026-09-01T00:00:00+08:00")
        assert [lead.points(when) for when in (day(0), day(1), september - 1, september)] == [70, 60, 60, 70]

    def test_a_day_that_is_taken_back_or_is_none_counts_for_nothing(self) -> None:
        lead = Story(model_from(SOON)).is_known_as(industry="pharma", go_live_on="2026-05-01")
        assert lead.is_known_as(day(1), go_live_on=None).points() == 60
        assert lead.is_known_as(day(2), go_live_on="in spring").points() == 60


class TestWhatIsToldC3:
    def test_the_clock_rings_at_both_ends_and_not_a_microsecond_earlier(self) -> None:
        models = ModelSet([model_from(SOON)])
        known = {"industry": "pharma", "go_live_on": "2026-07-10"}
        state = fold(models, [Fact("f", "p", START, START, ATTRIBUTES, known)])
        assert state is not None
        told, rung = Told(START), []
        while (due := next_wake(models, state, after=told.through)) is not None:
            early, told = changes_to_emit(models, state, told, now=due - 1)
            changes, told = changes_to_emit(models, state, told, now=due)
            assert early == []
            rung += [(change.at, change.direction, change.to_tier, change.restated) for change in changes]
        assert rung == [
            (TestPointsC3.BEGIN, "up", "high", False),
            (TestPointsC3.END, "down", "low", False),
        ]


class TestBesideWhatCools:
    def test_a_tier_that_has_fallen_rises_again_when_the_day_comes_near(self) -> None:
        """30 + 30 is hot; the demo cools below 25 in the third day; on the sixth of March 15 more come."""
        lead = Story(BOTH.by_name["falling"]).is_known_as(industry="pharma", go_live_on="2026-05-06")
        fall, rise, *_ = lead.did("demo_requested").history(day(10))[1:]
        assert (fall.from_tier, fall.to_tier, fall.points, fall.event) == ("hot", "warm", 55_000, "")
        assert (rise.at, rise.to_tier, rise.event) == (at("2026-03-06T00:00:00Z"), "hot", "")
        assert lead.points(rise.at) == rise.points / 1000 > 60


class TestFaults:
    @pytest.mark.parametrize(
        ("wrong", "path", "says"),
        [
            ("field: region, within_months: 3, zone: UTC", "field", "holds no day; allowed: go_live_on"),
            ("field: go_live_on, within_months: 3, zone: Mars/Base", "zone", "is no zone"),
        ],
    )
    def test_name_path_and_what_is_allowed(self, wrong: str, path: str, says: str) -> None:
        text = SOON.replace("field: go_live_on, within_months: 3, zone: Asia/Shanghai", wrong)
        with pytest.raises(ModelFaults) as raised:
            model_from(text)
        (fault,) = raised.value.faults
        assert fault.path == f"groups[0].rules[1].{path}"
        assert says in fault.text

    def test_a_gate_has_no_place_where_time_alone_may_raise_the_score(self) -> None:
        gate = """
activation:
  at_least: 70
  acts_needed: 1
  within_hours: 1
  once_within_minutes: 0
  high_value_acts: [{kind: demo, acts: [demo_requested]}]
  rearmed_by: []
"""
        with pytest.raises(ModelFaults, match="points for a date"):
            model_from(SOON + gate)
