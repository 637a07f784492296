"""A table of old customers comes in: everybody is scored, and nobody hears of it until they are released.

Rows of docs/requirements.md: I11.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from leadmill.demo.mail_sink import MailSink
from shared.contracts.declarations import DECLARED
from shared.contracts.envelope import Envelope, decode_event
from shared.contracts.events import leads
from shared.contracts.events.assignments import LeadAssigned
from shared.contracts.topics import ASSIGNMENTS, LEADS, NURTURE, RAW
from shared.kernel.instants import DAY, format_instant
from tests.journeys.inside.house import House
from tests.journeys.inside.mailbox import mails_to
from tests.journeys.inside.tables import as_csv, bring_in, held_by, release
from tests.journeys.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(30)]

FIT = {"title": "采购总监", "industry": "制造业", "company size": "650", "region": "上海"}
PEOPLE = ("ada", "bob", "cleo", "dan", "eve", "fay")
OWNED, GONE = "ada", "fay"


def address(name: str) -> str:
    return f"{name}@{name}.example"


def table_of_leads(day: str) -> list[dict[str, str]]:
    return [
        {
            "Lead ID": f"LD-{place}",
            "Name": name,
            "E-mail": address(name),
            "Company": f"{name} Ltd",
            **FIT,
            "Created on": day,
            "Owner": "rep-2" if name == OWNED else "",
            "Status": "contacted" if name == OWNED else "",
        }
        for place, name in enumerate(PEOPLE)
    ]


def table_of_acts(day: str) -> list[dict[str, str]]:
    """White papers for all: 50 points and more make each a B lead, and ada asked for a demo: an A lead."""
    rows = [
        {"E-mail": address(name), "What happened": "Document Downloaded", "Kind": "white_paper", "Date": day}
        for name in PEOPLE
    ]
    asked = {"E-mail": address(OWNED), "What happened": "Demo Requested", "Kind": "", "Date": day}
    return [*rows, asked]


async def leads_on(house: House, topic: str) -> set[str]:
    return {envelope.subject for envelope in await house.said(topic) if envelope.subject}


async def lead_ids(site: Site) -> dict[str, str]:
    return {name: await site.lead_of(email=address(name)) for name in PEOPLE}


async def test_i11_history_starts_nothing_until_it_is_released_in_portions(
    mailing_site_on_each_log: Site, sink: MailSink
) -> None:
    site = mailing_site_on_each_log
    house = House(site)
    old = format_instant(site.now - 300 * DAY)[:10]
    recent = format_instant(site.now - 2 * DAY)[:10]
    _, counts, _ = await bring_in(site, "suppressions", [{"E-mail": address(GONE), "Date": old}])
    assert counts["taken"] == 1
    crm, counts, preview = await bring_in(site, "leads", table_of_leads(old))
    assert (counts["taken"], counts["refused"]) == (len(PEOPLE), 0)
    assert (preview.held, preview.starts) == (preview.new, {})
    await bring_in(site, "events", table_of_acts(recent), mode="history")

    # everybody is scored, and nothing else happens, however long
    ids = await lead_ids(site)
    scores = {name: await site.why(ids[name], "mql") for name in PEOPLE}
    assert {scores[name]["tier"] for name in PEOPLE if name != OWNED} == {"B"}
    assert scores[OWNED]["tier"] == "A"
    await site.pass_time(days=3)
    assert await house.said(ASSIGNMENTS.name) == []
    assert await house.said(NURTURE.name) == []
    assert sink.received == []
    assert await house.rows("routing", "SELECT * FROM task") == []
    assert await house.rows("routing", "SELECT * FROM notice") == []

    # again the same: nothing changes
    before = len(await site.records(LEADS.name))
    for kind, rows in (("leads", table_of_leads(old)), ("events", table_of_acts(recent))):
        _, counts, _ = await bring_in(site, kind, rows, mode="history" if kind == "events" else "by_age")
        assert (counts["taken"], counts["repeated"]) == (0, len(rows))
    assert len(await site.records(LEADS.name)) == before

    # some by what they are, the rest of the portion by number: exactly those start
    held = await held_by(site, crm)
    assert await release(site, crm, where={"industry": "retail"}) == 0
    assert await release(site, crm, count=2) == 2
    assert await held_by(site, crm) == held - 2
    await site.pass_time(days=1)
    released = await _released(house)
    started = await leads_on(house, ASSIGNMENTS.name) | await leads_on(house, NURTURE.name)
    assert started <= released
    assert len(released) == 2

    # whoever comes by themselves is released by that
    waiting = next(name for name in PEOPLE if name not in {OWNED, GONE} and ids[name] not in released)
    await site.call("identify", userId=waiting, traits={"email": address(waiting)})
    await site.track("Document Downloaded", {"kind": "brochure", "document": "b"}, userId=waiting)
    assert ids[waiting] in await _released(house)

    # then all: the table's owner has his lead and a clock, B leads get mail, and who wanted none gets none
    await release(site, crm)
    assert await held_by(site, crm) == 0
    await site.pass_time(days=1)
    owned = await house.routed(ids[OWNED])
    first = next(stay for stay in owned["history"] if stay["place"] == "owned")
    assert (first["rep"], owned["status"]) == ("rep-2", "contacted")
    (assigned,) = [decode_event(one) for one in await house.said(ASSIGNMENTS.name) if _gives(one, ids[OWNED])]
    assert isinstance(assigned, LeadAssigned)
    assert (assigned.rep, assigned.reason) == ("rep-2", "imported")
    for name in PEOPLE:
        expected = 0 if name in {OWNED, GONE} else 1
        assert len(mails_to(sink, address(name))) >= expected, name
    assert mails_to(sink, address(GONE)) == []
    await _check_story(site, house, ids[OWNED], crm)


async def _check_story(site: Site, house: House, lead: str, crm: str) -> None:
    assert await house.audit() == {}
    story = [line.text for line in await house.explain(lead)]
    assert any(f"held by import {crm}" in text for text in story)
    assert len(await site.records(RAW.name)) > 0


def _gives(envelope: Envelope, lead: str) -> bool:
    return envelope.subject == lead and envelope.type == DECLARED.type_of(LeadAssigned)


async def _released(house: House) -> set[str]:
    kind = DECLARED.type_of(leads.LeadReleased)
    return {one.subject for one in await house.said(LEADS.name) if one.type == kind and one.subject}


async def look_at_upload(site: Site, rows: list[dict[str, str]]) -> Any:
    """The preview of a table that is uploaded to the running platform and not started."""
    key = site.keys.setdefault("crm", await site.deployment.access.add_key("crm"))
    answer = await site.clients.post("/v1/imports/leads", content=as_csv(rows), headers={"x-write-key": key})
    assert answer.status_code == 202, answer.text
    path = f"/v1/imports/{answer.json()['id']}"
    token = await site.deployment.access.add_token("marketer", role="marketer", subject=None)
    headers = {"authorization": f"Bearer {token}"}
    shown = (await site.clients.get(path, headers=headers)).json()
    while shown["state"] == "uploaded":
        await asyncio.sleep(0.1)
        shown = (await site.clients.get(path, headers=headers)).json()
    assert shown["state"] == "checked", shown
    await site.clients.post(f"{path}/cancel", headers=headers)
    return shown["preview"]


async def test_i11_an_import_of_new_rows_starts_at_once(mailing_site: Site, sink: MailSink) -> None:
    site, house = mailing_site, House(mailing_site)
    today = format_instant(site.now)[:10]
    rows: list[Any] = table_of_leads(today)
    uploaded = await look_at_upload(site, rows)
    imported, counts, preview = await bring_in(site, "leads", rows)
    assert uploaded["starts"] == preview.starts != {}
    assert counts["taken"] == len(PEOPLE)
    assert (preview.new, preview.held) == (len(PEOPLE), 0)
    await bring_in(site, "events", table_of_acts(today))
    assert await held_by(site, imported) == 0
    ids = await lead_ids(site)
    assert ids[OWNED] in await leads_on(house, ASSIGNMENTS.name)
    assert await house.audit() == {}
