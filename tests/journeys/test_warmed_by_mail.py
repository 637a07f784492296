"""From a form over mails to sales: what comes back from mails raises the score, over all services.

Rows of docs/requirements.md: N1 N3, C4 C11 R13.
"""

from __future__ import annotations

from typing import Any

import pytest

from leadmill.audit.comparing import audit_deployment
from leadmill.demo.mail_sink import MailSink
from tests.journeys.inside.mailbox import BROWSER, links_in, mails_to
from tests.journeys.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(25)]


async def becomes_a_b_lead(site: Site, address: str, phone: str) -> str:
    """Somebody worth 40 points by who they are takes a white paper: 50, a B lead."""
    await site.call(
        "identify",
        userId=address,
        traits={
            "email": address,
            "phone": phone,
            "name": "Ada Example",
            "title": "Director of Operations",
            "industry": "manufacturing",
            "region": "上海",
            "company": {"name": "Northwind Tools", "employees": 650},
        },
    )
    await site.track(
        "Document Downloaded", {"kind": "white_paper", "document": "smart-factory"}, userId=address
    )
    lead = await site.lead_of(email=address)
    assert (await site.why(lead, "mql"))["tier"] == "B"
    return lead


async def nurture_of(site: Site, lead: str) -> dict[str, Any]:
    await site.platform.drained()
    answer = await site.api.get(f"/nurture/v1/leads/{lead}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def ends_of(told: dict[str, Any]) -> list[str]:
    """Why the runs through the sequence for B leads ended; before that, she may have been a C lead."""
    return [run["reason"] for run in told["enrolments"] if run["sequence"] == "b_leads"]


async def test_a_b_lead_is_warmed_by_mail_promoted_and_left_alone(
    mailing_site_on_each_log: Site, sink: MailSink
) -> None:
    site = mailing_site_on_each_log
    lead = await becomes_a_b_lead(site, "ada@example.com", "+8613800000001")
    (welcome,) = mails_to(sink, "ada@example.com")
    assert (await nurture_of(site, lead))["sequence"] == "b_leads"

    await site.pass_time(days=3.5)
    (_, practice) = mails_to(sink, "ada@example.com")
    picture, links = links_in(practice)
    assert (await site.clients.get(picture, headers=BROWSER)).status_code == 200
    clicked = await site.clients.get(links[1], headers=BROWSER)
    assert clicked.headers["location"] == "https://www.example.com/book-a-demo"

    hot = await site.why(lead, "mql")
    assert {line["rule"]: line["points"] for line in hot["lines"]}["book_demo_clicked"] == 30
    assert hot["tier"] == "A"
    told = await nurture_of(site, lead)
    assert told["sequence"] is None
    assert ends_of(told) == ["promoted"]
    await site.pass_time(days=5)
    assert [one.message_id for one in mails_to(sink, "ada@example.com")] == [
        welcome.message_id,
        practice.message_id,
    ]

    lines = [line for blueprint in site.platform.blueprints for line in await blueprint.tell(lead)]
    click = next(line for line in lines if line.kind == "mail click")
    assert click.cause == practice.message_id
    assert any(line.message_id == click.event for line in lines), "ingest took the click in as that message"
    findings = await audit_deployment(site.platform.blueprints, site.platform.ground.log, full=True)
    assert [finding.check for finding in findings if not finding.holds] == []


async def test_whoever_unsubscribes_with_one_click_hears_no_more(
    mailing_site_on_each_log: Site, sink: MailSink
) -> None:
    site = mailing_site_on_each_log
    lead = await becomes_a_b_lead(site, "ben@example.com", "+8613800000002")
    (welcome,) = mails_to(sink, "ben@example.com")
    way_out = str(welcome.message["List-Unsubscribe"]).strip("<>")
    answer = await site.clients.post(way_out, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    told = await nurture_of(site, lead)
    assert ends_of(told) == ["unsubscribed"]
    await site.pass_time(days=40)
    assert len(mails_to(sink, "ben@example.com")) == 1
