"""Merges taken back, over HTTP."""

from __future__ import annotations

import pytest

from shared.contracts.topics import CONTACTS, LEADS
from tests.services.ingest.running import RunningIngest

pytestmark = pytest.mark.postgres

MAIL, CALL = {"email": "ada@example.com"}, {"phone": "13800138000"}


async def merged(ingest: RunningIngest) -> tuple[str, str]:
    """Return the lead that stayed and the one that went, of a merge that was wrong."""
    await ingest.post("/v1/leads", {**MAIL, "external_id": "1"})
    await ingest.post("/v1/leads", {**CALL, "external_id": "2"})
    await ingest.settle(2)
    ids = sorted([(await ingest.find(**one))[0]["id"] for one in (MAIL, CALL)])
    await ingest.post("/v1/leads", {**MAIL, **CALL})
    await ingest.settle(3)
    assert [one["id"] for one in await ingest.find(**MAIL)] == [ids[0]]
    return ids[0], ids[1]


async def unmerge(ingest: RunningIngest, lead: str, *, key: str = "k") -> tuple[int, dict[str, object]]:
    answer = await ingest.client.post(
        f"/v1/leads/{lead}/unmerge",
        json={"reason": "two people"},
        headers={"authorization": "Bearer admin", "idempotency-key": key},
    )
    return answer.status_code, answer.json()


async def test_lets_the_lead_stand_by_itself_for_good(ingest_on_each_log: RunningIngest) -> None:
    ingest = ingest_on_each_log
    stays, gone = await merged(ingest)
    first = await unmerge(ingest, gone)
    assert first == (200, {"lead": gone, "from_lead": stays, "profiles": [gone]})
    assert await unmerge(ingest, gone) == first
    status, refused = await unmerge(ingest, gone, key="k-2")
    assert (status, refused["code"]) == (409, "lead.not_merged")
    await ingest.post("/v1/leads", {**MAIL, **CALL})
    await ingest.settle(4)
    mail, call = (await ingest.find(**MAIL))[0], (await ingest.find(**CALL))[0]
    assert {mail["id"], call["id"]} == {stays, gone}
    assert (mail["phone"], call["email"]) == (None, None)
    assert ([one["id"] for one in mail["external_ids"]], [one["id"] for one in call["external_ids"]]) == (
        ["1"],
        ["2"],
    )
    (moved,) = [one for one in await ingest.said(LEADS.name) if one.type == "leadmill.lead_unmerged.v1"]
    assert moved.subject == gone
    latest = {record.key: record.value for record in await ingest.records(CONTACTS.name)}
    assert all(value is not None for value in latest.values())
    assert len(latest) == 2
    for lead in (stays, gone):
        kinds = [line.kind for line in await ingest.blueprint.tell(lead)]
        assert {"lead_merged", "lead_unmerged"} <= set(kinds)
    assert await ingest.breaches() == {}


async def test_then_an_erasure_takes_one_of_the_two_only(ingest: RunningIngest) -> None:
    _, gone = await merged(ingest)
    await unmerge(ingest, gone)
    await ingest.erase(**MAIL)
    assert await ingest.find(**MAIL) == []
    assert len(await ingest.find(**CALL)) == 1
    assert await ingest.breaches() == {}


async def test_of_an_erased_lead_brings_nothing_back(ingest: RunningIngest) -> None:
    stays, gone = await merged(ingest)
    await ingest.erase(lead=stays)
    status, refused = await unmerge(ingest, gone)
    assert (status, refused["code"]) == (409, "intake.erased")
    assert await ingest.value("SELECT count(*) FROM contact") == 0
    status, refused = await unmerge(ingest, "0" * 32)
    assert (status, refused["code"]) == (404, "intake.unknown_lead")
