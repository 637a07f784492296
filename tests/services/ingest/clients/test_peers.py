"""Cases of other projects, each sent to a real door; where we differ from them the case says why."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from services.ingest.api.messages import LARGEST_EVENT
from services.ingest.domain.dialects.clicks import MACHINE
from services.ingest.settings import IngestSettings
from shared.contracts.events.raw import ClientInfo, RawReceived
from shared.contracts.topics import BEHAVIOUR
from shared.security.write_keys import add_write_key
from tests.services.ingest.clients.door import Door, data_of
from tests.services.ingest.clients.peers import CASES, Bench, read_cases
from tests.services.ingest.running import KEY, PEPPER
from tests.unit.ingest.requests import RECEIVED, make_reader

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(40)]

DOCUMENTS: Final = (
    *("rudderstack/gateway", "rudderstack/dedupe", "rudderstack/machines", "snowplow/oversize"),
    *("posthog/capture", "unomi/validation", "forms_elsewhere/submitted_twice"),
)
SENT: Final = (
    "rudderstack/gateway",
    "posthog/capture",
    "unomi/validation",
    "forms_elsewhere/submitted_twice",
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_case_names_its_source_and_differs_with_a_reason_or_not_at_all(name: str) -> None:
    document = msgspec.json.decode((CASES / f"{name}.json").read_bytes())
    assert all(source.keys() == {"project", "files", "licence", "used"} for source in document["source"])
    for case in document["cases"]:
        peer, ours = case["peer"], case["ours"]
        differs = [what for what in peer.keys() & ours.keys() if peer[what] != ours[what]]
        assert not differs or case.get("deliberately_different"), case["name"]


@pytest.mark.parametrize("name", SENT)
async def test_requests_of_others_are_answered_and_end_as_their_cases_say(door: Door, name: str) -> None:
    async with door.ingest.blueprint.database.transaction() as transaction:
        await add_write_key(transaction, pepper=PEPPER, source="old", now=RECEIVED, brought="WK_revoked")
        await transaction.execute("UPDATE write_key SET revoked_at = now() WHERE source = 'old'")
    bench = Bench(door)
    wrong = []
    for case in read_cases(name):
        sent = case["sent"]
        outcome = await bench.run(sent if isinstance(sent, list) else [sent])
        wrong += [f"{case['name']}: {one}" for one in outcome.differences(case["ours"])]
    assert wrong == []
    assert await door.ingest.breaches() == {}


async def test_i_2_what_was_seen_is_let_through_once(door: Door) -> None:
    for number, case in enumerate(one for one in read_cases("rudderstack/dedupe") if "batch" in one):
        user = f"dedupe-{number}"
        await _send_ids(door, case["before"], user=user, key=KEY)
        before = Counter(await _ids_said(door, user))
        await _send_ids(door, case["batch"], user=user, key=case.get("as", KEY))
        through = Counter(await _ids_said(door, user)) - before
        assert sorted(through.elements()) == case["ours"]["let_through"], case["name"]
    assert await door.ingest.breaches() == {}


async def test_i_2_of_twenty_senders_at_once_exactly_one_wins_each_key(door: Door) -> None:
    (case,) = [one for one in read_cases("rudderstack/dedupe") if "at_once" in one]
    ids = [f"key-{number}" for number in range(case["keys"])]
    senders = range(case["at_once"])
    # different people, so that the same message comes in on different partitions at the same time
    await asyncio.gather(*(_post_ids(door, ids, user=f"sender-{one}", key=KEY) for one in senders))
    await door.ingest.settle(len(ids) * len(senders))
    said = Counter(data_of(one)["message_id"] for one in await door.events(BEHAVIOUR.name))
    assert said == dict.fromkeys(ids, case["ours"]["let_through_each"])
    assert await door.ingest.breaches() == {}


def test_i_2_messages_are_remembered_longer_than_any_client_keeps_them() -> None:
    (case,) = [one for one in read_cases("rudderstack/dedupe") if "window_days" in one["ours"]]
    assert IngestSettings().remember_messages == timedelta(days=case["ours"]["window_days"])


@pytest.mark.parametrize("case", read_cases("rudderstack/machines"), ids=lambda one: one["name"])
def test_i_3_a_machine_gives_itself_away_by_its_agent(case: Mapping[str, Any]) -> None:
    click = RawReceived(
        source="website",
        channel="link",
        kind="click",
        body='{"click": "c", "link": "l"}',
        client=ClientInfo(user_agent=case["agent"]),
    )
    found = make_reader().on_raw_received(click, record_id="0" * 32, received=RECEIVED)
    assert (found == MACHINE) is case["ours"]["is_machine"]


async def test_i_5_what_is_too_large_is_put_aside_and_hurts_nobody_else(door: Door) -> None:
    bench = Bench(door)
    wrong = []
    for case in read_cases("snowplow/oversize"):
        outcome = await bench.run([_of_sizes(case)])
        wrong += [f"{case['name']}: {one}" for one in outcome.differences(case["ours"])]
    assert wrong == []
    kept = await door.ingest.value("SELECT max(length(record)) FROM quarantine")
    assert kept < LARGEST_EVENT, "of what is too large only the beginning is kept"


def _of_sizes(case: Mapping[str, Any]) -> Mapping[str, Any]:
    def event(share: float) -> dict[str, object]:
        letters = case.get("letter", "x") * int(share * LARGEST_EVENT)
        return {"type": "track", "event": "E", "userId": "s-1", "properties": {"text": letters}}

    if "bytes" in case:
        assert b64decode(case["bytes"])
        return {"path": "/v1/track", "bytes": case["bytes"]}
    if "query" in case:
        text = "x" * int(case["query"] * LARGEST_EVENT)
        path = f"/pixel/v1/page?writeKey={KEY}&anonymousId=s-2&properties.text={text}"
        return {"method": "GET", "path": path, "key": ""}
    if "alone" in case:
        return {"path": "/v1/track", "body": event(case["alone"])}
    return {"path": "/v1/batch", "body": {"batch": [event(share) for share in case["sizes"]]}}


async def _post_ids(door: Door, ids: Sequence[str], *, user: str, key: str) -> None:
    batch = [{"type": "track", "event": "E", "userId": user, "messageId": one} for one in ids]
    body = msgspec.json.encode({"batch": batch, "writeKey": key})
    assert (await door.ask("POST", "/v1/batch", body=body)).status == 200


async def _send_ids(door: Door, ids: Sequence[str], *, user: str, key: str) -> None:
    before = await door.ingest.value("SELECT coalesce(sum(next_offset - first_offset), 0) FROM receipt")
    await _post_ids(door, [f"{user}-{one}" for one in ids], user=user, key=key)
    await door.ingest.settle(int(before) + len(ids))


async def _ids_said(door: Door, user: str) -> list[str]:
    ids = [data_of(one).get("message_id") or "" for one in await door.events(BEHAVIOUR.name)]
    return [one.removeprefix(f"{user}-") for one in ids if one.startswith(user)]
