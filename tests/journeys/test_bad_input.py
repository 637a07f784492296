"""What does not fit: documents and reports with faults get a clear answer, and nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from leadmill.platform.ground import open_ground
from leadmill.platform.settings import load_platform_settings
from leadmill.platform.simulation import Platform
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Rejected
from tests.journeys.inside.house import House
from tests.journeys.site import BEGIN, Site, environment_of, open_site
from tests.operations.processes import leadmill

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(25)]

SHIPPED = Path(__file__).parents[2] / "config"
TRAITS = {
    "email": "ada@example.com",
    "title": "Director",
    "industry": "manufacturing",
    "region": "上海",
    "company": {"name": "Northwind", "employees": 650},
}


def changed(folder: Path, document: str, change: Callable[[str], str]) -> Path:
    """Return a copy of the shipped documents with one of them changed."""
    config = folder / "config"
    shutil.copytree(SHIPPED, config)
    text = (config / document).read_text("utf-8")
    assert change(text) != text
    (config / document).write_text(change(text), "utf-8")
    return config


@asynccontextmanager
async def opened(database_url: str, folder: Path, config: Path) -> AsyncIterator[tuple[Site, House]]:
    """A site that runs by these documents."""
    async with open_site(database_url, folder, {"LEADMILL_CONFIG": str(config)}) as site:
        yield site, House(site)


async def a_hot_lead(site: Site) -> str:
    """Somebody who goes from C to A at once, and so is never claimable on the way."""
    await site.call("identify", userId="u-1", traits={"email": TRAITS["email"]})
    await site.track("Demo Requested", userId="u-1")
    await site.page("/pricing", userId="u-1")
    await site.platform.drained()
    await site.call("identify", userId="u-1", traits=TRAITS)
    return await site.lead_of(email="ada@example.com")


async def expect_it_waits_in_the_pool(house: House, lead: str, *, fallback: str) -> None:
    """It lies in the pool with the reason, the decision is kept, and somebody may take it."""
    routed = await house.routed(lead)
    assert (routed["place"], routed["reason"]) == ("pool", fallback)
    assert {(one["rep"], one["fallback"]) for one in routed["trace"]} == {(None, fallback)}
    pool = await house.get("/routing/v1/pool", by="rep-5")
    assert [one["lead"] for one in pool["items"]] == [lead]
    assert (await house.do(f"/routing/v1/leads/{lead}/claim", by="rep-5"))["owner"] == "rep-5"
    assert await house.audit() == {}


async def test_a_lead_that_no_rule_speaks_of_waits_in_the_pool_with_the_reason(
    database_url: str, tmp_path: Path
) -> None:
    config = changed(
        tmp_path, "routing/assignment.yaml", lambda text: text[: text.index("  - rule: everyone")]
    )
    async with opened(database_url, tmp_path, config) as (site, house):
        lead = await a_hot_lead(site)
        await expect_it_waits_in_the_pool(house, lead, fallback="no_rule")


async def test_a_lead_for_a_team_without_people_waits_in_the_pool_with_the_reason(
    database_url: str, tmp_path: Path
) -> None:
    config = changed(
        tmp_path,
        "routing/people.yaml",
        lambda text: text.replace("members: [rep-1, rep-2, rep-3, rep-4]", "members: []"),
    )
    async with opened(database_url, tmp_path, config) as (site, house):
        lead = await a_hot_lead(site)
        await expect_it_waits_in_the_pool(house, lead, fallback="nobody_eligible")


async def test_a_sequence_with_faults_is_refused_before_anything_starts_and_every_fault_is_named(
    database_url: str, tmp_path: Path
) -> None:
    config = changed(
        tmp_path,
        "nurture/sequences/b_leads.yaml",
        lambda text: text.replace("step: practice, content: practice", "step: welcome, content: nowhere"),
    )
    answer = leadmill("config", "check", str(config), "--json")
    assert answer.code == 1
    assert "b_leads" in answer.out
    assert "two steps of one name" in answer.out
    assert "nowhere" in answer.out
    with pytest.raises(Rejected, match="two steps of one name"):
        async with opened(database_url, tmp_path, config):
            raise AssertionError("nothing starts with such documents")


async def test_an_outcome_for_an_unknown_lead_counts_and_belongs_to_whoever_turns_out_to_be_it(
    site: Site,
) -> None:
    house = House(site)
    won = {"kind": "won", "opportunity": "OP-1", "amount": "9000.01", "currency": "CNY"}
    await house.report("/v1/outcomes", source="crm", **won)
    assert await house.credited("u") == {None: "9000.01"}

    await house.report("/v1/outcomes", source="crm", **won, email="ada@example.com")
    lead = await a_hot_lead(site)
    assert (await house.routed(lead))["opportunities"][-1]["stage"] == "won"
    assert await house.credited("u") == {None: "9000.01"}, "once, whoever it was"
    assert await house.audit() == {}


async def test_an_amount_without_a_currency_waits_in_quarantine_until_one_is_set(
    database_url: str, tmp_path: Path
) -> None:
    async with open_site(database_url, tmp_path) as site:
        house = House(site)
        await a_hot_lead(site)
        deal = {"kind": "won", "opportunity": "OP-1", "amount": "9000.01"}
        await house.report("/v1/outcomes", source="crm", **deal, email="ada@example.com")
        await house.report(
            "/v1/costs", source="ads", campaign="spring", kind="ads", amount=1, day="2032-03-01"
        )
        assert await house.credited("u") == {}
        rows = await house.rows("ingest", "SELECT source, code FROM quarantine ORDER BY source")
        assert [tuple(row) for row in rows] == [("ads", "cost.no_currency"), ("crm", "outcome.no_currency")]
        assert await house.audit() == {}

    settings = {"LEADMILL_INGEST_DEFAULT_CURRENCY": "CNY"}
    environment = environment_of(database_url, tmp_path, settings)
    listed = leadmill("quarantine", "list", "--json", environment=environment).document["quarantine"]
    assert {one["code"] for one in listed} == {"cost.no_currency", "outcome.no_currency"}
    assert leadmill("quarantine", "replay", "--all", environment=environment).code == 0
    async with (
        open_ground(load_platform_settings(environment=environment)) as ground,
        Platform(ground, clock=SimulatedClock(BEGIN), environment=environment) as platform,
    ):
        await platform.drained()
        analytics = platform.blueprints[-1]
        async with analytics.database.connection() as connection:
            assert await connection.fetch_value("SELECT sum(minor) FROM credit WHERE model = 'u'") == 900_001
            assert await connection.fetch_value("SELECT sum(minor) FROM cost") == 100
