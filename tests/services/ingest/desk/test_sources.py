"""How the sources are: counts that add up, over HTTP and as a page."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.services.ingest.running import KEY, RunningIngest, batch_of

pytestmark = pytest.mark.postgres

READER = {"authorization": "Bearer reader"}


def act(message_id: str) -> dict[str, Any]:
    return {"type": "track", "event": "E", "userId": "u", "messageId": message_id}


async def state(ingest: RunningIngest) -> dict[str, Any]:
    answer = await ingest.client.get("/v1/sources", headers=READER)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def of(ingest: RunningIngest, source: str, accepted: int) -> dict[str, Any]:
    """Return how a source is once the edge has written down that it accepted so much."""
    async with asyncio.timeout(20):
        while True:
            found = {one["source"]: one for one in (await state(ingest))["sources"]}
            if found[source]["accepted"] >= accepted:
                return dict(found[source])
            await asyncio.sleep(0.1)


async def test_counts_what_each_source_sent_and_what_became_of_it(ingest: RunningIngest) -> None:
    admin = {"authorization": "Bearer admin"}
    new = await ingest.client.post("/v1/keys", json={"source": "partner"}, headers=admin)
    other = {"x-write-key": new.json()["key"]}
    await ingest.post(
        "/v1/batch", batch_of(act("1"), act("2"), act("1"), {"type": "nonsense", "userId": "u"})
    )
    await ingest.client.post("/v1/track", json=act("1"), headers=other)
    assert (await ingest.client.post("/v1/track", content=b"{", headers=other)).status_code == 400
    for _ in range(2):
        answer = await ingest.client.post("/v1/track", json=act("1"), headers={"x-write-key": "nobody's"})
        assert answer.status_code == 401
    await ingest.settle(5)

    website, partner = await of(ingest, "website", 4), await of(ingest, "partner", 1)
    assert (website["processed"], website["duplicate"], website["quarantined"]) == (
        *(2, 1),
        {"intake.unknown_call": 1},
    )
    assert (partner["accepted"], partner["processed"], partner["refused"]) == (1, 1, {"body.not_json": 1})
    assert website["waiting"] == website["quarantined"]["intake.unknown_call"]
    assert website["lag_seconds"] == partner["lag_seconds"] == 0
    assert website["last_seen_at"] is not None
    unknown = (await state(ingest))["unknown"]
    assert unknown["refused"] == {"write_key.invalid": 2}
    assert await ingest.breaches() == {}

    keys = await ingest.client.get("/v1/keys", params={"source": "partner"}, headers=admin)
    assert keys.json()["keys"][0]["last_used_at"] is not None


async def test_says_how_far_behind_it_is_while_nothing_is_resolved(ingest: RunningIngest) -> None:
    await ingest.post("/v1/track", act("1"))
    await ingest.settle(1)
    await of(ingest, "website", 1)
    await ingest.execute("UPDATE source_accepted SET newest = newest + 90000000")
    assert (await of(ingest, "website", 1))["lag_seconds"] == 90


async def test_is_held_against_the_receipts_by_the_audit(ingest: RunningIngest) -> None:
    await ingest.post("/v1/batch", batch_of(act("1"), act("2"), {"type": "nonsense", "userId": "u"}))
    await ingest.settle(3)
    assert await ingest.breaches() == {}
    check = "ingest: what is counted by source adds up to the receipts"
    for change, undo in (
        (
            "messages = messages + 1 WHERE outcome = 'processed'",
            "messages = messages - 1 WHERE outcome = 'processed'",
        ),
        ("outcome = 'processed' WHERE outcome = 'quarantined'", "outcome = 'quarantined' WHERE code <> ''"),
        ("partition = partition + 100", "partition = partition - 100"),
    ):
        await ingest.execute(f"UPDATE source_resolved SET {change}")
        assert check in await ingest.breaches(), change
        await ingest.execute(f"UPDATE source_resolved SET {undo}")
        assert await ingest.breaches() == {}


async def test_begins_with_what_was_there_before_anybody_counted(ingest: RunningIngest) -> None:
    await ingest.post("/v1/batch", batch_of(act("1"), {"type": "nonsense", "userId": "u"}))
    await ingest.settle(2)
    await ingest.execute("DELETE FROM source_resolved")
    assert await ingest.breaches() == {}
    await ingest.post("/v1/batch", batch_of(act("2"), act("1")))
    await ingest.settle(4)
    assert await ingest.breaches() == {}
    found = await ingest.value("SELECT sum(messages) FROM source_resolved WHERE source = ''")
    assert found == 2


async def test_is_for_those_who_may_read(ingest: RunningIngest) -> None:
    assert (await ingest.client.get("/v1/sources")).status_code == 401


async def test_has_a_page_that_holds_nothing_and_may_do_nothing_but_ask(ingest: RunningIngest) -> None:
    answer = await ingest.client.get("/sources")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "connect-src 'self'" in policy
    assert not re.search(r"\son\w+=|style=|javascript:|https?://", answer.text)
    assert KEY not in answer.text
    assert "来源" in answer.text
