"""Cooling in steps: linear steps and compound steps, each named, each exact."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.decay import CompoundSteps, HalfLife, Law, LinearSteps
from services.scoring.domain.tiers import next_crossing
from shared.kernel.instants import DAY
from tests.examples import tried
from tests.unit.scoring.stories import START, Story, day, faults_of, model_from

LINEAR = LinearSteps(full=0, every=30 * DAY, percent=50)
COMPOUND = CompoundSteps(full=0, every=30 * DAY, percent=50)

percents = st.integers(1, 100)
points_of = st.integers(1, 100_000_000) | st.integers(1, 200)


def towards_zero(value: Fraction) -> int:
    return floor(value) if value >= 0 else -floor(-value)


class TestDecayVector6:
    """20 points that lose half every 30 days: linear 20, 10, 0; compound 20, 10, 5."""

    @pytest.mark.parametrize(("law", "left"), [(LINEAR, [20, 10, 0]), (COMPOUND, [20, 10, 5])])
    def test_both_laws_have_their_name_and_their_figures(self, law: Law, left: list[int]) -> None:
        assert [law.left(20_000, age=days * DAY) / 1000 for days in (0, 30, 60)] == left
        assert law.name == ("linear_steps" if law is LINEAR else "compound_steps")

    @pytest.mark.parametrize("law", [LINEAR, COMPOUND])
    def test_a_step_is_taken_at_its_microsecond(self, law: Law) -> None:
        assert [law.left(20_000, age=30 * DAY + late) for late in (-1, 0, 1)] == [20_000, 10_000, 10_000]

    @pytest.mark.parametrize("law", [LINEAR, COMPOUND])
    def test_points_taken_away_fade_alike(self, law: Law) -> None:
        assert law.left(-1_001, age=30 * DAY) == -500


class TestAnyLaw:
    @settings(max_examples=tried(120), deadline=None)
    @given(percents, points_of, st.integers(0, 400))
    def test_linear_steps_take_a_share_of_what_was_granted(
        self, percent: int, points: int, steps: int
    ) -> None:
        law = LinearSteps(full=7 * DAY, every=DAY, percent=percent)
        for signed in (points, -points):
            exact = max(Fraction(0), 1 - steps * Fraction(percent, 100)) * signed
            assert law.left(signed, age=(7 + steps) * DAY) == towards_zero(exact)

    @settings(max_examples=tried(120), deadline=None)
    @given(percents, points_of, st.integers(0, 2000))
    def test_compound_steps_take_a_share_of_what_is_left(self, percent: int, points: int, steps: int) -> None:
        law = CompoundSteps(full=7 * DAY, every=DAY, percent=percent)
        for signed in (points, -points):
            exact = (1 - Fraction(percent, 100)) ** steps * signed
            assert law.left(signed, age=(7 + steps) * DAY) == towards_zero(exact)

    @settings(max_examples=tried(120), deadline=None)
    @given(
        st.one_of(
            st.builds(LinearSteps, st.integers(0, 9 * DAY), st.integers(1, 40 * DAY), percents),
            st.builds(CompoundSteps, st.integers(0, 9 * DAY), st.integers(1, 40 * DAY), percents),
            st.builds(HalfLife, st.integers(0, 9 * DAY), st.integers(1, 40 * DAY)),
        ),
        points_of,
        st.lists(st.integers(0, 400 * DAY), min_size=2, max_size=2),
    )
    def test_counts_in_full_at_first_never_rises_and_ends_at_nothing(
        self, law: Law, points: int, ages: list[int]
    ) -> None:
        younger, older = sorted(ages)
        assert law.left(points, age=law.full) == points
        assert points >= law.left(points, age=younger) >= law.left(points, age=older) >= 0
        assert law.left(points, age=law.lifetime(points)) == 0
        assert law.left(-points, age=law.lifetime(-points)) == 0


def interest(cooling: str, *, more: str = "") -> str:
    return f"""
name: interest
version: 1
groups:
  - group: interest
    of: behaviour
    cooling: {cooling}
    rules:
      - {{rule: demo, type: act, points: 20, acts: [demo_requested]}}
      - {{rule: mail, type: act, points: 2, acts: [email_opened], counts: once_per_object}}
{more}
tiers:
  - {{tier: high, at_least: 20}}
  - {{tier: middle, at_least: 10}}
  - {{tier: low}}
"""


class TestInAModel:
    def test_the_fall_is_told_for_the_microsecond_of_the_step(self) -> None:
        model = model_from(interest("{law: linear_steps, full_hours: 168, every_days: 30, percent: 50}"))
        lead = Story(model).did("demo_requested", START + 1)
        falls = lead.history(day(400))[1:]
        assert [(fall.at, fall.to_tier, fall.points) for fall in falls] == [
            (day(37) + 1, "middle", 10_000),
            (day(67) + 1, "low", 0),
        ]
        assert next_crossing(model, lead.state().models["interest"]) == falls[0]

    def test_between_two_steps_a_half_life_of_another_group_brings_the_fall(self) -> None:
        """20 in steps and 20 that halve after a week: 40, and below 20 on the way from 10 + 10 to 10 + 9."""
        more = """
  - group: talk
    of: behaviour
    cooling: {law: half_life, full_hours: 168, half_life_days: 30}
    rules: [{rule: chat, type: act, points: 20, acts: [chat_started]}]
"""
        law = "{law: compound_steps, full_hours: 0, every_days: 30, percent: 50}"
        lead = Story(model_from(interest(law, more=more))).did("demo_requested").did("chat_started")
        first = lead.history(day(400))[1]
        assert (first.at, first.to_tier, first.points) == (day(37) + 1, "middle", 19_999)

    def test_what_counts_for_thirty_days_and_then_no_more_is_one_step_of_100_percent(self) -> None:
        model = model_from(interest("{law: linear_steps, full_hours: 0, every_days: 30, percent: 100}"))
        lead = Story(model).did("demo_requested")
        assert [lead.points(at) for at in (START, day(30) - 1, day(30))] == [20, 20, 0]

    @pytest.mark.parametrize("law", ["linear_steps", "compound_steps"])
    def test_each_line_names_the_law(self, law: str) -> None:
        model = model_from(interest(f"{{law: {law}, full_hours: 168, every_days: 30, percent: 50}}"))
        (line,) = Story(model).did("demo_requested").explanation().lines
        assert line.cooling is not None
        assert line.cooling.name == law

    def test_marks_that_are_worth_nothing_are_forgotten(self) -> None:
        model = model_from(interest("{law: linear_steps, full_hours: 0, every_days: 30, percent: 50}"))
        lead = Story(model)
        for number in range(10):
            lead.did("email_opened", day(40 * number), message=f"m{number}")
        (_, mails) = lead.state().models["interest"].slots
        assert [mark.object for mark in mails.marks] == ["m8", "m9"]


class TestFaults:
    @pytest.mark.parametrize(
        ("cooling", "path", "text"),
        [
            ("{full_hours: 1}", "half_life_days", "is missing; half_life needs it"),
            ("{full_hours: 1, half_life_days: 1, percent: 5}", "percent", "full_hours, half_life_days"),
            ("{law: linear_steps, full_hours: 1, percent: 5}", "every_days", "is missing"),
            ("{law: compound_steps, full_hours: 1, every_days: 5}", "percent", "is missing"),
            ("{law: linear_steps, full_hours: 1, every_days: 5, percent: 101}", "percent", "<= 100"),
            ("{law: linear_steps, full_hours: 1, every_days: 0, percent: 10}", "every_days", ">= 1"),
            ("{law: linear, full_hours: 1, every_days: 1, percent: 10}", "law", "linear"),
        ],
    )
    def test_a_law_names_what_it_needs_and_what_it_does_not_know(
        self, cooling: str, path: str, text: str
    ) -> None:
        faults = faults_of(interest(cooling))
        assert list(faults) == [f"groups[0].cooling.{path}"]
        assert text in faults[f"groups[0].cooling.{path}"]
