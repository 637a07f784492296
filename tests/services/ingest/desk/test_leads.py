"""Leads read and put right over HTTP: by whom, what is shown to whom, once, on each log."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from shared.contracts.attributes import EXAMPLE_MOMENT
from shared.contracts.envelope import encode_event, source_of
from shared.contracts.events.assignments import AssignmentEvent, LeadClaimed, LeadReturned, LeadTransferred
from shared.contracts.topics import ASSIGNMENTS, CONTACTS, LEADS, partition_of
from shared.log.port import NewRecord, TopicPartition
from tests.services.ingest.running import PARTITIONS, RunningIngest

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(15)]

ADA = {"email": "ada@example.com", "name": "Ada", "industry": "制造", "external_id": "7", "title": "VP"}


async def captured(ingest: RunningIngest, count: int = 1, **fields: object) -> str:
    await ingest.post("/v1/leads", {**ADA, **fields})
    await ingest.settle(count)
    return str((await ingest.find(email=str(fields.get("email", ADA["email"]))))[0]["id"])


async def show(ingest: RunningIngest, lead: str, *, by: str = "manager") -> httpx.Response:
    return await ingest.client.get(f"/v1/leads/{lead}", headers={"authorization": f"Bearer {by}"})


async def correct(
    ingest: RunningIngest, lead: str, body: Any, *, by: str = "manager", key: str = "", version: str = ""
) -> httpx.Response:
    headers = {"authorization": f"Bearer {by}"}
    headers |= {"idempotency-key": key} if key else {}
    headers |= {"if-match": version} if version else {}
    return await ingest.client.patch(f"/v1/leads/{lead}", json=body, headers=headers)


async def changes(ingest: RunningIngest) -> list[dict[str, Any]]:
    said = [one for one in await ingest.said(LEADS.name) if one.type == "leadmill.lead_changed.v1"]
    return [msgspec.json.decode(one.data) for one in said]


async def test_a_correction_takes_effect_once_and_is_told_with_who(ingest_on_each_log: RunningIngest) -> None:
    ingest = ingest_on_each_log
    lead = await captured(ingest, consent_email="yes")
    before = (await show(ingest, lead)).json()
    assert before["attributes"]["industry"]["value"] == "manufacturing"
    assert before["attributes"]["industry"]["source"] == "website"
    assert before["contact"]["known"]["name"]["value"] == "Ada"
    assert before["identifiers"] == {"email": 1, "external": 1}
    assert before["consents"] == {"email": True}
    body = {
        "fields": {"行业": "互联网", "phone": "138 0013 8000", "consent_email": False},
        "remove": ["title"],
        "note": "call Ada after ten",
        "reason": "she said so",
    }
    first = await correct(ingest, lead, body, key="c-1")
    assert (first.status_code, (await correct(ingest, lead, body, key="c-1")).json()) == (200, first.json())
    assert first.json()["corrected"] == ["consent_email", "industry", "note", "phone", "title"]
    again = await correct(ingest, lead, {"fields": {"industry": "internet"}}, key="c-2")
    assert again.json()["corrected"] == []
    await ingest.settle(1)
    (told,) = await changes(ingest)
    assert (told["by"], told["reason"], told["attributes"]) == (
        "manager",
        "she said so",
        {"industry": "internet"},
    )
    assert "Ada" not in str(told)
    now = (await show(ingest, lead)).json()
    assert now["attributes"]["industry"]["source"] == "correction"
    assert now["contact"]["known"]["phone"]["value"] == "+8613800138000"
    assert now["contact"]["free_text"]["title"]["value"] is None
    assert [(one["by"], one["text"]) for one in now["contact"]["notes"]] == [
        ("manager", "call Ada after ten")
    ]
    assert [(one["given"], one["source"], one["by"]) for one in now["consent_history"]] == [
        (True, "website", ""),
        (False, "correction", "manager"),
    ]
    assert now["identifiers"] == {"email": 1, "external": 1, "phone": 1}
    assert [one["id"] for one in await ingest.find(phone="13800138000")] == [lead]
    line = [one.text for one in await ingest.blueprint.tell(lead) if "corrected" in one.text]
    assert line == [
        "corrected by manager; consent_email, industry=internet, note, phone, title; she said so; reachable"
    ]
    latest = {record.key: record.value for record in await ingest.records(CONTACTS.name)}
    assert b'"consents":{"email":false}' in (latest[lead.encode()] or b"")
    assert await ingest.breaches() == {}


async def test_what_cannot_be_right_is_refused_and_says_why(ingest: RunningIngest) -> None:
    lead = await captured(ingest)
    other = await captured(ingest, 2, email="bob@example.com", external_id="8", name="Bob")
    version = (await show(ingest, lead)).headers["etag"]
    for answer, status, code, field in (
        (
            await correct(ingest, lead, {"fields": {"industry": "knitting"}}),
            422,
            "correction.value_unknown",
            "industry",
        ),
        (
            await correct(ingest, lead, {"fields": {"email": "bob@example.com"}}),
            409,
            "lead.identifier_taken",
            "email",
        ),
        (await correct(ingest, lead, {}), 422, "correction.nothing", None),
        (await correct(ingest, "0" * 32, {"note": "x"}), 404, "intake.unknown_lead", None),
        (await correct(ingest, lead, {"note": "x"}, version='"99"'), 412, "lead.version_changed", None),
        (await correct(ingest, lead, {"note": "x"}, version="seven"), 400, "lead.version_malformed", None),
        (await correct(ingest, lead, {"note": "x"}, by="reader"), 403, "access.forbidden", None),
        (await correct(ingest, lead, {"note": "x"}, by="rep-1"), 403, "lead.not_yours", None),
        (await show(ingest, "0" * 32), 404, "lead.unknown", None),
    ):
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (status, code)
        if field is not None:
            assert (
                problem["errors"][0]["field"] == field if "errors" in problem else problem["field"] == field
            )
    assert "manufacturing" in (await correct(ingest, lead, {"fields": {"industry": "x"}})).text
    assert other in (await correct(ingest, lead, {"fields": {"email": "bob@example.com"}})).text
    assert (await show(ingest, lead)).headers["etag"] == version
    assert (await correct(ingest, lead, {"note": "x"}, version=version)).status_code == 200
    assert (await ingest.value("SELECT count(*) FROM note")) == 1


async def test_contact_data_is_for_those_who_may_see_it(ingest: RunningIngest) -> None:
    lead = await captured(ingest)
    await correct(ingest, lead, {"note": "Ada is nice"})
    shown = await show(ingest, lead, by="reader")
    assert shown.json()["contact"] is None
    assert "ada" not in shown.text.lower()
    assert (await show(ingest, lead, by="rep-1")).status_code == 403


async def say(ingest: RunningIngest, event: AssignmentEvent, number: int) -> None:
    """Let routing say who owns a lead, and wait until ingest has heard it."""
    value = encode_event(
        event,
        id=f"{number:032x}",
        source=source_of("routing"),
        subject=event.lead,
        occurred=number,
        received=number,
        partition_key=event.lead,
        causation_id=None,
        correlation_id=f"{number:032x}",
    )
    target = TopicPartition(ASSIGNMENTS.name, partition_of(event.lead, PARTITIONS))
    producer = ingest.log.producer(name="routing")
    await producer.start()
    await producer.append([(target, [NewRecord(event.lead.encode(), value, [], number)])])
    await producer.stop()
    heard = f"SELECT count(*) FROM lead_owner WHERE lead = '{event.lead}' AND since = {number}"
    async with asyncio.timeout(20):
        while not await ingest.value(heard):
            await asyncio.sleep(0.05)


async def test_whoever_is_losing_a_lead_corrects_it_no_more(ingest: RunningIngest) -> None:
    lead = await captured(ingest)
    owned: dict[str, Any] = {"lead": lead, "assignment": "a-1"}
    await say(ingest, LeadClaimed(**owned, rep="rep-1", pool="public", due=EXAMPLE_MOMENT), 1)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with ingest.blueprint.database.transaction() as transaction:
        await transaction.execute("UPDATE lead_owner SET rep = 'rep-2' WHERE lead = $1", lead)
        late = asyncio.create_task(correct(ingest, lead, {"note": "x"}, by="rep-1"))
        while not late.done() and not await ingest.value(f"{waiting} AND datname = current_database()"):
            await asyncio.sleep(0.02)
    assert (await late).json()["code"] == "lead.not_yours"


async def test_a_rep_reads_and_corrects_the_leads_they_own(ingest_on_each_log: RunningIngest) -> None:
    ingest = ingest_on_each_log
    lead = await captured(ingest)
    owned: dict[str, Any] = {"lead": lead, "assignment": "a-1"}
    claimed = LeadClaimed(**owned, rep="rep-1", pool="public", due=EXAMPLE_MOMENT)
    await say(ingest, claimed, 1)
    assert (await show(ingest, lead, by="rep-1")).json()["contact"]["known"]["name"]["value"] == "Ada"
    assert (await show(ingest, lead, by="rep-2")).json()["code"] == "lead.not_yours"
    assert (await correct(ingest, lead, {"fields": {"name": "Ada King"}}, by="rep-1")).status_code == 200
    assert (await correct(ingest, lead, {"note": "x"}, by="rep-2")).json()["code"] == "lead.not_yours"
    await say(
        ingest,
        LeadTransferred(**owned, rep="rep-2", from_rep="rep-1", reason="by_hand", due=EXAMPLE_MOMENT),
        2,
    )
    assert (await show(ingest, lead, by="rep-1")).status_code == 403
    assert (await show(ingest, lead, by="rep-2")).json()["owner"] == "rep-2"
    await say(ingest, LeadReturned(**owned, rep="rep-2", reason="not_ready"), 3)
    assert (await show(ingest, lead, by="rep-2")).status_code == 403
    await ingest.settle(1)
    (told,) = await changes(ingest)
    assert (told["by"], told["corrected"]) == ("rep-1", ["name"])
    assert await ingest.breaches() == {}


async def tags_and_verdicts(ingest: RunningIngest) -> list[tuple[str, dict[str, Any]]]:
    """What was said of tags and validity, by kind."""
    kinds = ("tags_changed", "lead_invalidated", "lead_validated")
    return [
        (one.type.split(".")[1], msgspec.json.decode(one.data))
        for one in await ingest.said(LEADS.name)
        if one.type.split(".")[1] in kinds
    ]


async def test_i10_one_document_puts_fields_tags_and_validity_right_at_once(
    ingest_on_each_log: RunningIngest,
) -> None:
    ingest = ingest_on_each_log
    lead = await captured(ingest)
    earlier = len(await tags_and_verdicts(ingest))
    body = {
        "fields": {"industry": "互联网"},
        "put_tags": ["price_sensitive"],
        "invalid": "spam",
        "note": "never answers",
        "reason": "Ada told us",
    }
    first = await correct(ingest, lead, body, key="d-1")
    assert first.status_code == 200, first.text
    assert {"industry", "note", "tags", "validity"} <= {*first.json()["corrected"]}
    assert (await correct(ingest, lead, body, key="d-1")).json() == first.json()
    shown = await show(ingest, lead)
    assert (shown.json()["version"], shown.json()["is_invalid"]) == (first.json()["version"], True)
    assert [one["by"] for one in shown.json()["tags"] if one["tag"] == "price_sensitive"] == ["manager"]
    await ingest.settle(1)
    tags, verdict = (await tags_and_verdicts(ingest))[earlier:]
    assert (tags[0], tags[1]["by"], tags[1]["reason"]) == ("tags_changed", "manager", "- told us")
    assert {one["tag"] for one in tags[1]["put"]} >= {"price_sensitive"}
    assert (verdict[0], verdict[1]["reason"], verdict[1]["by"]) == ("lead_invalidated", "spam", "manager")
    (changed,) = await changes(ingest)
    assert (changed["by"], changed["corrected"]) == ("manager", ["industry", "note"])
    kinds = [line.kind for line in await ingest.blueprint.tell(lead)]
    assert kinds[-3:] == ["lead_changed", "tags_changed", "lead_invalidated"]

    # all of it or nothing
    for wrong, code, field in (
        ({"put_tags": ["nonsense"]}, "tag.unknown", "put_tags"),
        ({"invalid": "rude"}, "lead.reason_unknown", "invalid"),
        ({"invalid": "spam", "valid": True}, "correction.said_twice", "valid"),
    ):
        refused = await correct(ingest, lead, {"fields": {"industry": "零售"}, **wrong})
        assert (refused.json()["code"], refused.json()["field"]) == (code, field)
    assert (await show(ingest, lead)).json()["attributes"]["industry"]["value"] == "internet"

    # in bulk each row answers for itself
    answer = await ingest.client.post(
        "/v1/leads/bulk",
        json={
            "rows": [
                {"lead": lead, "valid": True, "take_tags": ["price_sensitive"]},
                {"lead": lead, "take_tags": ["price_sensitive"]},
                {"lead": lead, "put_tags": ["nonsense"], "fields": {"industry": "零售"}},
            ]
        },
        headers={"authorization": "Bearer manager"},
    )
    rows = answer.json()["rows"]
    assert [(row["verdict"], row["corrected"], row["code"]) for row in rows] == [
        ("corrected", ["tags", "validity"], None),
        ("unchanged", [], None),
        ("refused", [], "tag.unknown"),
    ]
    now = (await show(ingest, lead)).json()
    assert (now["is_invalid"], now["attributes"]["industry"]["value"]) == (False, "internet")
    assert "price_sensitive" not in {one["tag"] for one in now["tags"]}
    assert await ingest.breaches() == {}


async def test_i10_a_rep_tags_and_calls_invalid_the_leads_they_own_only(ingest: RunningIngest) -> None:
    lead = await captured(ingest)
    claimed = LeadClaimed(lead=lead, assignment="a-1", rep="rep-1", pool="public", due=EXAMPLE_MOMENT)
    await say(ingest, claimed, 1)
    for said in ({"invalid": "spam"}, {"put_tags": ["price_sensitive"]}):
        assert (await correct(ingest, lead, said, by="rep-2")).json()["code"] == "lead.not_yours"
    done = await correct(ingest, lead, {"invalid": "spam", "put_tags": ["price_sensitive"]}, by="rep-1")
    assert done.json()["corrected"] == ["tags", "validity"]
    (tags, verdict) = (await tags_and_verdicts(ingest))[-2:]
    assert (tags[1]["by"], verdict[1]["by"]) == ("rep-1", "rep-1")


async def test_i4_a_correction_adds_no_more_addresses_than_one_person_may_have(
    ingest: RunningIngest,
) -> None:
    lead = await captured(ingest)
    for number in range(4):
        answer = await correct(ingest, lead, {"fields": {"email": f"ada{number}@example.com"}})
        assert answer.status_code == 200, answer.text
    refused = await correct(ingest, lead, {"fields": {"email": "ada9@example.com"}})
    assert (refused.status_code, refused.json()["code"]) == (409, "lead.too_many_identifiers")
    assert "identifiers_per_person.email" in refused.text
    assert await ingest.find(email="ada9@example.com") == []
    assert await ingest.breaches() == {}


async def test_what_was_taken_away_before_anybody_had_said_it_is_not_said_by_an_older_word(
    ingest: RunningIngest,
) -> None:
    who = {"external_id": "7", "industry": "制造"}
    await ingest.post("/v1/leads", who)
    await ingest.settle(1)
    lead = str((await ingest.find(source="website", external_id="7"))[0]["id"])
    assert (await correct(ingest, lead, {"remove": ["name"], "note": "no names"})).status_code == 200
    await ingest.post("/v1/leads", {**who, "name": "Ada", "timestamp": "2001-01-01T00:00:00Z"})
    await ingest.settle(2)
    known = (await show(ingest, lead)).json()["contact"]["known"]["name"]
    assert (known["value"], known["source"]) == (None, "correction")
    assert await ingest.breaches() == {}


async def test_an_erasure_takes_notes_and_consents_along(ingest: RunningIngest) -> None:
    lead = await captured(ingest, consent_email="yes")
    await correct(ingest, lead, {"note": "Ada is nice"})
    await ingest.erase(lead=lead)
    assert await ingest.value("SELECT count(*) FROM note") == 0
    assert await ingest.value("SELECT count(*) FROM consent") == 0
    assert (await show(ingest, lead)).status_code == 410
    assert (await correct(ingest, lead, {"note": "x"})).json()["code"] == "intake.erased"
