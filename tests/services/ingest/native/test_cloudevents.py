"""CloudEvents on the whole service: what they end as, in whichever mode they came."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from shared.contracts.topics import BEHAVIOUR, LEADS, OUTCOMES
from tests.services.ingest.running import KEY, RunningIngest

pytestmark = pytest.mark.postgres

LEAD: Final = {
    "specversion": "1.0",
    "id": "1234-1234-1234",
    "source": "/forms/demo",
    "type": "com.example.lead.captured",
    "subject": "lead/42",
    "time": "2026-03-02T09:30:00Z",
    "data": {"email": "ada@example.com", "name": "Ada", "company": {"name": "Example"}, "title": "CTO"},
}


async def send(ingest: RunningIngest, path: str, body: object, **headers: str) -> dict[str, Any]:
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    answer = await ingest.client.post(
        f"{path}?writeKey={KEY}", content=msgspec.json.encode(body), headers=given
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def captures(ingest: RunningIngest) -> list[dict[str, Any]]:
    said = await ingest.said(LEADS.name)
    return [msgspec.json.decode(one.data) for one in said if one.type == "leadmill.lead_captured.v1"]


async def test_one_event_in_three_modes_has_one_effect(ingest: RunningIngest) -> None:
    attributes = {
        f"ce_{name}": str(LEAD[name]) for name in ("specversion", "id", "source", "type", "subject", "time")
    }
    first = await send(ingest, "/", LEAD["data"], content_type="application/json", **attributes)
    second = await send(ingest, "/", LEAD, content_type="application/cloudevents+json")
    third = await send(ingest, "/v1/events", [LEAD], content_type="application/cloudevents-batch+json")
    assert first["id"] == second["id"] == third["ids"][0]
    await ingest.settle(3)
    (captured,) = await captures(ingest)
    assert captured["message_id"] == "1234-1234-1234"
    assert captured["external_ids"] == [{"source": "website", "id": "42"}]
    (found,) = await ingest.find(source="website", external_id="42")
    assert (found["name"], found["email"], found["company_name"]) == ("Ada", "ada@example.com", "Example")
    assert not await ingest.breaches()


async def test_acts_and_outcomes_come_to_the_lead_that_a_subject_names(ingest: RunningIngest) -> None:
    deal = {"opportunity": "OP-1", "amount": 1200, "currency": "CNY"}
    batch = [
        LEAD,
        {**LEAD, "id": "2", "type": "com.example.document.downloaded", "data": {"document": "smart-factory"}},
        {**LEAD, "id": "3", "type": "com.example.deal.won.v2", "data": deal},
        {**LEAD, "id": "4", "type": "com.example.calculator.used", "data": {"product_lines": 2}},
    ]
    told = await send(ingest, "/v1/events", batch, content_type="application/cloudevents-batch+json")
    assert "quarantined" not in told
    await ingest.settle(4)
    (captured,) = await captures(ingest)
    acts = [(one.type, msgspec.json.decode(one.data)) for one in await ingest.said(BEHAVIOUR.name)]
    assert sorted(kind for kind, _ in acts) == ["leadmill.act_recorded.v1", "leadmill.document_downloaded.v1"]
    (won,) = [msgspec.json.decode(envelope.data) for envelope in await ingest.said(OUTCOMES.name)]
    assert {said["lead"] for said in (*(act for _, act in acts), won)} == {captured["lead"]}
    assert won["amount"] == {"minor": 120_000, "currency": "CNY"}
