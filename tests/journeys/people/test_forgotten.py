"""People who ask to be forgotten while a clock runs and a mail is due: nothing of them is left but sums."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

import pytest

from leadmill.demo.mail_sink import MailSink
from shared.contracts.topics import ASSIGNMENTS, CONTACTS, NURTURE, SCORES
from shared.kernel.instants import DAY, HOUR, SECOND, parse_instant
from tests.journeys.inside.house import HANDOVER, House
from tests.journeys.inside.mailbox import mails_to
from tests.journeys.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(25)]

FIT = {"title": "Director of Forgetting", "industry": "manufacturing",
       "company": {"name": "Lethe Tools", "employees": 650}}  # fmt: skip
ADA: dict[str, Any] = {
    **FIT,
    "email": "ada@lethe.example",
    "name": "Ada Lethewater",
    "phone": "+8613800000001",
}
BEA: dict[str, Any] = {**FIT, "email": "bea@lethe.example", "name": "Bea Lethewater", "region": "上海"}
NEEDLES = re.compile("lethe|13800000001|director of forgetting|slow changeovers|hums", re.IGNORECASE)
KEPT_FOR_DAYS = {"log"}
"""Where bytes lie as they came until they are old enough; docs/adr/0006-personal-data.md says how long."""


async def texts_of(house: House) -> dict[str, list[str]]:
    """Every value of every column of every table of every service that names one of them."""
    found: dict[str, list[str]] = {}
    for blueprint in house.site.platform.blueprints:
        tables = await house.rows(
            blueprint.name,
            "SELECT table_name FROM information_schema.tables WHERE table_schema = $1",
            blueprint.schema,
        )
        for (table,) in tables:
            rows = await house.rows(blueprint.name, f'SELECT * FROM "{table}"')
            for row in rows:
                text = " ".join(_plain(value) for value in row.values())
                if NEEDLES.search(text):
                    found.setdefault(f"{blueprint.schema}.{table}", []).append(text[:300])
    return found


def _plain(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


async def look_through_what_came(house: House) -> None:
    """Let ingest look for them, now, in what it keeps as it came; it does so every few minutes."""
    ingest = house.site.platform.blueprints[0]
    purging = next(one for one in ingest.activities if one.name == "ingest-purging")
    task = asyncio.create_task(purging.run())
    async with asyncio.timeout(20):
        while await house.rows("ingest", "SELECT FROM purge"):
            await asyncio.sleep(0.05)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def come_in(site: Site) -> None:
    """Ada is hot, Bea warm."""
    ad = {"campaign": {"source": "google", "medium": "cpc", "name": "spring"}}
    await site.call("page", userId="ada", properties={"path": "/pricing"}, context=ad)
    await site.call("identify", userId="ada", traits=ADA)
    await site.track("Demo Requested", {"note": "the machine hums"}, userId="ada")
    await site.track("Document Downloaded", {"kind": "quote", "document": "q-1"}, userId="ada")
    await site.track("Document Downloaded", {"kind": "white_paper", "document": "w"}, userId="ada")
    await site.call("identify", userId="bea", traits=BEA)
    await site.track("Document Downloaded", {"kind": "white_paper", "document": "w"}, userId="bea")


async def nothing_is_left_of(house: House, *leads: str) -> None:
    """Nothing in any table, and the last word on compacted topics is a tombstone."""
    assert await texts_of(house) == {}
    for topic in (CONTACTS, SCORES):
        latest = {record.key: record.value for record in await house.site.records(topic.name)}
        for lead in leads:
            assert latest[lead.encode()] is None, topic.name


async def is_certified(house: House, lead: str) -> None:
    """Every service says what it removed, in a certificate that nobody can change unseen."""
    certificate = await house.get(f"/v1/erasures/{lead}", by="manager")
    assert (certificate["state"], certificate["waiting_for"]) == ("complete", [])
    assert certificate["asked_by"] == "admin"
    removed = {(one["service"], one["place"]): one["count"] for one in certificate["removed"]}
    assert removed["routing", "lead.handover"] == len(HANDOVER)
    assert removed["routing", "follow_up.note"] == 1
    assert removed["nurture", "contact"] == 1
    assert removed["scoring", "fact.fields"] > 0
    assert removed["analytics", "fact.fields"] > 0
    assert removed["ingest", "contact"] == 1
    assert NEEDLES.search(str(certificate)) is None
    ages_out = {one["where"]: one["by"] for one in certificate["ages_out"]}
    asked = parse_instant(certificate["asked_at"])
    after = {topic: parse_instant(ages_out[topic]) - asked for topic in ("leadmill.raw", "leadmill.contacts")}
    if (
        house.site.platform.ground.settings.log == "kafka"
    ):  # whole segments of six hours go, and compaction takes a day more
        assert after == {"leadmill.raw": 8 * DAY + 6 * HOUR, "leadmill.contacts": DAY + 18 * HOUR}
    else:
        assert after == {"leadmill.raw": 8 * DAY, "leadmill.contacts": DAY}, "a week, and a day for rounds"
    assert (await house.do("/v1/erasures/check", certificate))["unchanged"]
    forged = {**certificate, "profiles": 7}
    assert not (await house.do("/v1/erasures/check", forged))["unchanged"]


@pytest.mark.every_run
async def test_who_is_forgotten_in_mid_flight_leaves_only_sums(
    mailing_site_on_each_log: Site, sink: MailSink
) -> None:
    site = mailing_site_on_each_log
    house = House(site)
    await come_in(site)
    ada, bea = await site.lead_of(email=ADA["email"]), await site.lead_of(email=BEA["email"])

    # a clock runs against Ada's rep, who has noted what she said; a deal of hers is won already
    routed = await house.routed(ada)
    owner = routed["owner"]
    assert "recall" in {clock["name"] for clock in routed["clocks"]}
    note = {"way": "phone", "note": "Ada Lethewater says it hums"}  # without a result: stops no clock
    await house.do(f"/routing/v1/leads/{ada}/handover", {"fields": HANDOVER}, by=owner)
    await house.do(f"/routing/v1/leads/{ada}/follow-ups", {**note, "result": "no_answer"}, by=owner)
    won = {"kind": "won", "opportunity": "OP-1", "amount": "9000.01", "currency": "CNY"}
    await house.report("/v1/outcomes", source="crm", **won, email=ADA["email"])
    # a mail to Bea is due within a second
    told = await house.nurtured(bea)
    assert told["sequence"] == "b_leads"
    ((due,),) = await house.rows("nurture", "SELECT due FROM enrolment WHERE state = 'running'")
    assert await texts_of(house), "what is looked for can be found"
    credited = {model: await house.credited(model) for model in ("first", "last", "linear", "u")}
    assert credited["u"] == {"spring": "9000.01"}
    assert await house.audit() == {}
    await site.platform.advance_to(due - SECOND)
    sent = len(sink.received)
    said = len(await house.said(ASSIGNMENTS.name)), len(await house.said(NURTURE.name))

    for address in (ADA["email"], BEA["email"]):
        assert (await house.do("/v1/erasures", {"email": address}, by="admin"))["profiles"] == 1

    # nothing rings, nothing is sent, and nobody comes back
    await site.pass_time(days=1)
    await site.call("identify", userId="ada", traits=ADA)
    await site.track("Demo Requested", userId="bea")
    await site.pass_time(days=20)
    assert len(sink.received) == sent
    assert not mails_to(sink, ADA["email"])
    assert len(mails_to(sink, BEA["email"])) == 1, "the welcome that went out before"
    late = [one.type.split(".")[1] for one in (await house.said(ASSIGNMENTS.name))[said[0] :]]
    assert not {"response_warned", "lead_recalled", "lead_pooled", "lead_assigned"} & set(late)
    assert not [one for one in await house.said(NURTURE.name) if one.type.split(".")[1] == "message_sent"][1:]
    assert await site.find(email=ADA["email"]) == []
    assert await site.find(email=BEA["email"]) == []
    for lead in (ada, bea):
        assert (await house.post(f"/routing/v1/leads/{lead}/claim", by="rep-5")).status_code == 410
        for service in ("routing", "nurture"):
            timers = await house.rows(service, "SELECT name FROM timer WHERE key = $1", lead)
            assert timers == [], service

    await look_through_what_came(house)
    await nothing_is_left_of(house, ada, bea)
    await is_certified(house, ada)

    # the sums stay, and name nobody
    assert {model: await house.credited(model) for model in credited} == credited
    story = (await house.get(f"/analytics/v1/leads/{ada}/story"))["events"]
    assert {event["message_id"] for event in story} == {None}
    assert NEEDLES.search(str(story)) is None
    for lead in (ada, bea):
        assert NEEDLES.search(str(await house.explain(lead))) is None
    assert await house.audit() == {}
