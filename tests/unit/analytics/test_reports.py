"""Returns, rates, bands; and what becomes of events that no table takes."""

from __future__ import annotations

import pytest

from services.analytics.api.tables import write_csv
from services.analytics.domain.derivation import Derivation
from services.analytics.domain.reports import (
    ConversionBand,
    ConversionRate,
    Credited,
    cost_per,
    return_on,
    returns,
)
from services.analytics.handlers.interpreting import Interpreter, Unusable
from shared.contracts.declarations import Event
from shared.contracts.envelope import decode_envelope
from shared.contracts.events import assignments, behaviour, leads, nurture, outcomes, tier_changes
from shared.kernel.errors import Rejected
from shared.kernel.money import format_money
from tests.unit.analytics import telling
from tests.unit.analytics.telling import START, learn, learned, rulebook, told


@pytest.mark.parametrize(
    ("contribution", "cost", "roi"),
    [
        (30_000, 10_000, 2.0),
        (10_000, 10_000, 0.0),
        (0, 10_000, -1.0),
        (10_000, 30_000, -0.6667),
        (-500, 1_000, -1.5),
        (10_000, 0, None),
        (10_000, None, None),
    ],
)
def test_a2_the_return_is_contribution_less_cost_by_cost(
    contribution: int, cost: int | None, roi: float | None
) -> None:
    assert return_on(contribution, cost) == roi


def test_a2_a_cost_without_credit_and_a_credit_without_cost_are_rows_and_the_unattributed_comes_last() -> (
    None
):
    credited = [Credited(None, "CNY", 7, 1), Credited("spring", "CNY", 300, 1), Credited("fair", "CNY", 5, 1)]
    costs: dict[tuple[str | None, str], int] = {("spring", "CNY"): 100, ("nobody", "CNY"): 40}
    assert [(row.key, row.contribution, row.cost, row.roi) for row in returns(credited, costs)] == [
        ("fair", 5, None, None),
        ("nobody", 0, 40, -1.0),
        ("spring", 300, 100, 2.0),
        (None, 7, None, None),
    ]


def test_a4_what_each_cost_is_rounded_and_nothing_is_divided_by_nobody() -> None:
    assert cost_per(1_000, 3) == 333
    assert cost_per(1_000, 0) is None
    assert cost_per(None, 3) is None


@pytest.mark.parametrize(
    ("leads", "customers", "percent", "verdict"),
    [
        (0, 0, None, "unknown"),
        (1_000, 19, 1.9, "below"),
        (1_000, 20, 2.0, "within"),
        (1_000, 50, 5.0, "within"),
        (3, 1, 33.3333, "above"),
    ],
)
def test_a9_the_conversion_rate_stands_beside_the_band(
    leads: int, customers: int, percent: float | None, verdict: str
) -> None:
    rate = ConversionRate(leads, customers)
    assert rate.percent == percent
    assert ConversionBand(2, 5).judge(rate.percent) == verdict


@pytest.mark.parametrize(
    "event",
    [
        telling.won("p", "x" * 201, 1),
        telling.won("p", "", 1),
        telling.won("p", "OP", 2**63),
        telling.won("p" * 201, "OP", 1),
        telling.won("p", "O\0P", 1),
        telling.visited("p", "paid\0search"),
        telling.clicked("p", "m" * 201),
        telling.moved("p", "q", 2**63),
    ],
)
def test_what_no_table_takes_is_refused(event: Event) -> None:
    with pytest.raises(Unusable):
        learn(told(event, START))


def test_a_backslash_that_only_looks_like_a_nul_is_taken() -> None:
    assert (
        learned(told(telling.visited("p", "a\\u0000b"), START)).fact.fields["acquisition"]["channel"]
        == "a\\u0000b"
    )


def test_every_declared_event_of_the_topics_is_understood() -> None:
    for module in (assignments, behaviour, leads, nurture, outcomes, tier_changes):
        for event in module.EXAMPLES:
            fact = learned(told(event, START)).fact
            assert fact.profile or isinstance(event, outcomes.CostRecorded | tier_changes.CompanyTierChanged)


def test_free_properties_external_ids_and_reasons_are_not_kept() -> None:
    for module in (behaviour, leads, tier_changes):
        for event in module.EXAMPLES:
            fields = learned(told(event, START)).fact.fields
            assert not fields.keys() & {"properties", "external_ids", "reasons", "profile"}


def test_an_event_of_an_unknown_kind_is_refused_and_not_lost() -> None:
    envelope = told(telling.erased("p"), START).value().replace(b"lead_erased", b"lead_canonised")
    rules = rulebook()
    with pytest.raises(Rejected, match=r"contract\.unknown_type"):
        Interpreter(Derivation(rules.crediting.touches, rules.goals))(decode_envelope(envelope))


def test_a_spreadsheet_takes_no_campaign_for_a_formula() -> None:
    text = write_csv([{"campaign": "=HYPERLINK(1)", "minor": -5, "won": "-5.00", "x": None, "y": True}])
    assert text.splitlines() == ["campaign,minor,won,x,y", "'=HYPERLINK(1),-5,-5.00,,true"]


def test_amounts_are_whole_units_of_their_currency() -> None:
    assert format_money(120_050, "CNY") == "1200.50"
    assert format_money(-5, "CNY") == "-0.05"
    assert format_money(1_200, "JPY") == "1200"
    assert format_money(1_200, "KWD") == "1.200"
