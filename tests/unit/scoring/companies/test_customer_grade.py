"""Customer grade (C7), kept per company: every number of the row in the shipped document."""

from __future__ import annotations

import pytest

from shared.kernel.instants import MICROSECOND
from tests.unit.scoring.companies.firms import FIRM, OTHER_FIRM, Firm
from tests.unit.scoring.stories import START, day

GRADE = "customer_grade"


@pytest.mark.parametrize(("units", "points"), [(499_999.99, 0), (500_000, 50), (9_000_000, 50)])
def test_an_amount_of_500000_so_far_gives_50_by_c7(units: float, points: float) -> None:
    assert Firm().employs("ada").won("d", day(1), units).points(GRADE, day(2)) == points


def test_amounts_of_all_years_and_all_people_count_together_by_c7() -> None:
    firm = Firm().employs("ada").employs("bob")
    firm.won("d", day(1), 300_000).won("e", day(1000), 200_000, who="bob")
    assert [firm.points(GRADE, at) for at in (day(999), day(1000), day(4000))] == [0, 50, 50]


@pytest.mark.parametrize("stage", ["negotiation", "proposal_confirmed", "contract_signing"])
def test_an_opportunity_about_to_be_signed_gives_20_while_it_is_open_by_c7(stage: str) -> None:
    firm = Firm().employs("ada").opened("d", day(1), stage="first_talk").moved_on("d", day(2), stage=stage)
    assert [firm.points(GRADE, at) for at in (day(1), day(2), day(900))] == [0, 20, 20]
    firm.lost("d", day(901))
    assert firm.points(GRADE, day(901)) == 0


@pytest.mark.parametrize("stage", ["", "first_talk", "proposal", "something_else"])
def test_earlier_stages_give_nothing_by_c7(stage: str) -> None:
    assert Firm().employs("ada").opened("d", day(1), stage=stage).points(GRADE, day(2)) == 0


def test_a_won_opportunity_is_open_no_longer_by_c7() -> None:
    firm = Firm().employs("ada").opened("d", day(1), stage="negotiation").won("d", day(2), 500_000)
    assert firm.rules(GRADE, day(2)) == {"bought_500000_plus"}


@pytest.mark.parametrize(("level", "points"), [("manager", 0), ("director", 0), ("vp", 10), ("cxo", 10)])
def test_a_decision_maker_who_is_known_gives_10_by_c7(level: str, points: float) -> None:
    assert Firm().employs("ada", title_level=level).points(GRADE, day(1)) == points


@pytest.mark.parametrize(
    ("is_open", "is_large", "decides", "points", "tier"),
    [
        (True, True, False, 70, "A"),
        (True, True, True, 80, "A"),
        (False, True, True, 60, "B"),
        (False, True, False, 50, "B"),
        (True, False, True, 30, "C"),
        (True, False, False, 20, "C"),
        (False, False, True, 10, "D"),
        (False, False, False, 0, "D"),
    ],
)
def test_tiers_by_c7(*, is_open: bool, is_large: bool, decides: bool, points: float, tier: str) -> None:
    firm = Firm().employs("ada", title_level="vp" if decides else "manager")
    if is_large:
        firm.won("d", day(1), 500_000)
    if is_open:
        firm.opened("e", day(1), stage="negotiation")
    assert (firm.points(GRADE, day(1)), firm.tier(GRADE, day(1))) == (points, tier)


@pytest.mark.parametrize(("points", "tier"), [(69.999, "B"), (70, "A"), (39.999, "C"), (40, "B"), (20, "C")])
def test_bounds_belong_to_the_upper_tier_by_c7(points: float, tier: str) -> None:
    from tests.unit.scoring.companies.firms import shipped

    model = shipped(GRADE)
    assert model.tiers[model.tier_of(round(points * 1000))].name == tier
    assert model.tiers[model.tier_of(19_999)].name == "D"


def test_it_neither_cools_nor_lags_by_c12() -> None:
    firm = Firm().employs("ada").won("d", day(1), 500_000).opened("e", day(2), stage="negotiation")
    firm.lost("e", day(2) + MICROSECOND)
    assert [firm.tier(GRADE, at) for at in (day(2), day(2) + MICROSECOND, day(9000))] == ["A", "B", "B"]


def test_the_lines_sum_to_the_score_and_name_their_events() -> None:
    firm = Firm().employs("ada", title_level="cxo").won("d", day(1), 300_000).won("e", day(2), 250_000)
    score = firm.score(GRADE, day(3))
    assert sum(line.points for line in score.lines) == score.points == 60_000
    bought = score.lines[0]
    events = [one.fact.id for one in firm.heard if one.fact.name == "opportunity_won"]
    assert (bought.event, list(bought.events), bought.granted) == (events[1], events, day(2))


def test_a_win_is_corrected_by_saying_it_again_and_taken_back_by_a_loss() -> None:
    firm = Firm().employs("ada").won("d", day(1), 500_000)
    firm.won("d", day(2), 400_000)
    assert [firm.points(GRADE, at) for at in (day(1), day(2))] == [50, 0]
    firm.won("d", day(3), 600_000).lost("d", day(4))
    assert [firm.points(GRADE, at) for at in (day(3), day(4))] == [50, 0]


def test_a_lost_opportunity_that_moves_on_is_open_again_and_a_won_one_is_not() -> None:
    firm = Firm().employs("ada").opened("d", day(1), stage="negotiation").lost("d", day(2))
    firm.moved_on("d", day(3), stage="contract_signing")
    assert [firm.points(GRADE, at) for at in (day(2), day(3))] == [0, 20]
    firm.won("d", day(4), 1).moved_on("d", day(5), stage="negotiation")
    assert firm.points(GRADE, day(5)) == 0


def test_other_currencies_do_not_count() -> None:
    assert Firm().employs("ada").won("d", day(1), 900_000, currency="EUR").points(GRADE, day(2)) == 0


def test_a_deal_stays_with_the_company_where_it_was_made_and_people_take_themselves_along() -> None:
    firm = Firm().employs("ada", title_level="cxo").won("d", day(1), 500_000)
    firm.employs("ada", day(10), company=OTHER_FIRM).won("e", day(20), 700_000)
    assert firm.rules(GRADE, day(9)) == {"bought_500000_plus", "decision_maker_known"}
    assert firm.rules(GRADE, day(10)) == {"bought_500000_plus"}
    theirs = firm.score(GRADE, day(20), company=OTHER_FIRM)
    assert {line.rule for line in theirs.lines} == {"bought_500000_plus", "decision_maker_known"}


def test_a_deal_from_before_the_company_was_known_counts_once_it_is() -> None:
    firm = Firm().is_known_as("ada", START, title_level="vp").won("d", day(1), 500_000).employs("ada", day(2))
    assert [firm.points(GRADE, at) for at in (day(1), day(2))] == [0, 60]


def test_whoever_works_there_no_longer_decides_nothing_there() -> None:
    firm = Firm().employs("ada", title_level="vp").won("d", day(1), 500_000)
    firm.employs("ada", day(2), company=None)
    assert firm.rules(GRADE, day(2)) == {"bought_500000_plus"}
    assert firm.tier(GRADE, day(2), company=FIRM) == "B"
