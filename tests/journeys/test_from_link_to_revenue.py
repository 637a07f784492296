"""From a rep's tracking link through a form to credited revenue: all five services, over public routes.

Rows of docs/requirements.md: I1 I2, A1.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from leadmill.audit.comparing import audit_deployment
from shared.kernel.instants import format_instant
from tests.journeys.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

BROWSER = {"user-agent": "Mozilla/5.0", "accept": "text/html", "sec-fetch-mode": "navigate"}
PREVIEW = {"user-agent": "WhatsApp/2.23", "accept": "*/*"}
PERSON = {"name": "Ada", "email": "ada@example.com", "company_name": "Analytical Ltd", "title": "CTO"}


async def credited(site: Site, **query: str) -> dict[str | None, str]:
    await site.platform.drained()
    answer = await site.api.get("/analytics/v1/attribution", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return {row[body["by"]]: row["amount"] for row in body["rows"]}


async def test_a_click_leads_to_the_form_and_the_deal_is_credited_to_its_campaign(site: Site) -> None:
    admin = {
        "authorization": f"Bearer {await site.deployment.access.add_token('marketing', role='marketer')}"
    }
    form = f"/f/{site.keys['website']}/trial_request"
    link = {
        "link": "fair-r7",
        "target": f"https://www.example.com{form}",
        "campaign": "spring-fair",
        "ad": "stand",
        "utm_medium": "fair",
        "rep": "r-7",
    }
    assert (await site.api.post("/v1/links", json=link, headers=admin)).status_code == 200

    # the messenger looks first, then she clicks
    await site.clients.get("/l/fair-r7", headers=PREVIEW)
    led = urlsplit((await site.clients.get("/l/fair-r7", headers=BROWSER)).headers["location"])
    assert led.path == form
    carried = dict(parse_qsl(led.query))
    page = await site.clients.get(f"{form}?{led.query}", headers=BROWSER)
    assert carried["lm_click"] in page.text
    await site.pass_time(days=0.005)

    # she forgets her company, is told so, and sends it again
    sent = {**carried, **PERSON, "_lang": "en", "consent_email": "yes"}
    refused = await site.clients.post(form, data={**sent, "company_name": ""}, headers=BROWSER)
    assert (refused.status_code, "Company: this is required" in refused.text) == (422, True)
    assert (await site.clients.post(form, data=sent, headers=BROWSER)).status_code == 303
    lead = await site.lead_of(email="ada@example.com")
    lines = {line["rule"]: line["points"] for line in (await site.why(lead, "mql"))["lines"]}
    assert lines["trial_or_demo_requested"] == 30

    # a colleague opens the same address two days later: another visitor, and no click of his
    await site.pass_time(days=2)
    await site.page("/spring", anonymousId="browser-2", url=f"https://www.example.com/?{led.query}")
    await site.platform.drained()
    key = await site.deployment.access.add_key("crm")
    won = {
        "opportunity": "OP-1",
        "kind": "won",
        "amount": "100",
        "currency": "CNY",
        "email": "ada@example.com",
        "occurred_at": format_instant(site.now),
    }
    answer = await site.clients.post("/v1/outcomes", json=won, headers={"x-write-key": key})
    assert answer.status_code == 200
    assert await credited(site, model="linear") == {"spring-fair": "100.00"}
    assert await credited(site, model="linear", by="channel") == {"live_event": "100.00"}

    story = (await site.api.get(f"/analytics/v1/leads/{lead}/story")).json()["events"]
    assert [one["kind"] for one in story if one["kind"] == "act_recorded"] == ["act_recorded"]
    findings = await audit_deployment(site.platform.blueprints, site.platform.ground.log, full=True)
    assert {one.check: one.breaches for one in findings if not one.holds} == {}
