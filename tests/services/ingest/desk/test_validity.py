"""The first filter on the whole service: verdicts over HTTP, bursts over batches, merges taken back (I5)."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from shared.contracts.envelope import Envelope
from shared.contracts.topics import BEHAVIOUR, LEADS
from shared.kernel.instants import MINUTE, SECOND, format_instant
from tests.services.ingest.running import RunningIngest

pytestmark = pytest.mark.postgres

MAIL, CALL = {"email": "ada@acme.example"}, {"phone": "13800138000"}


async def say(
    ingest: RunningIngest, lead: str, what: str, *, by: str = "manager", key: str = "k", **body: Any
) -> tuple[int, dict[str, Any]]:
    answer = await ingest.client.post(
        f"/v1/leads/{lead}/{what}",
        json=body,
        headers={"authorization": f"Bearer {by}", "idempotency-key": f"{what}-{key}"},
    )
    return answer.status_code, answer.json()


async def verdicts(ingest: RunningIngest) -> list[tuple[str, str, str]]:
    """What was said of validity: about which profile, which way, and why."""
    return [
        (one.partitionkey, one.type.split(".")[1].removeprefix("lead_"), str(data(one)["reason"]))
        for one in await ingest.said(LEADS.name)
        if one.type in {"leadmill.lead_invalidated.v1", "leadmill.lead_validated.v1"}
    ]


def data(envelope: Envelope) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.json.decode(envelope.data)
    return told


async def test_people_call_leads_invalid_and_valid_once_for_each_key(
    ingest_on_each_log: RunningIngest,
) -> None:
    ingest = ingest_on_each_log
    await ingest.post("/v1/leads", MAIL)
    await ingest.settle(1)
    ada = (await ingest.find(**MAIL))[0]["id"]
    done = (200, {"lead": ada, "is_invalid": True, "changed": True})
    assert await say(ingest, ada, "invalidate", reason="spam") == done
    assert await say(ingest, ada, "invalidate", reason="spam") == done
    assert (await say(ingest, ada, "validate"))[1]["changed"]
    assert await verdicts(ingest) == [(ada, "invalidated", "spam"), (ada, "validated", "by_hand")]
    kinds = [line.kind for line in await ingest.blueprint.tell(ada)]
    assert kinds[-2:] == ["lead_invalidated", "lead_validated"]
    assert (await say(ingest, ada, "invalidate", key="2", reason="rude"))[1]["code"] == "lead.reason_unknown"
    assert (await say(ingest, "0" * 32, "invalidate", key="3", reason="spam"))[0] == 404
    assert (await say(ingest, ada, "invalidate", by="read", key="4", reason="spam"))[0] == 403
    assert not any((await ingest.breaches()).values())


async def test_a_merge_takes_the_word_along_and_its_undoing_brings_it_home(ingest: RunningIngest) -> None:
    await ingest.post("/v1/leads", {**MAIL, "external_id": "1"})
    await ingest.post("/v1/leads", {**CALL, "external_id": "2"})
    await ingest.settle(2)
    mail, call = [(await ingest.find(**one))[0]["id"] for one in (MAIL, CALL)]
    await say(ingest, call, "invalidate", reason="spam")
    await ingest.post("/v1/leads", {**MAIL, **CALL})
    await ingest.settle(3)
    assert await verdicts(ingest) == [(call, "invalidated", "spam"), (mail, "invalidated", "spam")]
    assert not any((await ingest.breaches()).values())
    gone = max(mail, call)
    assert (await say(ingest, gone, "unmerge", by="admin"))[0] == 200
    assert (await verdicts(ingest))[-1] == (mail, "validated", "no_reason_left")
    assert not any((await ingest.breaches()).values())


async def test_a_burst_over_several_batches_is_told_of_each_of_its_acts(ingest: RunningIngest) -> None:
    began = time.time_ns() // 1000 - MINUTE
    for number in range(5):
        event: dict[str, Any] = {"type": "track", "event": "Document Downloaded", "anonymousId": "b-1"}
        event |= {"messageId": f"m-{number}", "properties": {"document": f"d-{number}", "kind": "brochure"}}
        event["timestamp"] = format_instant(began + number * SECOND // 10)  # by its word, however slow we are
        await ingest.post("/v1/track", event)
        await ingest.settle(number + 1)
    said = await ingest.said(BEHAVIOUR.name)
    acts = {one.id for one in said if one.type == "leadmill.document_downloaded.v1"}
    judged = [data(one) for one in said if one.type == "leadmill.act_judged.v1"]
    assert {one["act"] for one in judged} == acts
    assert {(one["dismissed"], one["verdict"]) for one in judged} == {("burst", 1)}
    assert len(judged) == 5
