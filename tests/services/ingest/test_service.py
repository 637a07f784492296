"""The whole service on one machine: requests in, events out, everything accounted for."""

from __future__ import annotations

import pytest

from shared.contracts.topics import BEHAVIOUR, CONTACTS, LEADS, OUTCOMES, RAW
from shared.log.port import NewRecord, TopicPartition
from shared.security.internal_keys import internal_key
from tests.services.ingest.running import PEPPER, RunningIngest, batch_of
from tests.unit.ingest.requests import read_request

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(15)]


class TestIngest:
    async def test_turns_requests_into_leads_and_accounts_for_every_record(
        self, ingest_on_each_log: RunningIngest
    ) -> None:
        ingest = ingest_on_each_log
        visit = {"type": "page", "anonymousId": "a", "properties": {"path": "/pricing"}, "messageId": "1"}
        known = {
            "type": "identify",
            "anonymousId": "a",
            "traits": {"email": "ada@example.com", "phone": "13800138000"},
        }
        await ingest.post("/v1/batch", batch_of(visit, known, {"type": "nonsense", "userId": "u"}))
        await ingest.post("/v1/batch", batch_of(visit))
        await ingest.post("/v1/leads", {"email": "ada@example.com", "title": "CEO", "external_id": "7"})
        recorded = read_request("segment-python-batch-01-POST")
        await ingest.client.post(recorded.path, content=recorded.body, headers=recorded.headers)
        await ingest.settle(5 + recorded.text.count('"messageId"'))
        assert await ingest.breaches() == {}
        assert [envelope.type for envelope in await ingest.said(BEHAVIOUR.name)].count(
            "leadmill.page_viewed.v1"
        ) == 2
        found = await ingest.client.get(
            "/v1/leads", params={"phone": "138 0013 8000"}, headers={"authorization": "Bearer manager"}
        )
        (lead,) = found.json()["leads"]
        assert lead["attributes"] == {"title_level": "cxo"}
        assert lead["email"] == "ada@example.com"
        outcomes = (
            "SELECT ARRAY[sum(processed), sum(duplicate), sum(quarantined), sum(dead)]::int[] FROM receipt"
        )
        assert (await ingest.value(outcomes + " WHERE topic = 'leadmill.raw'"))[1:] == [1, 1, 0]

    async def test_takes_outcomes_and_costs_once_each(self, ingest_on_each_log: RunningIngest) -> None:
        ingest = ingest_on_each_log
        won = {"kind": "won", "opportunity": "OP-1", "amount": 10, "currency": "CNY", "external_id": "7"}
        cost = {"day": "2026-03-02", "campaign": "spring", "kind": "ads", "amount": 3, "currency": "CNY"}
        for _ in range(2):
            await ingest.post("/v1/outcomes", {**won, "message_id": "o-1"})
            await ingest.post("/v1/costs", batch_of({**cost, "message_id": "c-1"}, {**cost, "amount": "?"}))
        await ingest.settle(6)
        told = await ingest.said(OUTCOMES.name)
        assert sorted(one.type for one in told) == [
            "leadmill.cost_recorded.v1",
            "leadmill.opportunity_won.v1",
        ]
        counts = "SELECT ARRAY[sum(processed), sum(duplicate), sum(quarantined)]::int[] FROM receipt"
        assert await ingest.value(counts + " WHERE topic = 'leadmill.raw'") == [2, 2, 2]
        assert await ingest.value("SELECT DISTINCT code FROM quarantine") == "cost.amount_malformed"
        assert await ingest.breaches() == {}

    async def test_lets_the_platform_itself_say_what_a_lead_did_by_its_id(
        self, ingest_on_each_log: RunningIngest
    ) -> None:
        ingest = ingest_on_each_log
        await ingest.post("/v1/identify", {"userId": "u", "traits": {"email": "ada@example.com"}})
        await ingest.settle(1)
        (captured,) = [one for one in await ingest.said(LEADS.name) if "captured" in one.type]
        own = {"x-write-key": internal_key(PEPPER, "nurture").reveal()}
        for n, lead in enumerate((captured.subject, "0" * 32)):
            body = {"event": "Unsubscribed", "leadId": lead, "messageId": f"n-{n}"}
            answer = await ingest.client.post("/v1/track", json=body, headers=own)
            assert answer.status_code == 200
        await ingest.settle(3)
        (left,) = await ingest.said(BEHAVIOUR.name)
        assert (left.type, left.subject) == ("leadmill.unsubscribed.v1", captured.subject)
        assert await ingest.value("SELECT code FROM quarantine") == "intake.unknown_lead"
        assert await ingest.value("SELECT count(*) FROM seen_message") == 2
        assert await ingest.value("SELECT count(*) FROM identifier WHERE kind = 'lead'") == 0
        contact = (await ingest.records(CONTACTS.name))[-1].value
        assert contact is not None
        assert b'"consents":{"email":false}' in contact

    async def test_names_nobody_outside_of_contacts(self, ingest: RunningIngest) -> None:
        person = {"email": "ada@example.com", "phone": "13800138000", "name": "Ada Lovelace"}
        await ingest.post("/v1/identify", {"userId": "ada@example.com", "traits": person})
        await ingest.post(
            "/v1/page",
            {
                "userId": "ada@example.com",
                "messageId": "ada@example.com/1",
                "properties": {"url": "https://x.test/u/ada@example.com/+8613800138000?e=ada@example.com"},
            },
        )
        await ingest.post(
            "/v1/track",
            {
                "userId": "ada@example.com",
                "event": "Mailed ada@example.com",
                "properties": {"to": "Ada <ada@example.com>", "tel": "13800138000", "n": 13800138000},
            },
        )
        await ingest.post("/v1/leads", {**person, "external_id": "ada@example.com"})
        await ingest.settle(4)
        for topic in (LEADS.name, BEHAVIOUR.name):
            for record in await ingest.records(topic):
                whole = b"".join([record.key or b"", record.value or b"", *(v for _, v in record.headers)])
                for secret in (b"ada@", b"Lovelace", b"13800138000"):
                    assert secret not in whole.replace(b"leadmill", b"")
        assert all(b"ada@" not in (record.key or b"") for record in await ingest.records(CONTACTS.name))
        assert len(await ingest.said(CONTACTS.name)) >= 1

    async def test_finds_planted_damage(self, ingest: RunningIngest) -> None:
        for n in range(12):
            await ingest.post("/v1/track", {"userId": f"user-{n}", "event": "E"})
        await ingest.settle(12)
        assert await ingest.breaches() == {}
        lost = await ingest.value("DELETE FROM profile WHERE id = (SELECT min(id) FROM profile) RETURNING id")
        await ingest.execute(
            "UPDATE receipt SET processed = processed - 1 WHERE ctid = ("
            "SELECT ctid FROM receipt WHERE topic = 'leadmill.raw' ORDER BY partition LIMIT 1)"
        )
        breaches = await ingest.breaches()
        assert breaches["ingest: every identifier has a profile"] == [lost]
        assert breaches["ingest: every lead has its own profile"] == [lost]
        assert "ingest: every raw record is accounted for" in breaches

    async def test_sends_quarantine_round_again_once(self, ingest: RunningIngest) -> None:
        await ingest.post("/v1/batch", batch_of({"type": "nonsense", "userId": "u", "messageId": "m"}))
        await ingest.settle(1)
        replaying = ingest.replaying()
        ((waiting, _),) = await replaying.list_waiting()
        assert waiting.code == "intake.unknown_call"
        assert (await replaying.replay()).went == 1
        await ingest.settle(2)
        assert await ingest.value("SELECT tries FROM quarantine WHERE replayed IS NULL") == 2
        repaired = waiting.record.replace(b'"kind":"nonsense"', b'"kind":"identify"')
        await ingest.execute(f"UPDATE quarantine SET record = '\\x{repaired.hex()}'")
        assert (await replaying.replay()).went == 1
        await ingest.execute("UPDATE quarantine SET replayed = NULL")
        assert (await replaying.replay()).went == 1
        await ingest.settle(4)
        outcomes = "SELECT ARRAY[sum(processed), sum(duplicate), sum(quarantined)]::int[] FROM receipt"
        assert await ingest.value(outcomes + " WHERE topic = 'leadmill.raw'") == [1, 1, 2]

    async def test_puts_junk_on_the_raw_topic_aside(self, ingest: RunningIngest) -> None:
        producer = ingest.log.producer(name="stranger")
        await producer.start()
        await producer.append([(TopicPartition(RAW.name, 0), [NewRecord(b"k", b"junk", [], 1)])])
        await producer.stop()
        await ingest.post("/v1/track", {"userId": "u", "event": "E"})
        await ingest.settle(2)
        assert await ingest.value("SELECT count(*) FROM dead_letter") == 1
        assert await ingest.breaches() == {}
