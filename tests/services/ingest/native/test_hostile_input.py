"""What nobody should send: it is answered, hurts nobody else, and ends the same each time."""

from __future__ import annotations

from typing import Any, Final

import pytest

from shared.contracts.topics import BEHAVIOUR
from tests.services.ingest.running import KEY, RunningIngest

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

ZERO: Final = "a\\u0000b"
LONE: Final = "a\\ud800b"
DEEP: Final = '{"a":' * 400 + "1" + "}" * 400
DEEPER: Final = "[" * 50_000 + "]" * 50_000
HUGE: Final = "9" * 400
VALUES: Final = [
    f'"{ZERO}"', f'"{LONE}"', "1e400", "-1e400", "NaN", "Infinity", HUGE, f"-{HUGE}", "1E-400", "9" * 5_000,
    DEEP, DEEPER, "[]", "{}", "null", "true", '""', '" "', '"\\u200b\\u034f\\u00a0"', '"\\u0000"', "1.5",
    '"\\ud83d\\ude00"', '"\x7f"', '"%00"', '"' + "x" * 30_000 + '"',
]  # fmt: skip

SDK: Final = [
    '{"type":"track","event":%s,"userId":"u-1"}',
    '{"type":"track","event":"E","userId":%s}',
    '{"type":"track","event":"E","userId":"u-1","messageId":%s}',
    '{"type":"track","event":"E","userId":"u-1","anonymousId":%s}',
    '{"type":"track","event":"E","userId":"u-1","properties":{"plan":%s}}',
    '{"type":"track","event":"Document Downloaded","userId":"u-1","properties":{"document":%s}}',
    '{"type":"track","event":"E","userId":"u-1","properties":%s}',
    '{"type":"track","event":"E","userId":"u-1","context":%s}',
    '{"type":"track","event":"E","userId":"u-1","timestamp":%s,"sentAt":%s}',
    '{"type":"page","userId":"u-1","properties":{"url":%s,"path":%s,"referrer":%s}}',
    '{"type":"identify","userId":"u-2","traits":{"name":%s}}',
    '{"type":"identify","userId":"u-2","traits":{"email":%s,"phone":%s}}',
    '{"type":"identify","userId":"u-2","traits":{"company":{"name":%s},"industry":%s,"notes":%s}}',
    '{"type":"identify","userId":"u-2","traits":%s}',
    '{"type":"alias","userId":"u-2","previousId":%s}',
    '{"type":%s,"userId":"u-2"}',
    '{"type":"track","type":%s,"event":"E","event":"F","userId":"u-1"}',
    "%s",
]
NATIVE: Final = [
    ("/v1/leads", '{"external_id":%s,"name":"N","email":"n@example.com"}'),
    ("/v1/leads", '{"email":"n@example.com","name":%s,"anything":%s,%s:1}'),
    ("/v1/leads", '{"email":"n@example.com","message_id":%s,"utm_campaign":%s}'),
    ("/v1/events", '{"event":%s,"user_id":"u-3"}'),
    ("/v1/events", '{"event":"E","user_id":"u-3","lead":%s,"traits":%s,"properties":%s}'),
    ("/v1/outcomes", '{"kind":"won","opportunity":%s,"amount":%s,"currency":"CNY","user_id":"u-3"}'),
    ("/v1/outcomes", '{"kind":"lost","opportunity":"OP","reason":%s,"lead":%s}'),
    ("/v1/outcomes", '{"kind":"payment_received","opportunity":"OP","payment":%s,"amount":1,"currency":%s}'),
    (
        "/v1/costs",
        '{"kind":"ads","campaign":%s,"channel":%s,"day":"2026-03-02","amount":%s,"currency":"CNY"}',
    ),
    ("/v1/costs", '{"kind":"ads","campaign":"c","day":%s,"amount":1,"currency":"CNY"}'),
    ("/v1/outcomes", '{"batch":[%s]}'),
    ("/v1/events", '{"batch":%s}'),
]
WON: Final = '{"opportunity":"O","amount":{"minor":%s,"currency":%s}}'
CAPTURED: Final = '{"external_ids":%s,"attributes":%s}'
EVENT: Final = '{"specversion":"1.0","id":%s,"source":%s,"type":%s,"subject":%s,"time":%s,"data":%s}'
EVENTS: Final = [
    EVENT % ("%s", '"s"', '"E"', '"user/4"', "null", "{}"),
    EVENT % ('"1"', "%s", '"E"', '"user/4"', "null", "{}"),
    EVENT % ('"2"', '"s"', "%s", '"user/4"', "null", "{}"),
    EVENT % ('"3"', '"s"', '"E"', "%s", "null", '{"user_id":"u-4"}'),
    EVENT % ('"4"', '"s"', '"E"', '"user/4"', "%s", "{}"),
    EVENT % ('"5"', '"s"', '"E"', '"user/4"', "null", "%s"),
    EVENT % ('"6"', '"s"', '"leadmill.opportunity_won.v1"', '"user/4"', "null", WON),
    EVENT % ('"7"', '"s"', '"leadmill.lead_captured.v1"', '"user/4"', "null", CAPTURED),
]  # fmt: skip


def fill(template: str, value: str) -> str:
    return template.replace("%s", value)


async def send(ingest: RunningIngest, path: str, body: str, **headers: str) -> int:
    answer = await ingest.client.post(
        path,
        content=body.encode(),
        headers={"x-write-key": KEY, **{name.replace("_", "-"): text for name, text in headers.items()}},
    )
    told: dict[str, Any] = answer.json()
    assert answer.status_code in {200, 400}, (path, body[:200], told)
    assert told["success"] is (answer.status_code == 200)
    return len(told.get("ids", "1")) if answer.status_code == 200 else 0


async def test_is_taken_or_refused_and_never_breaks_what_comes_after(ingest: RunningIngest) -> None:
    count = 0
    for template in SDK:
        taken = []
        for value in VALUES:
            message = fill(template, value)
            if await send(ingest, "/v1/track", message):
                taken.append(message)
        await send(ingest, "/v1/batch", f'{{"batch":[{",".join(taken)}]}}')
        count += 2 * len(taken)
    for path, template in NATIVE:
        for value in VALUES:
            count += await send(ingest, path, fill(template, value))
    for template in EVENTS:
        for value in VALUES:
            body = fill(template, value)
            count += await send(ingest, "/v1/events", body, content_type="application/cloudevents+json")
    for value in (*VALUES, "%00", "a%00b", "%ff", "%ED%A0%80"):
        if len(value) > 10_000:
            continue
        fields = f"email=f%40example.com&name={value}&{value}=1&_form={value}&utm_campaign={value}"
        answer = await ingest.client.post(f"/f/{KEY}", content=fields.encode())
        assert answer.status_code == 200, (fields[:200], answer.text)
        count += 1
    last = '{"event":"Demo Requested","userId":"u-9","messageId":"the-last"}'
    count += await send(ingest, "/v1/track", last)
    await ingest.settle(count)
    said = [envelope.type for envelope in await ingest.said(BEHAVIOUR.name)]
    assert "leadmill.demo_requested.v1" in said
    assert await ingest.value("SELECT coalesce(sum(dead), 0) FROM receipt") == 0
    assert not await ingest.breaches()
