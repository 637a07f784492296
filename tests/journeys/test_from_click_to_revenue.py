"""From a click to credited revenue: ingest and analytics together, over the public routes.

Rows of docs/requirements.md: A1 A2 A3 A9, I8.
"""

from __future__ import annotations

from typing import Any

import pytest

from leadmill.audit.comparing import audit_deployment
from shared.kernel.instants import format_instant
from tests.journeys.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]


async def report(site: Site, path: str, **query: str) -> dict[str, Any]:
    """Ask analytics, once everything has taken effect."""
    await site.platform.drained()
    answer = await site.api.get(f"/analytics/v1{path}", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def tell(site: Site, path: str, source: str, **fields: Any) -> None:
    """Send an outcome or a cost."""
    key = site.keys.get(source) or await site.deployment.access.add_key(source)
    site.keys[source] = key
    body = {"occurred_at": format_instant(site.now), **fields}
    answer = await site.clients.post(path, json=body, headers={"x-write-key": key})
    assert answer.status_code == 200, answer.text


async def credited(site: Site, **query: str) -> dict[str | None, str]:
    body = await report(site, "/attribution", **query)
    return {row[body["by"]]: row["amount"] for row in body["rows"]}


async def audit(site: Site) -> dict[str, list[str]]:
    """What the audit complains about, by check."""
    await site.platform.drained()
    findings = await audit_deployment(site.platform.blueprints, site.platform.ground.log, full=True)
    return {finding.check: list(finding.breaches) for finding in findings if not finding.holds}


async def test_a_deal_is_credited_to_the_ad_the_fair_and_the_mail_that_led_there(site: Site) -> None:
    ad = {"campaign": {"source": "google", "medium": "cpc", "name": "spring"}}
    await site.call("page", properties={"path": "/pricing"}, anonymousId="browser-1", context=ad)
    await site.pass_time(days=1)
    await site.submit(_anonymous_id="browser-1", email="ada@example.com", name="Ada Example")
    await site.pass_time(days=5)
    await site.track("Live Event Attended", {"live_event": "spring-fair"}, userId="u-1")
    await site.call("identify", userId="u-1", traits={"email": "ada@example.com"})
    await site.pass_time(days=5)
    news = {"campaign": {"source": "news", "medium": "email", "name": "june"}}
    await site.call("page", properties={"path": "/blog/one"}, userId="u-1", context=news)
    before = site.now
    await site.pass_time(days=10)

    await tell(
        site, "/v1/costs", "ads", campaign="spring", kind="ads", amount=1200, currency="CNY", day="2032-03-02"
    )
    won = {"opportunity": "OP-1", "kind": "won", "amount": "3000.01", "currency": "CNY"}
    await tell(site, "/v1/outcomes", "crm", **won, email="ada@example.com")

    assert await credited(site, model="first") == {"spring": "3000.01"}
    assert await credited(site, model="last") == {"june": "3000.01"}
    assert await credited(site, model="u") == {
        "spring": "1200.01",
        "spring-fair": "600.00",
        "june": "1200.00",
    }
    assert await credited(site, model="u", by="channel") == {
        "paid_search": "1200.01",
        "live_event": "600.00",
        "email": "1200.00",
    }
    rows = {row["campaign"]: row["roi"] for row in (await report(site, "/roi", model="first"))["rows"]}
    assert rows == {"spring": 1.5}
    assert await credited(site, model="u", as_of=format_instant(before)) == {}
    (row,) = (await report(site, "/funnel"))["rows"]
    assert (row["source"], row["leads"], row["customers"], row["won"]) == ("website", 1, 1, "3000.01")
    assert (await report(site, "/conversion-rate"))["all"]["percent"] == 100.0

    lead = await site.lead_of(email="ada@example.com")
    events = (await report(site, f"/leads/{lead}/story"))["events"]
    assert events[0]["kind"] == "page_viewed"
    assert events[-1]["kind"] == "credit"
    assert events[0]["message_id"] == "message-1"
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)

    # the deal falls through: nothing is left of it; then it is won again, for less
    await site.pass_time(days=1)
    await tell(site, "/v1/outcomes", "crm", opportunity="OP-1", kind="lost", email="ada@example.com")
    assert await credited(site, model="u") == {}
    await site.pass_time(days=1)
    await tell(site, "/v1/outcomes", "crm", **{**won, "amount": "0.01"}, email="ada@example.com")
    assert await credited(site, model="u") == {"spring": "0.01", "spring-fair": "0.00", "june": "0.00"}

    # she asks to be forgotten: what names her is gone, the sums stay
    admin = await site.deployment.access.add_token("officer", role="admin")
    wish = {"authorization": f"Bearer {admin}"}
    answer = await site.api.post("/v1/erasures", json={"email": "ada@example.com"}, headers=wish)
    assert answer.status_code in {200, 202}, answer.text
    assert await credited(site, model="u") == {"spring": "0.01", "spring-fair": "0.00", "june": "0.00"}
    events = (await report(site, f"/leads/{lead}/story"))["events"]
    assert any(event["kind"] == "lead_erased" for event in events)
    assert {event["message_id"] for event in events} == {None}
    assert not any("path" in event.get("fields", {}) for event in events)

    assert await audit(site) == {}
    await spoil_a_credit(site)
    assert set(await audit(site)) == {
        "analytics: Σ credits = outcome",
        "analytics: credits refold from the facts",
    }


async def spoil_a_credit(site: Site) -> None:
    """Change one credit by the smallest unit, behind everybody's back."""
    analytics = next(one for one in site.platform.blueprints if one.name == "analytics")
    async with analytics.database.connection() as connection:
        assert await connection.execute("UPDATE credit SET minor = minor + 1 WHERE model = 'last'") == 1
