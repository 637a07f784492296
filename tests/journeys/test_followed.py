"""One click followed from the request to the credit, over all five services, by causes and in one trace."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from leadmill.demo.mail_sink import MailSink
from shared.contracts.envelope import Envelope
from shared.contracts.topics import (
    ASSIGNMENTS,
    BEHAVIOUR,
    LEADS,
    NURTURE,
    OUTCOMES,
    RAW,
    SCORES,
    TIER_CHANGES,
)
from shared.kernel.changes import TimerKey
from shared.kernel.ids import deterministic_id
from shared.processor.tables.timers import ring
from shared.runtime.blueprint import StoryLine
from tests.journeys.inside.house import HANDOVER, House
from tests.journeys.inside.mailbox import BROWSER, links_in, mail_settings, mails_to
from tests.journeys.inside.spans import LastingExporter
from tests.journeys.site import Site, open_site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ADA: dict[str, Any] = {
    "email": "ada@example.com",
    "name": "Ada Example",
    "title": "Director of Operations",
    "industry": "manufacturing",
    "company": {"name": "Northwind", "employees": 650},
}


async def from_a_click_to_revenue(site: Site, house: House, sink: MailSink) -> str:
    """She comes by an ad, takes a white paper, is mailed to, clicks, is called, and buys."""
    ad = {"campaign": {"source": "google", "medium": "cpc", "name": "spring"}}
    await site.call("page", userId="u-1", properties={"path": "/pricing"}, context=ad)
    await site.call("identify", userId="u-1", traits=ADA)
    await site.pass_time(days=0.01)
    await site.call(
        "track",
        userId="u-1",
        event="Document Downloaded",
        properties={"kind": "white_paper", "document": "smart-factory"},
        messageId="the-download",
        traceparent=f"00-{TRACE}-00f067aa0ba902b7-01",
    )
    lead = await site.lead_of(email=ADA["email"])
    await site.pass_time(days=3.5)
    (_, practice) = mails_to(sink, ADA["email"])
    answer = await site.clients.get(links_in(practice)[1][1], headers=BROWSER)
    assert answer.status_code == 302
    owner = (await house.routed(lead))["owner"]
    follow_up = {"way": "phone", "result": "reached", "note": "wants to see it run"}
    await house.do(f"/routing/v1/leads/{lead}/follow-ups", follow_up, by=owner)
    await house.do(f"/routing/v1/leads/{lead}/handover", {"fields": HANDOVER}, by=owner, key="the-handover")
    (deal,) = (await house.routed(lead))["opportunities"]
    await site.pass_time(days=10)
    won = {"kind": "won", "opportunity": deal["opportunity"], "amount": "9000.01", "currency": "CNY"}
    await house.report("/v1/outcomes", source="crm", **won, email=ADA["email"])
    assert await house.credited("last") == {"b_leads": "9000.01"}
    return lead


def line_of(lines: list[StoryLine], service: str, kind: str, text: str = "") -> StoryLine:
    """The one line of a service and kind that says this."""
    (found,) = [one for one in lines if (one.service, one.kind) == (service, kind) and text in one.text]
    return found


async def test_every_link_from_the_request_to_the_credit_names_its_cause(
    mailing_site_on_each_log: Site, sink: MailSink
) -> None:
    site = mailing_site_on_each_log
    house = House(site)
    lead = await from_a_click_to_revenue(site, house, sink)
    lines = await house.explain(lead)

    # request → behaviour → points → tier → mail
    download = line_of(lines, "ingest", "document_downloaded")
    assert download.message_id == "the-download"
    requests = {envelope.id: envelope for envelope in await house.said(RAW.name)}
    assert download.cause in requests
    points = line_of(lines, "scoring", "document_downloaded")
    assert (points.cause, "mql +10 = 55" in points.text) == (download.event, True)
    warm = line_of(lines, "scoring", "tier up", "mql: C → B")
    assert warm.cause == download.event
    enrolled = line_of(lines, "nurture", "lead_enrolled", "b_leads")
    assert enrolled.cause == warm.event
    welcome = line_of(lines, "nurture", "mail planned", "b_leads/welcome")
    assert welcome.cause == warm.event
    welcomed = line_of(lines, "nurture", "message_sent", "b_leads/welcome")
    assert welcomed.cause == welcome.event

    # mail → the clock that it set → the next mail → click
    clock = line_of(lines, "nurture", "clock", "b_leads/practice")
    assert clock.cause == welcomed.event
    practice = line_of(lines, "nurture", "mail planned", "b_leads/practice")
    assert practice.cause == clock.event
    assert line_of(lines, "nurture", "message_sent", "b_leads/practice").cause == practice.event
    clicked = line_of(lines, "nurture", "mail click")
    assert clicked.cause == practice.event
    click = line_of(lines, "ingest", "email_link_clicked")
    assert click.message_id == clicked.event, "what nurture told came in at the front door under that name"
    assert click.cause in requests

    # click → points → tier → owner, and activation → the hand-over that makes the opportunity
    assert "mql +30 = 85" in line_of(lines, "scoring", "email_link_clicked").text
    hot = line_of(lines, "scoring", "tier up", "mql: B → A")
    assert hot.cause == click.event
    decision = line_of(lines, "routing", "decision")
    assigned = line_of(lines, "routing", "lead_assigned")
    assert (decision.cause, assigned.cause) == (hot.event, hot.event)
    assert line_of(lines, "nurture", "sequence_exited", "b_leads").cause in {hot.event, assigned.event}
    activated = line_of(lines, "scoring", "activated")
    assert activated.cause == click.event
    assert line_of(lines, "routing", "task_created").cause == activated.event
    converted = line_of(lines, "routing", "lead_converted")
    assert converted.cause == deterministic_id("command", "routing", "the-handover")

    # opportunity → revenue → credit, which goes to the click
    won = line_of(lines, "ingest", "opportunity_won")
    (opportunity,) = re.findall(r"lm-[0-9a-z-]+", won.text)
    assert opportunity in converted.text
    credit = line_of(lines, "analytics", "credit", "last: ")
    assert credit.cause == won.event
    assert "CNY 9000.01" in credit.text
    assert f"(touch {click.event})" in credit.text
    assert line_of(lines, "analytics", "touch", practice.event).cause == click.event

    await every_event_on_the_topics_agrees(house, lead, lines, requests)
    assert await house.audit() == {}


async def every_event_on_the_topics_agrees(
    house: House, lead: str, lines: list[StoryLine], requests: dict[str, Envelope]
) -> None:
    """What explain calls a cause is the causation id in the log, and each of those leads somewhere."""
    topics = (LEADS, BEHAVIOUR, OUTCOMES, TIER_CHANGES, ASSIGNMENTS, NURTURE)
    events = {
        envelope.id: envelope
        for topic in topics
        for envelope in await house.said(topic.name)
        if envelope.subject == lead
    }
    told = {line.event: line for line in lines if line.event in events}
    assert told.keys() == events.keys(), "explain leaves no event out"
    commands = {
        row["idempotency_key"]: service
        for service in ("routing", "nurture")
        for row in await house.rows(service, "SELECT idempotency_key FROM command")
    }
    known = {
        *events,
        *requests,
        *(envelope.id for envelope in await house.said(SCORES.name)),
        *(line.event for line in lines if line.kind == "clock"),
        *(
            ring("routing", TimerKey(lead, clock), envelope.received).id
            for clock in ("warn_75", "warn_90", "recall", "remind")
            for envelope in events.values()
        ),
        *(deterministic_id("command", service, key) for key, service in commands.items()),
    }
    for envelope in events.values():
        assert envelope.causationid in known, envelope.type
        if ".message_" not in envelope.type:  # a sender's report; explain names the mail instead
            assert told[envelope.id].cause == envelope.causationid


async def test_one_trace_leads_through_all_five_services_and_back_through_the_mail(
    database_url: str, tmp_path: Path, sink: MailSink
) -> None:
    exporter = LastingExporter()
    async with open_site(database_url, tmp_path, mail_settings(sink), exporter=exporter) as site:
        house = House(site)
        lead = await from_a_click_to_revenue(site, house, sink)
        lines = await house.explain(lead)

    spans = [span for span in exporter.get_finished_spans() if f"{span.context.trace_id:032x}" == TRACE]
    processed = {
        (str(span.resource.attributes["service.name"]), str((span.attributes or {})["leadmill.event.id"]))
        for span in spans
        if "leadmill.event.id" in (span.attributes or {})
    }
    assert {service for service, _ in processed} == {"ingest", "scoring", "routing", "nurture", "analytics"}
    # in the trace of the download: what it led to, the mail days later, and what came back from that
    for reader, service, kind, text in (
        ("scoring", "ingest", "document_downloaded", ""),
        ("nurture", "scoring", "tier up", "mql: C → B"),
        ("analytics", "nurture", "message_sent", "b_leads/welcome"),
        ("analytics", "nurture", "message_sent", "b_leads/practice"),
        ("scoring", "ingest", "email_link_clicked", ""),
        ("routing", "scoring", "tier up", "mql: B → A"),
        ("analytics", "routing", "lead_assigned", ""),
        ("nurture", "routing", "lead_assigned", ""),
        ("analytics", "nurture", "sequence_exited", "b_leads"),
    ):
        assert (reader, line_of(lines, service, kind, text).event) in processed, (reader, kind, text)
    told = [span.name for span in spans if span.kind.name == "SERVER"]
    assert len(told) == 2, "the download, and the click as nurture told it at the front door"
