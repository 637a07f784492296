"""Somebody asks to be forgotten, over HTTP, with everything that ingest keeps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.ingest.jobs.purging import Purging
from shared.contracts.topics import BEHAVIOUR, CONTACTS, LEADS, OUTCOMES, RAW
from shared.log.port import NewRecord, TopicPartition
from tests.services.ingest.running import RunningIngest, batch_of

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(15)]

ADA = {"email": "ada@example.com", "phone": "13800138000", "name": "Ada Lovelace", "note": "call me"}
WON = {"kind": "won", "opportunity": "OP-1", "amount": 10, "currency": "CNY", "external_id": "7"}


async def dump(ingest: RunningIngest) -> str:
    """Return everything that ingest's tables hold, as text; what the topic raw holds ages out."""
    tables = (
        *("lead", "contact", "identifier", "profile", "story", "seen_message", "quarantine", "purge"),
        *("command", "dead_letter", "outbox"),
    )
    whole = ""
    for table in tables:
        whole += await ingest.value(f"SELECT coalesce(string_agg(to_jsonb(t)::text, ' '), '') FROM {table} t")
    for column, table in (("record", "quarantine"), ("record_value", "dead_letter")):
        hexed = await ingest.value(
            f"SELECT coalesce(string_agg(encode({column}, 'hex'), '00'), '') FROM {table}"
        )
        whole += bytes.fromhex(hexed).decode("utf-8", "replace")
    return whole.lower()


async def certified(ingest: RunningIngest, lead: str) -> dict[str, Any]:
    """Return the certificate of an erasure, once ingest has heard itself."""
    async with asyncio.timeout(20):
        while True:
            answer = await ingest.client.get(
                f"/v1/erasures/{lead}", headers={"authorization": "Bearer manager"}
            )
            certificate: dict[str, Any] = answer.json()
            if "ingest" not in certificate["waiting_for"]:
                return certificate
            await asyncio.sleep(0.05)


class TestAnErasure:
    async def test_leaves_nothing_that_names_the_person(self, ingest_on_each_log: RunningIngest) -> None:
        ingest = ingest_on_each_log
        await ingest.post("/v1/leads", {**ADA, "external_id": "LD-7"})
        await ingest.settle(1)
        await ingest.post("/v1/page", {"anonymousId": "b", "properties": {"path": "/pricing"}})
        await ingest.post("/v1/identify", {"anonymousId": "b", "traits": {"email": ADA["email"]}})
        await ingest.post("/v1/batch", batch_of({"type": "dance", "traits": {"email": ADA["email"]}}))
        producer = ingest.log.producer(name="stranger")
        await producer.start()
        junk = NewRecord(b"k", b'{"email": "ADA@example.com"}', [], 1)
        await producer.append([(TopicPartition(RAW.name, 0), [junk])])
        await producer.stop()
        await ingest.settle(5)
        (lead,) = await ingest.find(email=ADA["email"])
        assert "ada@example.com" in await dump(ingest)
        answer = await ingest.erase(email=ADA["email"])
        assert answer.status_code == 200
        assert answer.json() == {"lead": lead["id"], "profiles": 2}
        await Purging(ingest.blueprint.database, clock=ingest.resources.clock).purge()
        await ingest.settle(5)
        left = await dump(ingest)
        for secret in ("ada@", "13800138000", "lovelace", "call me", "ld-7", "/pricing"):
            assert secret not in left
        erased = [one for one in await ingest.said(LEADS.name) if one.type == "leadmill.lead_erased.v1"]
        assert len(erased) == 2
        assert {one.subject for one in erased} == {lead["id"]}
        latest = {record.key: record.value for record in await ingest.records(CONTACTS.name)}
        assert set(latest.values()) == {None}
        assert await ingest.find(email=ADA["email"]) == []
        certificate = await certified(ingest, lead["id"])
        removed = {(one["service"], one["place"]): one["count"] for one in certificate["removed"]}
        assert removed["ingest", "contact"] == 1
        assert removed["ingest", "quarantine"] == 1
        assert removed["ingest", "dead_letter.record_value"] == 1
        assert removed["ingest", "story"] > 0
        assert certificate["waiting_for"] == ["scoring", "routing", "nurture", "analytics"]
        (line, *_) = await ingest.blueprint.tell(lead["id"])
        assert (line.kind, line.text) == ("lead_erased", "asked to be forgotten")
        assert await ingest.breaches() == {}

    async def test_keeps_out_what_comes_later_and_counts_it(self, ingest_on_each_log: RunningIngest) -> None:
        ingest = ingest_on_each_log
        await ingest.post("/v1/identify", {"userId": "u", "anonymousId": "b", "traits": ADA})
        await ingest.post("/v1/outcomes", {**WON, "email": ADA["email"]})
        await ingest.settle(2)
        await ingest.erase(phone="+86 138 0013 8000")
        await ingest.post("/v1/leads", {**ADA, "external_id": "another"})
        await ingest.post("/v1/outcomes", {**WON, "kind": "lost"})
        await ingest.post("/v1/track", {"userId": "u", "event": "E"})
        await ingest.post("/v1/page", {"anonymousId": "b"})
        await ingest.settle(6)
        await Purging(ingest.blueprint.database, clock=ingest.resources.clock).purge()
        held = await dump(ingest)
        assert not any(told in held for told in ("ada@", "lovelace"))
        assert await ingest.said(BEHAVIOUR.name) == []
        assert len(await ingest.said(OUTCOMES.name)) == 1
        counts = "SELECT ARRAY[sum(processed), sum(duplicate), sum(quarantined)]::int[] FROM receipt"
        assert await ingest.value(counts + " WHERE topic = 'leadmill.raw'") == [6, 0, 0]
        assert ingest.counted("leads_ingest_suppressed_messages_total") == 4
        assert await ingest.breaches() == {}

    async def test_asked_again_does_nothing_more(self, ingest: RunningIngest) -> None:
        await ingest.post("/v1/leads", ADA)
        await ingest.settle(1)
        first = await ingest.erase(key="e-1", email=ADA["email"])
        again = await ingest.erase(key="e-1", email=ADA["email"])
        assert first.json() == again.json()
        assert first.json()["profiles"] == 1
        other = await ingest.erase(key="e-2", lead=first.json()["lead"])
        assert other.json() == {"lead": first.json()["lead"], "profiles": 0}
        reused = await ingest.erase(key="e-1", phone=ADA["phone"])
        assert (reused.status_code, reused.json()["code"]) == (422, "command.key_reused")
        await ingest.settle(1)
        erased = [one for one in await ingest.said(LEADS.name) if "erased" in one.type]
        assert len(erased) == 1

    async def test_asked_by_many_at_once_amid_messages_happens_once(self, ingest: RunningIngest) -> None:
        await ingest.post("/v1/leads", {**ADA, "external_id": "7"})
        await ingest.settle(1)
        ways = ({"email": ADA["email"]}, {"phone": ADA["phone"]}, {"source": "website", "external_id": "7"})
        answers, _ = await asyncio.gather(
            asyncio.gather(*(ingest.erase(**way) for way in ways * 4)),
            asyncio.gather(*(ingest.post("/v1/leads", {**ADA, "note": f"{n}"}) for n in range(30))),
        )
        assert [one.status_code for one in answers] == [200] * 12
        assert sum(one.json()["profiles"] for one in answers) == 1
        await ingest.settle(31)
        assert await ingest.value("SELECT count(*) FROM contact") == 0
        erased = [one for one in await ingest.said(LEADS.name) if "erased" in one.type]
        assert len(erased) == 1
        latest = {record.key: record.value for record in await ingest.records(CONTACTS.name)}
        assert set(latest.values()) == {None}
        assert await ingest.breaches() == {}

    async def test_of_somebody_nobody_has_heard_of_keeps_them_out(self, ingest: RunningIngest) -> None:
        answer = await ingest.erase(source="website", external_id="7")
        assert answer.json()["profiles"] == 1
        await ingest.post("/v1/leads", {"external_id": "7", "name": "Ada"})
        await ingest.settle(1)
        assert [one.type for one in await ingest.said(LEADS.name)] == ["leadmill.lead_erased.v1"]
        assert await ingest.breaches() == {}

    async def test_is_an_administrators_and_names_somebody(self, ingest: RunningIngest) -> None:
        for answer, status, code in (
            (await ingest.erase("reader", email=ADA["email"]), 403, "access.forbidden"),
            (await ingest.erase(), 400, "erasure.person_unnamed"),
            (await ingest.erase(email="info@example.com"), 400, "erasure.names_nobody"),
            (await ingest.erase(lead="0" * 32), 404, "intake.unknown_lead"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert await ingest.value("SELECT count(*) FROM identifier") == 0

    async def test_that_was_not_carried_through_is_found(self, ingest: RunningIngest) -> None:
        await ingest.post("/v1/leads", ADA)
        await ingest.settle(1)
        lead = (await ingest.find(email=ADA["email"]))[0]["id"]
        await ingest.execute("UPDATE lead SET erased = 1")
        assert await ingest.breaches() == {"ingest: nothing names anybody who was erased": [lead]}
