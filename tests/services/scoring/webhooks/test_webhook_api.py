"""Webhooks over HTTP: who may, what is refused, what is shown and what is shown once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.scoring.api.webhooks import WEBHOOK_STATUSES, build_webhook_router
from shared.kernel.instants import DAY, format_instant
from tests.services.scoring.webhooks.ground import Ground, events, open_ground, verify
from tests.services.surroundings.asking import app_of, client_of
from tests.unit.delivery.outbound.receivers import Names, Receiver, answering
from tests.unit.scoring.stories import START

HOOKS = "/scoring/v1/webhooks"


def open_client(ground: Ground) -> httpx.AsyncClient:
    routers = (build_webhook_router(ground.queries, ground.desk),)
    return client_of(app_of("scoring", routers, clock=ground.clock, statuses=WEBHOOK_STATUSES), by="admin")


@pytest.fixture
async def client(ground: Ground) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator."""
    async with open_client(ground) as opened:
        yield opened


async def ask(client: httpx.AsyncClient, method: str, path: str, status: int = 200, **given: Any) -> Any:
    answer = await client.request(method, HOOKS + path, **given)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_the_life_of_a_webhook(client: httpx.AsyncClient, ground: Ground, receiver: Receiver) -> None:
    made = await ask(
        client, "POST", "", 201, json={"url": receiver.url, "name": "CRM", "models": ["five_step"]}
    )
    webhook, secret = made["webhook"], made["secret"]
    shown = await ask(client, "GET", f"/{webhook}")
    assert shown["state"] == "active"
    assert (shown["name"], shown["models"], shown["created_by"]) == ("CRM", ["five_step"], "admin (admin)")
    assert secret not in str(shown)
    assert (await ask(client, "GET", ""))["webhooks"] == [shown]

    event = await ground.tell("ada")
    await ground.work_off(webhook)
    assert verify(receiver.posted[0], secret)
    (delivery,) = (await ask(client, "GET", f"/{webhook}/deliveries"))["items"]
    assert (delivery["event"], delivery["lead"], delivery["state"]) == (event, "ada", "delivered")
    (attempt,) = (await ask(client, "GET", f"/{webhook}/attempts"))["items"]
    assert (attempt["delivery"], attempt["status"], attempt["code"]) == (delivery["delivery"], 200, None)

    rotated = await ask(client, "POST", f"/{webhook}/secrets", 201)
    assert rotated["secret"] != secret
    old = (await ask(client, "GET", f"/{webhook}"))["secrets"][1]
    assert old["expires_at"] == format_instant(START + DAY)

    changed = await ask(client, "PATCH", f"/{webhook}", json={"directions": ["down"], "name": "CRM 2"})
    assert (changed["models"], changed["directions"], changed["name"]) == (["five_step"], ["down"], "CRM 2")
    off = await ask(client, "POST", f"/{webhook}/disable", json={"reason": "we move"})
    assert (off["state"], off["reason"]) == ("disabled", "we move")
    assert (await ask(client, "POST", f"/{webhook}/enable"))["state"] == "active"
    again = {"delivery": delivery["delivery"]}
    assert await ask(client, "POST", f"/{webhook}/retry", json=again) == {"retried": 1}
    await ground.work_off(webhook)
    assert events(receiver.posted) == [event, event]
    assert await ask(client, "DELETE", f"/{webhook}") == {"deleted": webhook}
    assert (await ask(client, "GET", ""))["webhooks"] == []


async def test_dead_deliveries_are_listed_in_pages_and_can_all_be_sent_again(
    client: httpx.AsyncClient, ground: Ground, receiver: Receiver
) -> None:
    webhook = (await ask(client, "POST", "", 201, json={"url": receiver.url}))["webhook"]
    receiver.behave = answering("500 No")
    for number in range(5):
        await ground.tell(f"lead {number}")
    await ground.work_off(webhook)
    async with ground.tools.database.connection() as connection:
        await connection.execute("UPDATE webhook_delivery SET state = 'dead'")
    found, cursor = [], None
    for size in (2, 2, 1):
        asked = {"state": "dead", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = await ask(client, "GET", f"/{webhook}/deliveries", params=asked)
        assert len(page["items"]) == size
        found += [one["lead"] for one in page["items"]]
        cursor = page["next"]
    assert (found, cursor) == ([f"lead {number}" for number in reversed(range(5))], None)
    first = await ask(client, "GET", f"/{webhook}/attempts", params={"limit": 3})
    rest = await ask(client, "GET", f"/{webhook}/attempts", params={"limit": 3, "cursor": first["next"]})
    assert len({one["delivery"] for one in first["items"] + rest["items"]}) == 5
    assert {one["code"] for one in first["items"]} == {"webhook.failed"}
    assert await ask(client, "POST", f"/{webhook}/retry", json={}) == {"retried": 5}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"url": "http://93.184.216.34/"}, 400, "outbound.address_refused"),
        ({"url": "https://10.0.0.1/"}, 400, "outbound.address_refused"),
        ({"url": "https://u:p@crm.example.com/"}, 400, "outbound.address_refused"),
        ({"url": "crm"}, 400, "outbound.address_refused"),
        ({"url": "https://crm.example.com/", "models": ["six"]}, 400, "webhook.filter_unknown"),
        ({"url": "https://crm.example.com/", "tiers": ["E"]}, 400, "webhook.filter_unknown"),
        ({"url": "https://crm.example.com/", "directions": ["sideways"]}, 422, "request.invalid"),
        ({"url": "https://crm.example.com/", "begin": "yesterday"}, 422, "request.invalid"),
        ({"url": "https://crm.example.com/", "secret": "mine"}, 422, "request.invalid"),
        ({"url": "https://crm.example.com/", "name": "a\u0000b"}, 422, "request.invalid"),
        ({}, 422, "request.invalid"),
    ],
)
async def test_what_cannot_be_set_up_is_refused_with_a_code(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, code: str
) -> None:
    assert (await ask(client, "POST", "", status, json=body))["code"] == code
    assert (await ask(client, "GET", ""))["webhooks"] == []


async def test_a_name_that_leads_to_a_private_address_or_nowhere_is_refused_at_once(
    database_url: str,
) -> None:
    names = Names(("93.184.216.34", "10.0.0.1"), (), ("93.184.216.34",))
    async with (
        open_ground(database_url, names=names, loopback=False) as ground,
        open_client(ground) as client,
    ):
        body = {"url": "https://crm.example.com/hook"}
        assert (await ask(client, "POST", "", 400, json=body))["code"] == "outbound.address_refused"
        assert (await ask(client, "POST", "", 400, json=body))["code"] == "webhook.host_unknown"
        await ask(client, "POST", "", 201, json=body)


@pytest.mark.parametrize(
    ("method", "path", "given"),
    [
        ("GET", "", {}),
        ("PATCH", "", {"json": {"name": "x"}}),
        ("DELETE", "", {}),
        ("POST", "/disable", {"json": {}}),
        ("POST", "/enable", {}),
        ("POST", "/secrets", {}),
        ("GET", "/deliveries", {}),
        ("GET", "/attempts", {}),
        ("POST", "/retry", {"json": {}}),
    ],
)
async def test_a_webhook_that_is_not_there_is_not_found_and_only_an_administrator_may(
    client: httpx.AsyncClient, method: str, path: str, given: dict[str, Any]
) -> None:
    for webhook in ("wh_0000000000000000", "nonsense", "wh_%00"):
        problem = await ask(client, method, f"/{webhook}{path}", 404, **given)
        assert problem["code"] == "webhook.unknown"
    for role in ("service", "manager", "marketer", "rep", "read"):
        headers = {"authorization": f"Bearer {role}"}
        problem = await ask(client, method, f"/wh_0{path}", 403, headers=headers, **given)
        assert problem["code"] == "access.forbidden"


async def test_a_delivery_that_is_not_there_and_a_cursor_of_another_list_are_refused(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    webhook = (await ask(client, "POST", "", 201, json={"url": receiver.url}))["webhook"]
    answer = await ask(client, "POST", f"/{webhook}/retry", 404, json={"delivery": 1})
    assert answer["code"] == "webhook.delivery_unknown"
    for path in ("deliveries", "attempts"):
        answer = await ask(client, "GET", f"/{webhook}/{path}", 400, params={"cursor": "WzFd" * 9})
        assert answer["code"] == "page.cursor"


async def test_every_route_stands_in_the_openapi_document(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    there = {(method.upper(), path) for path, found in document["paths"].items() for method in found}
    one = f"{HOOKS}/{{webhook}}"
    assert there >= {
        ("GET", HOOKS),
        ("POST", HOOKS),
        *((method, one) for method in ("GET", "PATCH", "DELETE")),
        *(("POST", f"{one}/{act}") for act in ("disable", "enable", "secrets", "retry")),
        *(("GET", f"{one}/{list_}") for list_ in ("deliveries", "attempts")),
    }
