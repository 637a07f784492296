"""A person with every kind of data comes through every door, is erased, and comes again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import msgspec

from services.ingest.bootstrap import build_hook_tools
from services.ingest.store.hooks.secrets import save_hook
from shared.contracts.topics import CONTACTS, partition_of
from shared.log.port import NewRecord, TopicPartition
from tests.journeys.inside.house import House
from tests.journeys.site import Site
from tests.operations import test_personal_data as everywhere
from tests.operations.test_personal_data import EMAIL, PERSON, PHONE
from tests.unit.ingest.requests import ROOT

_GOOGLE = ROOT / "services" / "ingest" / "providers" / "google_ads" / "fixtures" / "lead.json"
_COMPANY = "Fixture-Lovelace Ltd"


async def push_by_hook(site: Site, *, lead_id: str) -> None:
    """Let an ad platform push the person."""
    fixture: dict[str, Any] = msgspec.json.decode(_GOOGLE.read_bytes())
    tools = build_hook_tools(site.platform.resources, database=site.platform.blueprints[0].database)
    async with tools.database.transaction() as transaction:
        await save_hook(
            transaction, "website", "google-ads", fixture["secrets"], sealing=tools.sealing, now=site.now
        )
    body = {
        **fixture["request"]["body"],
        "lead_id": lead_id,
        "user_column_data": [
            {"column_id": "EMAIL", "string_value": EMAIL.upper()},
            {"column_id": "FULL_NAME", "string_value": PERSON["name"]},
            {"column_id": "COMPANY_NAME", "string_value": _COMPANY},
        ],
    }
    answer = await site.clients.post(f"/hooks/google-ads/{site.keys['website']}", json=body)
    assert answer.status_code == 200, answer.text


async def bring_by_table(site: Site, house: House, *, number: int) -> None:
    """Let somebody bring a table in with the person in it, and wait until it has been worked off."""
    table = f"name,email,phone,company,external_id\n{PERSON['name']},{EMAIL},{PHONE},{_COMPANY},t-{number}\n"
    begun = await site.clients.post(
        "/v1/imports/leads",
        params={"mode": "new"},
        content=table.encode(),
        headers={"x-write-key": site.keys["fair"], "content-type": "text/csv"},
    )
    assert begun.status_code < 300, begun.text
    address = f"/v1/imports/{begun.json()['id']}"
    started = False
    async with asyncio.timeout(60):
        while (state := (await house.get(address, by="marketer"))["state"]) != "done":
            assert state not in {"failed", "cancelled"}
            if state == "checked" and not started:
                await house.do(f"{address}/start", by="marketer")
                started = True
            await asyncio.sleep(0.05)


async def come_in(site: Site, house: House, sink: Any) -> list[str]:
    """The person comes, buys, is written to and written about; answers are returned."""
    said = await everywhere.let_all_five_work(site, house, sink)
    said += await everywhere.send_everything(site)
    await push_by_hook(site, lead_id="hook-1")
    await bring_by_table(site, house, number=1)
    lead = await site.lead_of(email=EMAIL)
    body = {
        "fields": {
            "company_name": _COMPANY,
            "favourite_machine": f"the one of {PERSON['name']}",
            "consent_email.newsletter": True,
        },
        "note": f"{PERSON['name']} of {_COMPANY} prefers {PHONE}",
        "reason": f"{PERSON['name']} said so",
    }
    token = (await house._headers("manager"))["authorization"]
    answer = await site.clients.patch(f"/v1/leads/{lead}", json=body, headers={"authorization": token})
    assert answer.status_code == 200, answer.text
    await site.call("track", event="", messageId="q", properties={"note": f"call {PHONE}"}, userId="x")
    await spoil_contact(site, lead)
    await site.platform.drained()
    return said


async def spoil_contact(site: Site, lead: str) -> None:
    """Put a contact on its topic that nobody can read, under the lead's key."""
    producer = site.platform.ground.log.producer(name="spoiler")
    await producer.start()
    try:
        garbage = NewRecord(lead.encode(), f'{{"email": "{EMAIL}"}}'.encode(), [], site.now // 1000)
        place = partition_of(lead, site.platform.resources.partitions)
        await producer.append([(TopicPartition(CONTACTS.name, place), [garbage])])
    finally:
        await producer.stop()


async def come_again(site: Site, house: House) -> None:
    """Whoever was erased comes back through every door."""
    await site.call("identify", anonymousId="new", userId="new-id", traits=PERSON)
    await site.submit(message="me again", **PERSON)
    await site.capture(external_id="again", **PERSON)
    await push_by_hook(site, lead_id="hook-2")
    await bring_by_table(site, house, number=2)
    won = {"kind": "won", "opportunity": "OP-9", "amount": "5", "currency": "CNY"}
    await house.report("/v1/outcomes", source="crm", **won, email=EMAIL)
    event = {"event": "Demo Requested", "email": EMAIL}
    headers = {"x-write-key": site.keys["website"]}
    answer = await site.clients.post("/v1/events", json=event, headers=headers)
    assert answer.status_code == 200, answer.text
    await site.platform.drained()


async def forget(site: Site, house: House) -> list[str]:
    """Erase the person, and whoever else was opened under their address, number or name; return the leads."""
    leads = []
    for way in ({"email": EMAIL}, {"phone": PHONE}):
        for found in await site.find(**way):
            leads.append(found["id"])
            await house.do("/v1/erasures", {"lead": found["id"]}, by="admin")
    assert leads
    return leads


async def wipe_again(site: Site, house: House, leads: Sequence[str]) -> None:
    """Let a day pass in which ingest says the tombstones of the erased again: each one lies further on."""
    ingest = site.platform.blueprints[0]
    wiping = next(one for one in ingest.activities if one.name == "ingest-wiping")
    before = await _last_tombstones(site, leads)
    for number in range(1, 4):
        await site.pass_time(days=1 / 3)
        task = asyncio.create_task(wiping.run())
        async with asyncio.timeout(60):
            said = "SELECT count(*) FROM command WHERE idempotency_key LIKE 'wipe-%'"
            while (await house.rows("ingest", said))[0][0] < number * len(leads):
                await asyncio.sleep(0.05)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        after = await _last_tombstones(site, leads)
        assert all(after[lead] > before[lead] for lead in leads), (before, after)
        before = after


async def _last_tombstones(site: Site, leads: Sequence[str]) -> dict[str, int]:
    """The offset of the last tombstone of each lead; those before it may have been compacted already."""
    last = dict.fromkeys(leads, -1)
    for one in await site.records(CONTACTS.name):
        lead = (one.key or b"").decode()
        if one.value is None and lead in last:
            last[lead] = max(last[lead], one.offset)
    return last
