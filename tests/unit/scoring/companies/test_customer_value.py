"""Customer value (C7), kept per company: every number of the row in the shipped document."""

from __future__ import annotations

import pytest

from services.scoring.domain.companies.reading import in_order_heard
from services.scoring.domain.companies.rules import months_later
from services.scoring.domain.companies.standing import next_turn
from shared.kernel.instants import DAY, MICROSECOND, format_instant, parse_instant
from shared.working_time.zones import load_zone
from tests.unit.scoring.companies.firms import Firm, shipped
from tests.unit.scoring.stories import START, day

VALUE = "customer_value"
WON = parse_instant("2026-03-10T08:00:00Z")
LEAVES = parse_instant("2027-03-10T08:00:00Z")


@pytest.mark.parametrize(
    ("units", "tier"),
    [
        (500_000, "A"),
        (499_999.99, "B"),
        (100_000, "B"),
        (99_999.99, "C"),
        (0.01, "C"),
    ],
)
def test_bands_of_yearly_value_by_c7(units: float, tier: str) -> None:
    assert Firm().employs("ada").won("d", WON, units).tier(VALUE, WON) == tier


def test_amounts_of_twelve_months_count_together_and_leave_one_by_one_by_c7() -> None:
    firm = Firm().employs("ada").won("d", WON, 450_000).won("e", WON + 30 * DAY, 90_000)
    assert firm.tier(VALUE, WON + 30 * DAY) == "A"
    assert [firm.tier(VALUE, at) for at in (LEAVES - MICROSECOND, LEAVES)] == ["A", "C"]
    gone = months_later(WON + 30 * DAY, 12, load_zone("Asia/Shanghai"))
    assert [firm.tier(VALUE, at) for at in (gone - MICROSECOND, gone)] == ["C", "D"]
    tiers = [(one.at, one.to_tier) for one in firm.history(VALUE, gone)]
    assert tiers == [(WON, "B"), (WON + 30 * DAY, "A"), (LEAVES, "C"), (gone, "D")]


def test_a_line_says_when_time_will_end_it() -> None:
    firm = Firm().employs("ada").won("d", WON, 450_000).won("e", WON + 30 * DAY, 90_000)
    assert firm.score(VALUE, WON + 30 * DAY).lines[0].until == LEAVES
    heard = in_order_heard(firm.heard)
    assert next_turn([shipped(VALUE)], heard, after=WON + 30 * DAY) == LEAVES
    assert next_turn([shipped(VALUE)], heard, after=LEAVES) == months_later(
        WON + 30 * DAY, 12, load_zone("Asia/Shanghai")
    )


@pytest.mark.parametrize(
    ("won", "left"),
    [
        ("2028-02-29T04:00:00Z", "2029-02-28T04:00:00Z"),
        ("2027-02-28T17:00:00Z", "2028-02-29T17:00:00Z"),
        ("2026-12-31T23:59:59.999999Z", "2027-12-31T23:59:59.999999Z"),
    ],
)
def test_twelve_months_are_calendar_months_in_the_zone(won: str, left: str) -> None:
    """The second is the first of March in Shanghai, and so it is a year later."""
    assert format_instant(months_later(parse_instant(won), 12, load_zone("Asia/Shanghai"))) == left


@pytest.mark.parametrize("kind", ["benchmark_customer", "strategic_customer"])
def test_a_benchmark_or_strategic_customer_is_a_by_c7(kind: str) -> None:
    firm = Firm().employs("ada").is_known_as("ada", START, **{kind: True})
    assert firm.tier(VALUE, START) == "A"
    firm.is_known_as("ada", day(1), **{kind: False})
    assert firm.tier(VALUE, day(1)) == "D"


@pytest.mark.parametrize("stage", ["evaluating", "approved", "purchasing"])
def test_a_project_under_way_is_a_clear_need_by_c7(stage: str) -> None:
    assert Firm().employs("ada", stage=stage).tier(VALUE, START) == "C"


def test_an_open_opportunity_and_a_tender_are_a_clear_need_by_c7() -> None:
    assert Firm().employs("ada", tender=True).tier(VALUE, START) == "C"
    firm = Firm().employs("ada").opened("d", day(1))
    assert [firm.tier(VALUE, at) for at in (day(0), day(1), day(3000))] == ["D", "C", "C"]
    assert firm.lost("d", day(3001)).tier(VALUE, day(3001)) == "D"


@pytest.mark.parametrize("what", ["demo_requested", "trial_requested"])
def test_whoever_asked_for_a_demo_or_trial_has_a_clear_need_for_180_days_by_c7(what: str) -> None:
    firm = Firm().employs("ada").asked(day(1), what=what)
    assert [firm.tier(VALUE, at) for at in (day(1), day(181) - MICROSECOND, day(181))] == ["C", "C", "D"]


def test_nothing_known_is_d_by_c7() -> None:
    assert Firm().employs("ada", stage="learning").tier(VALUE, START) == "D"


def test_however_many_needs_there_are_they_make_no_value_by_c7() -> None:
    firm = Firm().employs("ada", stage="purchasing", tender=True).asked(day(1)).opened("d", day(1))
    assert firm.tier(VALUE, day(1)) == "C"
    assert firm.won("e", day(1), 99_999.99).tier(VALUE, day(1)) == "C"
    assert firm.won("f", day(1), 0.01).tier(VALUE, day(1)) == "B"
    assert firm.won("g", day(1), 399_999.99).tier(VALUE, day(1)) == "B"


def test_a_corrected_win_keeps_its_year_and_one_taken_back_ends_it() -> None:
    firm = Firm().employs("ada").won("d", WON, 500_000).won("d", WON + 100 * DAY, 150_000)
    assert [firm.tier(VALUE, at) for at in (WON, WON + 100 * DAY, LEAVES)] == ["A", "B", "D"]
    firm.lost("d", WON + 200 * DAY)
    assert firm.tier(VALUE, WON + 200 * DAY) == "D"
