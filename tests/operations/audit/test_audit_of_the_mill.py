"""Damage in the services that act, planted behind their backs: each is named by the id of what it hurts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from leadmill.demo.mail_sink import MailSink
from shared.postgres.database import Database
from tests.journeys.inside.house import House
from tests.journeys.inside.mailbox import mail_settings
from tests.journeys.site import Site, open_site
from tests.operations.audit.test_audit import Damage

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

FIT = {"title": "Director", "industry": "manufacturing", "company": {"name": "Northwind", "employees": 650}}


@pytest.fixture
async def mill(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Damage, str, str]]:
    """Ada is owned, with a clock, and bought; Bea has had a mail. Nothing is wrong so far."""
    async with MailSink() as sink, open_site(database_url, tmp_path, mail_settings(sink)) as site:
        ada, bea = await _meet(site)
        database = Database(database_url, schema="public", application="saboteur")
        await database.start()
        try:
            damage = Damage(site, database)
            assert await damage.breaches() == {}
            yield damage, ada, bea
        finally:
            await database.stop()


async def _meet(site: Site) -> tuple[str, str]:
    ad = {"campaign": {"source": "google", "medium": "cpc", "name": "spring"}}
    await site.call("page", userId="ada", properties={"path": "/pricing"}, context=ad)
    await site.call("identify", userId="ada", traits={**FIT, "email": "ada@example.com"})
    await site.track("Demo Requested", userId="ada")
    await site.track("Live Event Attended", {"live_event": "spring-fair"}, userId="ada")
    await site.track("Document Downloaded", {"kind": "white_paper", "document": "w"}, userId="ada")
    await site.call("identify", userId="bea", traits={**FIT, "region": "上海", "email": "bea@example.com"})
    await site.track("Document Downloaded", {"kind": "white_paper", "document": "w"}, userId="bea")
    ada, bea = await site.lead_of(email="ada@example.com"), await site.lead_of(email="bea@example.com")
    won = {"kind": "won", "opportunity": "OP-1", "amount": "9000.01", "currency": "CNY"}
    house = House(site)
    await house.report("/v1/outcomes", source="crm", **won, email="ada@example.com")
    assert (await house.routed(ada))["place"] == "owned"
    return ada, bea


async def test_a_second_owner_is_named(mill: tuple[Damage, str, str]) -> None:
    damage, ada, _ = mill
    owner = await damage.value("SELECT rep FROM routing.lead WHERE id = $1", ada)
    async with damage.database.connection() as connection:
        await connection.execute("DROP INDEX routing.stay_open")  # the database itself would refuse it
    await damage.do(
        "INSERT INTO routing.stay SELECT lead, number + 1, place, since, NULL, reason, NULL, 'rep-6', team,"
        " pool, 'a-second', policy, due, cause FROM routing.stay WHERE lead = $1 AND until IS NULL",
        ada,
    )
    found = await damage.breaches(full=False)
    named = found["routing: one place and one owner per lead"]
    assert f"lead {ada}: is in 2 places at once (owners: {owner}, rep-6)" in named


async def test_a_lost_clock_is_named(mill: tuple[Damage, str, str]) -> None:
    damage, ada, bea = mill
    name = await damage.value("SELECT min(name) FROM routing.timer WHERE key = $1", ada)
    await damage.do("DELETE FROM routing.timer WHERE key = $1 AND name = $2", ada, name)
    await damage.do("DELETE FROM nurture.timer WHERE key = $1", bea)
    found = await damage.breaches(full=False)
    (clock,) = found["routing: every clock is accounted for"]
    assert clock.startswith(f"lead {ada}: its clock {name} is to ring at")
    (waiting,) = found["nurture: every run waits for one thing"]
    assert waiting.startswith(f"lead {bea}: run ")
    assert "its clock is none" in waiting


async def test_a_mail_without_a_row_in_the_ledger_is_named(mill: tuple[Damage, str, str]) -> None:
    damage, _, bea = mill
    message = await damage.value("SELECT id FROM nurture.message WHERE lead = $1 AND state = 'sent'", bea)
    await damage.do("DELETE FROM nurture.message WHERE id = $1", message)
    (named,) = (await damage.breaches(full=False))["nurture: the ledger is what was said"]
    assert named.startswith(f"message {message}: event ")
    assert named.endswith("says message_sent, and the ledger has no row")


async def test_a_doubled_credit_is_named(mill: tuple[Damage, str, str]) -> None:
    damage, _, _ = mill
    await damage.do("UPDATE analytics.credit SET minor = 2 * minor WHERE model = 'first' AND minor > 0")
    assert (await damage.breaches())["analytics: Σ credits = outcome"] == [
        "opportunity OP-1 (won): first credits 1800002, the outcome is 900001"
    ]


async def test_a_hole_in_a_sum_is_named(mill: tuple[Damage, str, str]) -> None:
    damage, _, _ = mill
    await damage.do("DELETE FROM analytics.credit WHERE model = 'last' AND minor > 0")
    assert (await damage.breaches())["analytics: Σ credits = outcome"] == [
        "opportunity OP-1 (won): last credits 0, the outcome is 900001"
    ]
