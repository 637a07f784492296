"""The twelve rules that break clients if they are missed, each over real sockets."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from shared.contracts.topics import BEHAVIOUR, CONTACTS, LEADS
from shared.postgres.database import Database, DatabaseLimits
from shared.security.write_keys import add_write_key
from tests.services.ingest.clients.door import FORM_KEY, Door, data_of, open_door
from tests.services.ingest.running import KEY, PEPPER

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(40)]

SUCCESS: Final = b'{"success":true}'
EVENT: Final = {"type": "track", "event": "E", "userId": "u", "writeKey": KEY}
ORIGIN: Final = ("Origin", "https://shop.example")
CALLS: Final = ("identify", "track", "page", "screen", "group", "alias", "i", "t", "p", "s", "g", "a")
BATCHES: Final = ("/v1/batch", "/v1/b", "/v1/import", "/v1/import/", "/beacon/v1/batch")


def packed(value: object) -> bytes:
    return msgspec.json.encode(value)


@asynccontextmanager
async def log_out_of_reach(database_url: str) -> AsyncIterator[None]:
    """Keep the log from taking anything: another connection holds its table and does not let go."""
    limits = DatabaseLimits(idle_in_transaction_timeout=timedelta(minutes=5))  # however slow the machine is
    database = Database(database_url, schema="log", application="tests", limits=limits)
    await database.start()
    try:
        async with database.transaction() as transaction:
            await transaction.execute("LOCK TABLE partition IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await database.stop()


async def test_rule_1_success_is_exactly_200_with_success_true_as_json(door: Door) -> None:
    for call in CALLS:
        answer = await door.ask("POST", f"/v1/{call}", body=packed({**EVENT, "previousId": "p"}))
        assert (answer.status, answer.body) == (200, SUCCESS)
        assert answer.headers["content-type"] == "application/json"
    for path in BATCHES:
        answer = await door.ask("POST", path, body=packed({"batch": [EVENT]}))
        assert (answer.status, answer.body) == (200, SUCCESS)
        assert answer.headers["content-type"] == "application/json"


async def test_rule_2_nothing_below_v1_is_ever_redirected(door: Door) -> None:
    paths = [f"/v1/{call}" for call in (*CALLS, "batch", "b", "import", "m", "leads", "events", "nonsense")]
    for path in paths:
        for written in (path, f"{path}/", f"/{path}", path.upper()):
            for method in ("POST", "GET"):
                answer = await door.ask(method, written, body=packed({**EVENT, "batch": []}))
                assert not 300 <= answer.status < 400, (method, written)
                assert "location" not in answer.headers


async def test_rule_3_the_content_type_does_not_count(door: Door) -> None:
    kinds = (
        *("", "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded"),
        *("application/octet-stream", "multipart/form-data; boundary=x", "application/json", "nonsense"),
    )
    for kind in kinds:
        headers = [("Content-Type", kind)] if kind else []
        answer = await door.ask("POST", "/v1/track", body=packed(EVENT), headers=headers)
        assert answer.body == SUCCESS, kind
    await door.ingest.settle(len(kinds))
    assert len(await door.events(BEHAVIOUR.name)) == len(kinds)


async def test_rule_4_gzip_is_unpacked_by_its_name_and_by_its_first_bytes_up_to_a_bound(door: Door) -> None:
    body = gzip.compress(packed(EVENT))
    for headers in ([("Content-Encoding", "gzip")], [("Content-Type", "text/plain")], []):
        assert (await door.ask("POST", "/v1/track", body=body, headers=headers)).body == SUCCESS
    plain = await door.ask("POST", "/v1/track", body=packed(EVENT), headers=[("Content-Encoding", "gzip")])
    assert plain.body == SUCCESS
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    answer = await door.ask("POST", "/v1/batch", body=bomb, headers=[("Content-Encoding", "gzip")])
    assert (answer.status, answer.document["code"]) == (413, "body.too_large")
    await door.ingest.settle(4)
    assert len(await door.events(BEHAVIOUR.name)) == 4


async def test_rule_5_chunked_bodies_need_no_length(door: Door) -> None:
    whole = packed(EVENT)
    pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    answer = await door.ask("POST", "/v1/track", body=body, headers=[("Transfer-Encoding", "chunked")])
    assert answer.body == SUCCESS
    await door.ingest.settle(1)
    (said,) = await door.events(BEHAVIOUR.name)
    assert data_of(said)["name"] == "E"


async def test_rule_6_the_write_key_may_stand_in_the_body_in_credentials_or_in_the_query(door: Door) -> None:
    bare = {name: value for name, value in EVENT.items() if name != "writeKey"}
    basic = "Basic V0tfdGVzdDEyMzo="
    places: Sequence[tuple[str, object, list[tuple[str, str]]]] = [
        ("/v1/t", EVENT, []),
        ("/v1/b", {"batch": [bare], "writeKey": KEY}, []),
        ("/v1/b", {"batch": [EVENT]}, []),
        ("/v1/t", bare, [("Authorization", basic)]),
        ("/v1/t", bare, [("Authorization", "Basic V0tfdGVzdDEyMw==")]),
        ("/v1/t", {**bare, "writeKey": KEY}, [("Authorization", "Bearer a-token-of-somebody-else")]),
        (f"/beacon/v1/batch?writeKey={KEY}", {"batch": [bare]}, []),
        (f"/v1/t?writekey={KEY}", bare, []),
        ("/v1/t", bare, [("X-Write-Key", KEY)]),
    ]
    for path, body, headers in places:
        answer = await door.ask("POST", path, body=packed(body), headers=headers)
        assert answer.body == SUCCESS, (path, body, headers)
    assert (await door.ask("POST", "/v1/t", body=packed(bare))).status == 401
    await door.ingest.settle(len(places))
    assert {data_of(one)["source"] for one in await door.events(BEHAVIOUR.name)} == {"website"}


async def test_rule_7_preflights_pass_for_any_header_and_retry_after_can_be_read_on_every_answer(
    database_url: str, tmp_path: Path
) -> None:
    wanted = "authorization,x-retry-count,anonymousid,rsa-retry-attempt,x-never-heard-of"
    asks = [ORIGIN, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", wanted)]
    async with open_door(database_url, tmp_path, spill=False) as door:
        for path in ("/v1/t", "/v1/batch", "/v1/leads", f"/f/{FORM_KEY}", "/v1/nonsense"):
            for origin in (ORIGIN, ("Origin", "null")):
                answer = await door.ask("OPTIONS", path, headers=[origin, *asks[1:]])
                assert answer.status == 204
                assert answer.headers["access-control-allow-headers"] == wanted
                assert answer.headers["access-control-allow-origin"] == origin[1]
                assert "POST" in answer.headers["access-control-allow-methods"]
        answers = [
            await door.ask("POST", "/v1/t", body=packed(EVENT), headers=[ORIGIN]),
            await door.ask("POST", "/v1/t", body=b"not json", headers=[ORIGIN]),
            await door.ask("POST", "/v1/t", body=packed({"event": "E"}), headers=[ORIGIN]),
            await door.ask("POST", "/v1/nonsense", headers=[ORIGIN]),
            await door.ask("POST", "/v1/t", body=bytes(5_000_000), headers=[ORIGIN]),
        ]
        async with door.ingest.blueprint.database.transaction() as transaction:
            await add_write_key(transaction, pepper=PEPPER, source="slow", now=0, brought="WK_slow_1")
            await transaction.execute("UPDATE write_key SET rate = 1, burst = 1 WHERE source = 'slow'")
        slow = packed({**EVENT, "writeKey": "WK_slow_1"})
        burst = [await door.ask("POST", "/v1/t", body=slow, headers=[ORIGIN]) for _ in range(20)]
        answers += [one for one in burst if one.status != 200][:1]
        async with log_out_of_reach(database_url):
            answers.append(await door.ask("POST", "/v1/t", body=packed(EVENT), headers=[ORIGIN]))
        assert [one.status for one in answers] == [200, 400, 401, 404, 413, 429, 503]
        for answer in answers[-2:]:
            assert re.fullmatch("[1-9][0-9]*", answer.headers["retry-after"])
        for answer in answers:
            assert answer.headers["access-control-allow-origin"] == ORIGIN[1]
            assert "Retry-After" in answer.headers["access-control-expose-headers"]


async def test_rule_8_every_refusal_carries_code_and_message_as_texts(door: Door) -> None:
    refused = [
        await door.ask("POST", "/v1/track", body=b"not json"),
        await door.ask("POST", "/v1/batch", body=b""),
        await door.ask("POST", "/v1/track", body=packed({**EVENT, "big": "x" * 40_000})),
        await door.ask("POST", "/v1/track", body=packed({"event": "E", "userId": "u"})),
        await door.ask("POST", "/v1/nonsense"),
        await door.ask("DELETE", "/v1/track"),
        await door.ask("POST", "/v1/track", body=bytes(5_000_000)),
        await door.ask("POST", "/v1/track", body=b"x", headers=[("Content-Encoding", "br")]),
        await door.ask("POST", "/v1/track", body=b"\x1f\x8b\x08", headers=[("Content-Encoding", "gzip")]),
    ]
    assert [one.status for one in refused] == [400, 400, 400, 401, 404, 405, 413, 415, 400]
    for answer in refused:
        told = answer.document
        assert told["success"] is False
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", told["code"])
        assert isinstance(told["message"], str)
        assert len(told["message"]) > 10


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"batch": []}, {"batch": {}}, {"batch": None}, {"batch": [None, 5, "x", [], True]}),
        {"batch": [{"type": "track", "event": "E"}]},
        {"batch": [{"type": "wink", "userId": "u"}, {"userId": "u"}, {"type": 5, "userId": "u"}]},
        {"batch": [{"type": "track", "userId": "u"}, {"type": "track", "event": {}, "userId": "u"}]},
        {"batch": [{"type": "track", "event": "E", "userId": {"id": 1}, "timestamp": "yesterday"}]},
        {"batch": [{"type": "track", "event": "E", "userId": "u", "big": "x" * 40_000}]},
        {"batch": [{"type": "page", "userId": "u", "context": [], "properties": 5, "messageId": [1]}]},
    ],
    ids=lambda body: packed(body).decode()[:60],
)
async def test_rule_9_what_can_be_read_is_never_refused_and_what_is_of_no_use_is_kept(
    door: Door, body: dict[str, Any]
) -> None:
    answer = await door.ask("POST", "/v1/batch", body=packed({**body, "writeKey": KEY}))
    assert (answer.status, answer.body) == (200, SUCCESS)
    items = body.get("batch")
    count = len(items) if isinstance(items, list) else 1
    await door.ingest.settle(count)
    kept = await door.ingest.value("SELECT count(*) FROM quarantine")
    acts = await door.events(BEHAVIOUR.name)
    assert kept + len(acts) == count
    assert await door.ingest.breaches() == {}


async def test_rule_10_an_outage_behind_the_door_is_absorbed_for_those_who_never_send_again(
    database_url: str, tmp_path: Path
) -> None:
    page = {"type": "page", "anonymousId": "a", "messageId": "m-1", "properties": {"path": "/pricing"}}
    async with open_door(database_url, tmp_path, spill=True) as door:
        async with log_out_of_reach(database_url):
            form = await door.ask("POST", f"/f/{FORM_KEY}", body=b"email=ada%40example.com", headers=_PAGE)
            beacon = await door.ask(
                "POST", f"/beacon/v1/batch?writeKey={KEY}", body=packed({"batch": [page]})
            )
            node = await door.ask("POST", "/v1/batch", body=packed({"batch": [EVENT], "writeKey": KEY}))
        assert (form.status, beacon.body, node.body) == (303, SUCCESS, SUCCESS)
        await door.ingest.settle(3)
        acts = sorted(one.type.split(".")[1] for one in await door.events(BEHAVIOUR.name))
        assert acts == ["act_recorded", "form_submitted", "page_viewed"]
        assert await door.ingest.breaches() == {}


_PAGE: Final = [
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Accept", "text/html"),
]


async def test_rule_11_traits_are_found_where_either_family_puts_them_and_an_absent_id_is_any_nothing(
    door: Door,
) -> None:
    traits = {"email": "ada@example.com", "title": "CTO"}
    spelt: list[dict[str, Any]] = [
        {"traits": traits},
        {"context": {"traits": traits}},
        {"traits": traits, "context": {"traits": traits}},
    ]
    nothing: list[dict[str, Any]] = [{"userId": None}, {"userId": ""}, {}]
    for number, (where, absent) in enumerate(zip(spelt, nothing, strict=True)):
        person = msgspec.json.decode(packed(where).replace(b"ada@", b"ada%d@" % number))
        call = {**person, **absent, "anonymousId": f"a-{number}", "writeKey": KEY}
        assert (await door.ask("POST", "/v1/identify", body=packed(call))).body == SUCCESS
    await door.ingest.settle(3)
    leads = [data_of(one) for one in await door.events(LEADS.name) if "lead_captured" in one.type]
    assert [(one["attributes"], one["reachable"]) for one in leads] == [({"title_level": "cxo"}, True)] * 3
    emails = {data_of(one)["email"] for one in await door.events(CONTACTS.name)}
    assert emails == {f"ada{number}@example.com" for number in range(3)}
    assert await door.ingest.value("SELECT count(*) FROM identifier WHERE kind = 'user'") == 0


async def test_rule_12_ids_of_ad_platforms_stay_whole_and_are_texts(door: Door) -> None:
    ad, campaign = 7_126_711_421_177_430_274, 20_000_000_000
    body = (
        b'{"event":"Ad Clicked","userId":"u","writeKey":"%s","properties":{"ad_id":%d,"campaignId":"%d"},'
        b'"context":{"campaign":{"source":"tiktok","medium":"cpc","name":%d,"content":"%d"}}}'
        % (KEY.encode(), ad, campaign, campaign, ad)
    )
    assert (await door.ask("POST", "/v1/track", body=body)).body == SUCCESS
    lead = {"external_id": ad, "email": "ada@example.com", "utm_campaign": campaign, "utm_medium": "cpc"}
    lead |= {"write_key": KEY}
    assert (await door.ask("POST", "/v1/leads", body=packed(lead))).status == 200
    await door.ingest.settle(2)
    (act,) = [data_of(one) for one in await door.events(BEHAVIOUR.name)]
    assert act["properties"] == {"ad_id": str(ad), "campaignId": str(campaign)}
    assert (act["acquisition"]["campaign"], act["acquisition"]["ad"]) == (str(campaign), str(ad))
    (captured,) = [one for one in map(data_of, await door.events(LEADS.name)) if "external_ids" in one]
    assert captured["external_ids"] == [{"source": "website", "id": str(ad)}]
    assert captured["acquisition"]["campaign"] == str(campaign)
