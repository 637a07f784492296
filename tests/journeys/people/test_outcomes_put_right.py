"""A sales system and a marketer correct what they reported: credits and returns follow, to the cent (I8)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.contracts.topics import OUTCOMES
from shared.kernel.instants import format_instant
from tests.journeys.inside.house import House
from tests.journeys.inside.tables import bring_in
from tests.journeys.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(15)]

AD = {"campaign": {"source": "google", "medium": "cpc", "name": "spring"}}
MODELS = ("first", "last", "linear", "u")


async def say(house: House, kind: str, **fields: Any) -> None:
    await house.report("/v1/outcomes", source="crm", kind=kind, opportunity="OP-1", currency="CNY", **fields)


async def credited(house: House, amount: str, **query: str) -> None:
    """Every model shares the whole amount, to the cent."""
    for model in MODELS:
        shares = await house.credited(model, **query)
        assert sum(map(Decimal, shares.values()), Decimal(0)) == Decimal(amount), (model, shares)


async def test_amounts_that_are_corrected_restate_credits_and_returns(site_on_each_log: Site) -> None:
    site, house = site_on_each_log, House(site_on_each_log)
    await site.call("page", userId="ada", properties={"path": "/pricing"}, context=AD)
    await site.call("identify", userId="ada", traits={"email": "ada@example.com"})
    await site.pass_time(days=1)

    # keyed by the sales system's own name; nobody has to say again whose it is
    await say(house, "opportunity_created", amount="8000", stage="proposal", email="ada@example.com")
    await say(house, "stage_changed", stage="negotiation")
    await say(house, "won", amount="9000.01")
    await say(house, "payment_received", payment="P-1", amount="4000")
    await credited(house, "9000.01")
    closed = format_instant(site.now)
    await site.pass_time(days=1)

    # the amount was wrong, and the payment: each is said again; what was closed stays as it was known
    await say(house, "won", amount="9500.50")
    await say(house, "payment_received", payment="P-1", amount="4500.05")
    await credited(house, "9500.50")
    await credited(house, "4500.05", contribution="paid")
    await credited(house, "9000.01", known_at=closed)
    await site.pass_time(days=1)

    # it was no win after all, and what would have been won is kept; then it was
    await say(house, "lost", reason="price", amount="9500.50")
    await credited(house, "0")
    assert any(b'"amount":{"minor":950050' in bytes(one.data) for one in (await house.said(OUTCOMES.name)))
    await site.pass_time(days=1)
    await say(house, "won", amount="7000")
    await credited(house, "7000")

    # costs by day, campaign, channel and kind; the same again with another amount replaces
    cost = {"day": "2032-03-01", "campaign": "spring", "channel": "paid_search", "currency": "CNY"}
    for kind, amount in (("ads", "1000"), ("content", "200"), ("labour", "50.25"), ("ads", "749.75")):
        await house.report("/v1/costs", source="crm", **cost, kind=kind, amount=amount)
        await site.pass_time(days=0.01)
    rows = (await house.get("/analytics/v1/roi", model="u"))["rows"]
    (spring,) = [row for row in rows if row["campaign"] == "spring"]
    assert Decimal(spring["cost"]) == Decimal("1000.00")
    assert await house.audit() == {}


async def test_i8_a_corrected_file_of_deals_and_costs_restates_and_does_not_add(site: Site) -> None:
    house = House(site)
    await site.call("page", userId="ada", properties={"path": "/pricing"}, context=AD)
    await site.call("identify", userId="ada", traits={"email": "ada@example.com"})
    await site.pass_time(days=9)
    day = format_instant(site.now)[:10]

    def deals(amount: str, paid: str) -> list[dict[str, str]]:
        deal = {"Opportunity": "OP-1", "Currency": "CNY", "E-mail": "ada@example.com", "Date": day}
        return [
            {"What happened": "created", "Amount": "8000", "Stage": "proposal", "Payment ID": "", **deal},
            {"What happened": "won", "Amount": amount, "Stage": "", "Payment ID": "", **deal},
            {"What happened": "payment", "Amount": paid, "Stage": "", "Payment ID": "P-1", **deal},
        ]

    def costs(ads: str) -> list[dict[str, str]]:
        cost = {"Day": day, "Campaign": "spring", "Channel": "paid_search", "Currency": "CNY"}
        return [{**cost, "Kind": "ads", "Amount": ads}, {**cost, "Kind": "labour", "Amount": "50.25"}]

    taken = []
    for amount, paid, ads in (
        ("9000.01", "4000", "1000"),
        ("9500.50", "4500.05", "749.75"),  # the same deals and costs, corrected
        ("9500.50", "4500.05", "749.75"),  # nothing new
        ("9000.01", "4000", "1000"),  # the correction was wrong
    ):
        _, reported, _ = await bring_in(site, "outcomes", deals(amount, paid))
        _, spent, _ = await bring_in(site, "costs", costs(ads))
        taken.append((reported["taken"], spent["taken"]))
        await credited(house, amount)
        await credited(house, paid, contribution="paid")
        (spring,) = [
            row
            for row in (await house.get("/analytics/v1/roi", model="u"))["rows"]
            if row["campaign"] == "spring"
        ]
        assert Decimal(spring["cost"]) == Decimal(ads) + Decimal("50.25")
        assert Decimal(spring["contribution"]) == Decimal(amount)
        await site.pass_time(days=0.01)
    assert taken == [(3, 2), (2, 1), (0, 0), (2, 1)]
    assert await house.audit() == {}
