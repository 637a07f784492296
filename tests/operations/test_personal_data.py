"""Personal data has one home: what identifies a person is nowhere but where it must be (ADR 0006)."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leadmill.audit.reading import read_topic
from leadmill.demo.mail_sink import MailSink, Treatment
from shared.contracts.topics import (
    ASSIGNMENTS,
    BEHAVIOUR,
    CONTACTS,
    DEAD_LETTERS,
    NURTURE,
    OUTCOMES,
    RAW,
    SCORES,
    TIER_CHANGES,
    all_topics,
)
from shared.kernel.release import VERSION
from shared.log.port import NewRecord, Record, TopicPartition
from shared.telemetry.logging import configure_logging
from shared.testing.kafka_broker import find_kafka
from tests.journeys.inside.house import House
from tests.journeys.inside.mailbox import BROWSER, links_in, mail_settings, mails_to
from tests.journeys.inside.spans import LastingExporter
from tests.journeys.site import Site, open_site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(30)]

EMAIL = "ada.fixture@example.com"
REFUSED = "ada.fixture.the.other@example.com"
PHONE = "+1 202 555 0147"
NEEDLES = ("ada.fixture", "ada%2efixture", "2025550147", "555 0147", "555-0147", "Fixture-Lovelace")
MAY_HOLD = {RAW.name, CONTACTS.name, *(topic.name for topic in DEAD_LETTERS.values())}


PERSON = {"email": EMAIL, "phone": PHONE, "name": "Ada Fixture-Lovelace"}


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "embedded":
        yield {}
        return
    with find_kafka() as broker:
        yield {"LEADMILL_LOG": "kafka", "LEADMILL_KAFKA": broker.address, "LEADMILL_KAFKA_SESSION": "6s"}


@pytest.fixture
async def sink() -> AsyncIterator[MailSink]:
    """A mail server that takes everybody's mail but one's."""

    def treat(recipient: str) -> Treatment:
        return Treatment.REFUSE_RECIPIENT if recipient == REFUSED else Treatment.TAKE

    async with MailSink(treat=treat) as opened:
        yield opened


@contextmanager
def captured_log() -> Iterator[io.StringIO]:
    """Everything that is logged, down to the last word."""
    stream = io.StringIO()
    configure_logging(service="leadmill", version=VERSION, level="debug", stream=stream)
    try:
        yield stream
    finally:
        configure_logging(service="leadmill", version=VERSION, level="warning")


async def send_everything(site: Site) -> list[str]:
    """Send the person's data through every door, also the wrong ones; return what was answered."""
    said = []
    await site.call("identify", anonymousId=EMAIL, userId=EMAIL, traits=PERSON)
    await site.call(
        "track",
        userId=EMAIL,
        event=f"Called {PHONE}",
        properties={"email": EMAIL, "phone": PHONE, "note": f"ask {EMAIL}"},
    )
    await site.call(
        "page", userId=EMAIL, properties={"url": f"https://www.example.com/pricing?email={EMAIL}"}
    )
    await site.call("alias", previousId=EMAIL, userId=PHONE)
    await site.call("group", userId=EMAIL, groupId=EMAIL, traits={"name": "Ada Fixture-Lovelace Ltd"})
    await site.capture(external_id=EMAIL, **PERSON, free=f"reach me at {EMAIL}")
    await site.submit(_form=EMAIL, message=f"call {PHONE}", **PERSON)
    await site.call("track", event="", messageId=EMAIL, properties=PERSON)
    for path, body in (
        ("/v1/identify", f'{{"writeKey": "wrong", "userId": "{EMAIL}"}}'),
        ("/v1/identify", f'{{"userId": "{EMAIL}"'),
        ("/v1/batch", f'{{"writeKey": "{site.keys["website"]}", "batch": "{EMAIL}"}}'),
        (f"/f/{EMAIL}", f"email={EMAIL}"),
        (f"/hooks/{EMAIL}", EMAIL),
        ("/v1/leads", f'["{EMAIL}", "{PHONE}"]'),
    ):
        answer = await site.clients.post(path, content=body, params={"email": EMAIL})
        said.append(answer.text)
    for path in ("/v1/leads", f"/scoring/v1/leads/{EMAIL}/why", "/scoring/v1/leads/x/scores", f"/{EMAIL}"):
        answer = await site.api.get(path, params={"mail": EMAIL, "model": EMAIL, "as_of": EMAIL})
        said.append(answer.text)
    said.append((await site.clients.get("/v1/leads", params={"email": EMAIL})).text)
    return said


async def let_all_five_work(site: Site, house: House, sink: MailSink) -> list[str]:
    """Let the person be mailed to, click, be claimed, be written about and buy; return what was answered."""
    fit = {"title": "Director", "industry": "manufacturing", "region": "上海"}
    company = {"name": "Fixture-Lovelace Ltd", "employees": 650}
    await site.call("identify", userId=EMAIL, traits={**PERSON, **fit, "company": company})
    await site.track("Document Downloaded", {"kind": "white_paper", "document": "w"}, userId=EMAIL)
    lead = await site.lead_of(email=EMAIL)
    assert (await house.nurtured(lead))["sequence"] == "b_leads"
    await site.pass_time(days=3.5)
    picture, links = links_in(mails_to(sink, EMAIL)[-1])
    said = [(await site.clients.get(link, headers=BROWSER)).text for link in (picture, links[1])]
    # hot now, and owned; nobody calls, so it is claimed out of the pool, and a note names the person
    await house.routed(lead)
    await site.pass_time(days=4)
    routed = await house.routed(lead)
    assert routed["place"] == "pool"
    acts: list[tuple[str, dict[str, object]]] = [
        ("claim", {}),
        ("follow-ups", {"way": "phone", "result": "reached", "note": f"spoke to {EMAIL}, {PHONE}"}),
        ("handover", {"fields": {"pain_point": f"ask {EMAIL}"}}),
        ("return", {"reason": EMAIL}),
        ("status", {"status": "invalid", "reason": PHONE}),
        (f"{EMAIL}", {}),
    ]
    for act, body in acts:
        said.append((await house.post(f"/routing/v1/leads/{lead}/{act}", body, by="rep-5")).text)
    said += [
        (await house.post(f"/routing/v1/leads/{EMAIL}/claim", {}, by="rep-5")).text,
        (await house.post(f"/routing/v1/leads/{lead}/transfer", {"to_rep": EMAIL})).text,
        (await site.clients.get(f"/t/c/{EMAIL}", params={"u": EMAIL})).text,
    ]
    for path in (f"/nurture/v1/leads/{EMAIL}", f"/analytics/v1/leads/{EMAIL}/story", "/analytics/v1/roi"):
        said.append((await site.api.get(path, params={"model": EMAIL, "as_of": EMAIL})).text)
    won = {"kind": "won", "opportunity": "OP-1", "amount": "9000.01", "currency": "CNY"}
    await house.report("/v1/outcomes", source="crm", **won, email=EMAIL, note=f"{EMAIL} signed")
    await house.report("/v1/outcomes", source="crm", kind="won", opportunity=EMAIL, amount=PHONE, email=EMAIL)
    assert sum(map(float, (await house.credited("u")).values())) == 9000.01
    said.append(str(await house.routed(lead) | {"handover": None, "follow_ups": None}))
    said += [str(await house.nurtured(lead)), str(await house.explain(lead))]
    return said


async def fail_to_send(site: Site, sink: MailSink) -> None:
    """Let mail servers say no to a namesake, with the address in what they answer."""
    namesake = {**PERSON, "email": REFUSED, "phone": "+1 202 555 0148", "title": "Director"}
    traits = {**namesake, "industry": "manufacturing", "region": "上海", "company": {"employees": 650}}
    await site.call("identify", userId="namesake", traits=traits)
    await site.track("Document Downloaded", {"kind": "white_paper", "document": "w"}, userId="namesake")
    await site.platform.drained()
    assert not mails_to(sink, REFUSED)


async def spoil(site: Site) -> None:
    """Put a record with personal data on a topic that a service cannot read."""
    producer = site.platform.ground.log.producer(name="spoiler")
    await producer.start()
    try:
        garbage = NewRecord(b"some-lead", f'{{"email": "{EMAIL}"}}'.encode(), [], site.now // 1000)
        await producer.append([(TopicPartition(BEHAVIOUR.name, 0), [garbage])])
    finally:
        await producer.stop()


async def everything_on(site: Site, topic: str) -> AsyncIterator[Record]:
    async for records in read_topic(site.platform.ground.log, topic):
        for record in records:
            yield record


def find_in(text: str) -> list[str]:
    return [needle for needle in NEEDLES if needle.lower() in text.lower()]


async def test_what_identifies_a_person_is_nowhere_else(
    database_url: str, tmp_path: Path, environment: dict[str, str], sink: MailSink
) -> None:
    exporter = LastingExporter()
    settings = {**environment, **mail_settings(sink)}
    with captured_log() as log:
        async with open_site(database_url, tmp_path, settings, exporter=exporter) as site:
            house = House(site)
            said = await let_all_five_work(site, house, sink)
            await fail_to_send(site, sink)
            said += await send_everything(site)
            await spoil(site)
            await site.pass_time(days=20)
            assert await site.find(email=EMAIL)
            metrics = (await site.clients.get(site.platform.admin_address + "/metrics")).text
            probes = (await site.clients.get(site.platform.admin_address + "/readyz")).text
            leaks: dict[str, list[str]] = {}
            counts: dict[str, int] = {}
            for topic in (declared.name for declared in all_topics()):
                async for record in everything_on(site, topic):
                    counts[topic] = counts.get(topic, 0) + 1
                    seen = [record.key or b"", *(value for _, value in record.headers)]
                    if topic not in MAY_HOLD and record.value != b'{"email": "ada.fixture@example.com"}':
                        seen.append(record.value or b"")
                    for part in seen:
                        leaks.setdefault(topic, []).extend(find_in(part.decode("utf-8", "replace")))

    assert {name: found for name, found in leaks.items() if found} == {}
    assert counts[DEAD_LETTERS["scoring"].name] == 1
    for topic_that_is_spoken_on in (CONTACTS, SCORES, TIER_CHANGES, ASSIGNMENTS, NURTURE, OUTCOMES):
        assert counts[topic_that_is_spoken_on.name] > 0
    assert "letter_not_accepted" in log.getvalue()
    spans = "\n".join(span.to_json() for span in exporter.get_finished_spans())
    assert "POST" in spans
    assert {span.resource.attributes["service.name"] for span in exporter.get_finished_spans()} >= {
        "ingest", "scoring", "routing", "nurture", "analytics"
    }  # fmt: skip
    assert "leads_dead_letters_total" in metrics
    for name, text in {
        "log": log.getvalue(),
        "metrics": metrics,
        "probes": probes,
        "spans": spans,
        "errors": "\n".join(said),
    }.items():
        assert find_in(text) == [], name
