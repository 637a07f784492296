"""Model key_account as it ships: every number of C3."""

from __future__ import annotations

import pytest

from services.scoring.domain.facts import ATTRIBUTES
from services.scoring.domain.scoring_models.compiler import ModelFaults
from shared.kernel.instants import Instant, parse_instant
from tests.unit.scoring.stories import Story, day, model_from, shipped

YEARS = 5 * 365


@pytest.fixture
def lead() -> Story:
    return Story(shipped("key_account"))


def at(text: str) -> Instant:
    return parse_instant(text)


class TestTheCompanyC3:
    @pytest.mark.parametrize(("people", "points"), [(199, 0), (200, 10), (499, 10), (500, 20), (12_000, 20)])
    def test_500_employees_bring_20_and_200_bring_10(self, lead: Story, people: int, points: int) -> None:
        assert lead.is_known_as(employees=people).points() == points

    @pytest.mark.parametrize(
        ("size", "points"), [("under_50", 0), ("50_to_199", 0), ("200_to_499", 10), ("500_plus", 20)]
    )
    def test_so_does_the_band_where_only_that_is_known(self, lead: Story, size: str, points: int) -> None:
        assert lead.is_known_as(size=size).points() == points

    def test_number_and_band_count_once_and_the_band_is_believed(self, lead: Story) -> None:
        assert lead.is_known_as(employees=650, size="500_plus").points() == 20
        assert lead.is_known_as(day(1), size="200_to_499").points() == 10

    @pytest.mark.parametrize(
        ("industry", "points"),
        [("manufacturing", 15), ("pharma", 15), ("technology", 15), ("internet", 0), ("education", 0)],
    )
    def test_a_strategic_industry_brings_15(self, lead: Story, industry: str, points: int) -> None:
        assert lead.is_known_as(industry=industry).points() == points

    @pytest.mark.parametrize(("listed", "points"), [(True, 20), (False, 0), (None, 0)])
    def test_a_target_account_brings_20(self, lead: Story, listed: bool | None, points: int) -> None:
        assert lead.is_known_as(target_account=listed).points() == points


class TestThePurchaseC3:
    @pytest.mark.parametrize(
        ("budget", "points"), [(199_999, 0), (200_000, 10), (499_999, 10), (500_000, 20), (3_000_000, 20)]
    )
    def test_a_budget_of_500000_brings_20_and_of_200000_brings_10(
        self, lead: Story, budget: int, points: int
    ) -> None:
        assert lead.is_known_as(budget=budget).points() == points

    @pytest.mark.parametrize(
        ("band", "points"),
        [("under_100000", 0), ("100000_to_199999", 0), ("200000_to_499999", 10), ("500000_plus", 20)],
    )
    def test_so_does_the_band_where_only_that_is_known(self, lead: Story, band: str, points: int) -> None:
        assert lead.is_known_as(budget_band=band).points() == points

    def test_number_and_band_count_once(self, lead: Story) -> None:
        assert lead.is_known_as(budget=500_000, budget_band="500000_plus").points() == 20

    @pytest.mark.parametrize(
        ("procurement", "legal", "points"), [(True, True, 10), (True, False, 0), (None, True, 0)]
    )
    def test_procurement_and_legal_bring_10_only_together(
        self, lead: Story, procurement: bool | None, legal: bool, points: int
    ) -> None:
        assert lead.is_known_as(procurement=procurement, legal=legal).points() == points

    @pytest.mark.parametrize(("tender", "points"), [(True, 10), (False, 0)])
    def test_a_tender_brings_10(self, lead: Story, tender: bool, points: int) -> None:
        assert lead.is_known_as(tender=tender).points() == points

    @pytest.mark.parametrize(
        ("stage", "points"), [("learning", 0), ("evaluating", 0), ("approved", 15), ("purchasing", 15)]
    )
    def test_a_purchase_that_is_approved_or_under_way_brings_15(
        self, lead: Story, stage: str, points: int
    ) -> None:
        assert lead.is_known_as(stage=stage).points() == points


class TestGoingLiveWithinThreeMonthsC3:
    def test_brings_10_from_three_calendar_months_before_the_date_until_the_date(self, lead: Story) -> None:
        lead.is_known_as(go_live_on="2026-08-31")
        begin, end = at("2026-05-31T00:00:00+08:00"), at("2026-08-31T00:00:00+08:00")
        assert [lead.points(when) for when in (day(0), begin - 1, begin, end - 1, end)] == [0, 0, 10, 10, 0]

    def test_both_ends_change_the_tier_at_their_instant(self, lead: Story) -> None:
        """20 + 15 + 20 + 10 = 65; with the date 75."""
        lead.is_known_as(size="500_plus", industry="pharma", target_account=True, tender=True)
        lead.is_known_as(go_live_on="2026-08-31")
        told = [(one.at, one.from_tier, one.to_tier) for one in lead.history(day(365))][1:]
        assert told == [
            (at("2026-05-31T00:00:00+08:00"), "priority", "key_account"),
            (at("2026-08-31T00:00:00+08:00"), "key_account", "priority"),
        ]


class TestEventsAttendedC3:
    def test_one_event_brings_nothing_however_often_it_is_told(self, lead: Story) -> None:
        lead.did("live_event_attended", live_event="fair", offline=True)
        assert lead.did("live_event_attended", day(1), live_event="fair", offline=True).points() == 0

    def test_the_second_brings_10_however_much_later_and_further_ones_no_more(self, lead: Story) -> None:
        for number in range(4):
            lead.did("live_event_attended", day(number * YEARS), live_event=f"e{number}", offline=False)
        assert [lead.points(day(number * YEARS)) for number in range(4)] == [0, 10, 10, 10]

    def test_the_line_is_carried_by_the_latest(self, lead: Story) -> None:
        for number in range(3):
            lead.did("live_event_attended", day(number), live_event=f"e{number}", offline=True)
        assert [(line.event, line.object) for line in lead.explanation().lines] == [("f002", "e2")]


class TestTiersC3:
    @pytest.mark.parametrize(
        ("known", "points", "tier"),
        [
            ({"size": "500_plus", "industry": "pharma", "tender": True}, 45, "standard"),
            ({"size": "500_plus", "target_account": True, "tender": True}, 50, "priority"),
            (
                {"size": "500_plus", "target_account": True, "industry": "pharma", "tender": True},
                65,
                "priority",
            ),
            (
                {"size": "500_plus", "target_account": True, "budget_band": "500000_plus", "tender": True},
                70,
                "key_account",
            ),
        ],
    )
    def test_70_is_a_key_account_50_priority_and_below_standard(
        self, lead: Story, known: dict[str, object], points: int, tier: str
    ) -> None:
        lead.fact(ATTRIBUTES, known, day(0))
        assert (lead.points(), lead.tier()) == (points, tier)

    def test_everything_together_is_130(self, lead: Story) -> None:
        lead.is_known_as(
            size="500_plus",
            industry="technology",
            target_account=True,
            tender=True,
            budget=600_000,
            procurement=True,
            legal=True,
            stage="purchasing",
            go_live_on="2026-04-01",
        )
        for event in ("fair", "seminar"):
            lead.did("live_event_attended", live_event=event, offline=True)
        assert lead.points() == 130


class TestNeitherCoolsNorLagsC12:
    def test_points_are_the_same_years_later(self, lead: Story) -> None:
        lead.is_known_as(size="500_plus", industry="pharma", target_account=True)
        for event in ("fair", "seminar"):
            lead.did("live_event_attended", live_event=event, offline=True)
        assert (lead.points(), lead.points(day(YEARS))) == (65, 65)

    def test_a_tier_is_left_at_its_bound_and_at_once(self, lead: Story) -> None:
        lead.is_known_as(size="500_plus", target_account=True, tender=True)
        lead.is_known_as(day(0) + 1, tender=False)
        assert [(one.to_tier, one.points) for one in lead.history(day(1))] == [
            ("priority", 50_000),
            ("standard", 40_000),
        ]

    def test_a_score_is_recomputed_when_a_late_field_is_filled_in_c10(self, lead: Story) -> None:
        lead.is_known_as(size="500_plus", industry="pharma").is_known_as(day(9), budget=500_000)
        assert [lead.tier(day(8)), lead.tier(day(9))] == ["standard", "priority"]


class TestRulesOverHowOften:
    def test_count_acts_where_there_is_no_object(self) -> None:
        lead = Story(model_from(_MODEL.format(counting="acts")))
        assert lead.did("chat_started").points() == 0
        assert lead.did("chat_started", day(400)).points() == 5

    def test_cannot_count_objects_of_an_act_that_has_none(self) -> None:
        with pytest.raises(ModelFaults, match="chat_started is done to nothing; allowed here: acts"):
            model_from(_MODEL.format(counting="objects"))


_MODEL = """
name: talkers
version: 1
groups:
  - group: talk
    of: behaviour
    rules:
      - {{rule: twice, type: times, points: 5, acts: [chat_started], counting: {counting}, at_least: 2}}
tiers: [{{tier: all}}]
"""
