"""C12: scores cool, and tiers fall as well as rise."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.decay import HalfLife
from services.scoring.domain.tiers import next_crossing
from shared.kernel.instants import DAY, HOUR
from tests.examples import tried
from tests.unit.scoring.stories import START, Story, day, hour, model_from, shipped

LAW = HalfLife(full=168 * HOUR, half_life=30 * DAY)


def exactly(points: int, age: int, law: HalfLife) -> int:
    """The definition, with eighty digits."""
    if age <= law.full:
        return points
    with localcontext() as context:
        context.prec = 80
        value = abs(points) * Decimal(2) ** (Decimal(law.full - age) / Decimal(law.half_life))
        floor = int(value.to_integral_value(rounding=ROUND_FLOOR))
    return floor if points > 0 else -floor


class TestOneLineC12:
    def test_behaviour_counts_in_full_for_168_hours(self) -> None:
        assert LAW.left(20_000, age=168 * HOUR) == 20_000

    def test_a_microsecond_later_it_has_begun_to_cool(self) -> None:
        assert LAW.left(20_000, age=168 * HOUR + 1) == 19_999

    @pytest.mark.parametrize(("halvings", "left"), [(1, 10_000), (2, 5_000), (3, 2_500), (4, 1_250)])
    def test_then_it_halves_every_30_days(self, halvings: int, left: int) -> None:
        assert LAW.left(20_000, age=168 * HOUR + halvings * 30 * DAY) == left

    def test_it_cools_between_the_halvings_too(self) -> None:
        assert LAW.left(20_000, age=168 * HOUR + 15 * DAY) == 14_142

    def test_a_line_is_rounded_down_to_a_thousandth(self) -> None:
        assert LAW.left(1_000, age=168 * HOUR + 15 * DAY) == 707

    def test_points_taken_away_fade_towards_nothing_too(self) -> None:
        assert LAW.left(-1_000, age=168 * HOUR + 15 * DAY) == -707

    def test_a_line_is_worth_nothing_in_the_end(self) -> None:
        assert LAW.left(20_000, age=LAW.lifetime(20_000)) == 0

    @settings(max_examples=tried(300))
    @given(points=st.integers(1, 100_000), age=st.integers(0, 600 * DAY))
    def test_it_is_the_true_floor_at_any_age(self, points: int, age: int) -> None:
        assert LAW.left(points, age=age) == exactly(points, age, LAW)

    def test_where_floating_point_would_be_a_thousandth_off_it_is_not(self) -> None:
        """30 points at one microsecond in a month: glibc puts it on the wrong side of 15.422."""
        age = 3_093_049_050_798
        assert exactly(30_000, age, LAW) == 15_421
        assert LAW.left(30_000, age=age) == 15_421

    @settings(max_examples=tried(300))
    @given(points=st.integers(1, 60_000), left=st.integers(1, 59_999))
    def test_it_is_the_true_floor_around_the_instants_where_it_ticks(self, points: int, left: int) -> None:
        if left >= points:
            return
        with localcontext() as context:
            context.prec = 80
            halvings = (Decimal(points) / Decimal(left)).ln() / Decimal(2).ln()
            tick = LAW.full + int(halvings * LAW.half_life)
        for age in range(tick - 2, tick + 3):
            assert LAW.left(points, age=age) == exactly(points, age, LAW)

    @settings(max_examples=tried(300))
    @given(points=st.integers(1, 60_000), ages=st.lists(st.integers(0, 400 * DAY), min_size=2, max_size=2))
    def test_it_never_rises_with_age(self, points: int, ages: list[int]) -> None:
        younger, older = sorted(ages)
        assert LAW.left(points, age=younger) >= LAW.left(points, age=older)


class TestRenewedInterestC12:
    def test_a_once_rules_latest_act_carries_the_points_and_restarts_the_cooling(self) -> None:
        lead = Story(shipped("five_step")).did("demo_requested").did("demo_requested", day(20))
        assert lead.points(day(27)) == 20
        assert lead.explanation(day(27)).lines[0].event == "f001"
        assert lead.points(day(57)) == 10

    def test_before_the_second_act_the_first_one_carries_them(self) -> None:
        lead = Story(shipped("five_step")).did("demo_requested").did("demo_requested", day(37))
        assert lead.points(day(37) - 1) == 10
        assert lead.points(day(37)) == 20

    def test_each_object_cools_by_itself(self) -> None:
        lead = Story(shipped("five_step"))
        lead.did("document_downloaded", kind="white_paper", document="a")
        lead.did("document_downloaded", kind="white_paper", document="b")
        lead.did("document_downloaded", day(37), kind="white_paper", document="a")
        assert lead.points() == 10 + 5

    def test_a_window_rules_latest_completing_act_restarts_the_cooling(self) -> None:
        lead = Story(shipped("mql"))
        for number, message in enumerate("abcd"):
            lead.did("email_opened", day(number), message=message)
        assert lead.explanation().lines[0].event == "f003"
        assert lead.points(day(3 + 7)) == 5
        assert lead.points(day(3 + 7 + 30)) == 2.5

    def test_a_window_rule_keeps_what_it_granted_when_the_window_has_passed(self) -> None:
        lead = Story(shipped("mql"))
        for number, message in enumerate("abc"):
            lead.did("email_opened", day(number), message=message)
        lead.did("email_opened", day(20), message="d")
        assert lead.explanation().lines[0].event == "f002"

    def test_a_cap_bounds_the_groups_sum_at_every_instant(self) -> None:
        """Nine mails: 18 points that count as 10 until cooling has brought their sum below."""
        lead = Story(shipped("five_step"))
        for number in range(9):
            lead.did("email_opened", message=f"m{number}")
        assert lead.points(day(7)) == 10
        assert lead.points(day(7 + 25)) == 10
        assert lead.points(day(7 + 26)) == 9 * 1.096
        assert lead.points(day(37)) == 9


def warm_lead() -> Story:
    """10 fit and 35 behaviour: 45 points, warm at once."""
    lead = Story(shipped("five_step")).is_known_as(industry="pharma")
    return lead.did("demo_requested").did("page_viewed", kind="price", path="/pricing")


class TestTiersC12:
    def test_a_rise_is_immediate(self) -> None:
        assert warm_lead().history(START)[-1].at == START

    def test_a_tier_is_left_at_its_bound_minus_5(self) -> None:
        """Warm is from 31 on, so it is left at 26: fit 10 and 16 of behaviour."""
        lead = warm_lead()
        fall = lead.history(day(400))[-1]
        assert (fall.from_tier, fall.to_tier, fall.points) == ("warm", "cold", 26_000)
        assert lead.points(fall.at - 1) > 26
        assert lead.tier(fall.at - 1) == "warm"
        assert lead.tier(fall.at) == "cold"

    def test_the_timer_is_set_to_that_very_microsecond(self) -> None:
        lead = warm_lead()
        model = lead.model
        assert next_crossing(model, lead.state().models[model.name]) == lead.history(day(400))[-1]

    def test_a_tier_is_not_left_before_24_hours_in_it(self) -> None:
        """45 points on Monday, 25 an hour later (a student after all): warm until Tuesday."""
        lead = warm_lead().is_known_as(hour(1), student=True)
        assert lead.points(hour(1)) == 25
        assert lead.tier(hour(24) - 1) == "warm"
        assert lead.tier(hour(24)) == "cold"
        assert lead.score(hour(24)).tier_since == hour(24)

    def test_a_fall_that_is_made_good_within_24_hours_never_was(self) -> None:
        lead = warm_lead().is_known_as(hour(1), student=True).is_known_as(hour(23), student=False)
        assert [crossing.to_tier for crossing in lead.history(day(2))] == ["warm"]

    def test_after_24_hours_a_fact_that_lowers_the_score_takes_effect_at_once(self) -> None:
        lead = warm_lead().is_known_as(day(2), student=True)
        fall = lead.history(day(2))[-1]
        assert (fall.at, fall.to_tier, fall.event) == (day(2), "cold", "f003")

    @pytest.mark.parametrize(
        ("lost", "points", "tier"),
        [
            (["region"], 85, "A"),
            (["region", "size"], 75, "B"),
            (["region", "size", "title_level", "industry"], 50, "B"),
        ],
    )
    def test_falling_it_is_the_highest_tier_whose_bound_minus_5_is_below_the_score(
        self, lost: list[str], points: int, tier: str
    ) -> None:
        lead = Story(shipped("mql")).did("trial_requested")
        lead.did("form_submitted", form="f", start_within_months=1)
        lead.is_known_as(industry="pharma", title_level="cxo", size="500_plus", region="cn")
        assert (lead.points(), lead.tier()) == (90, "A")
        lead.is_known_as(day(2), **dict.fromkeys(lost))
        assert (lead.points(), lead.tier()) == (points, tier)

    def test_a_deep_fall_goes_past_the_tiers_between(self) -> None:
        """From A at 80 to 40 points: B, from 50 on, would be left at 45, so it is C."""
        lead = Story(shipped("mql")).did("trial_requested").did("page_viewed", kind="price", path="/p")
        lead.is_known_as(industry="pharma", title_level="cxo", size="500_plus", region="cn")
        assert (lead.points(), lead.tier()) == (80, "A")
        lead.is_known_as(day(2), industry=None, title_level=None, size=None, region=None)
        assert (lead.points(), lead.tier()) == (40, "C")

    def test_tiers_fall_step_by_step_while_a_lead_is_silent(self) -> None:
        lead = Story(shipped("mql")).is_known_as(industry="pharma", region="cn")
        lead.did("trial_requested").did("email_link_clicked", purpose="book_demo")
        lead.did("form_submitted", form="f", start_within_months=1)
        falls = [crossing for crossing in lead.history(day(1000)) if not crossing.event]
        assert [fall.to_tier for fall in falls] == ["B", "C", "D"]
        assert [fall.points for fall in falls] == [75_000, 45_000, 25_000]

    def test_without_leaving_a_tier_follows_the_score_at_once_and_at_its_bound(self) -> None:
        lead = Story(model_from(WITHOUT_LAG)).is_known_as(industry="pharma", tender=True)
        assert lead.tier() == "key_account"
        lead.is_known_as(hour(1), tender=False)
        assert (lead.points(), lead.tier()) == (69, "priority")

    def test_a_bound_written_with_more_than_is_exclusive(self) -> None:
        lead = Story(model_from(EXCLUSIVE)).did("demo_requested")
        assert (lead.points(), lead.tier()) == (80, "B")
        lead.did("page_viewed", kind="home", path="/")
        assert (lead.points(), lead.tier()) == (80.001, "A")
        lead.is_known_as(day(2), student=True)
        assert (lead.points(), lead.tier()) == (75, "B")


WITHOUT_LAG = """
name: without_lag
version: 1
groups:
  - group: fit
    of: fit
    rules:
      - {rule: a, type: attribute, points: 69, when: {field: industry, operator: known}}
      - {rule: b, type: attribute, points: 1, when: {field: tender, operator: is, value: true}}
tiers:
  - {tier: key_account, at_least: 70}
  - {tier: priority, at_least: 50}
  - {tier: standard}
"""

EXCLUSIVE = """
name: exclusive
version: 1
groups:
  - group: fit
    of: fit
    rules:
      - {rule: a, type: attribute, points: -5.001, when: {field: student, operator: is, value: true}}
  - group: behaviour
    of: behaviour
    rules:
      - {rule: b, type: act, points: 80, acts: [demo_requested]}
      - {rule: c, type: act, points: 0.001, acts: [page_viewed]}
tiers:
  - {tier: A, more_than: 80}
  - {tier: B, at_least: 60}
  - {tier: C}
leaving: {margin: 5, after_hours: 24}
"""
