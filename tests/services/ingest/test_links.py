"""Tracking links: made over HTTP, followed, joined with the lead, and followed while the database is away."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from services.ingest.queries.links import LinksUnavailable, LinkTable
from shared.contracts.topics import BEHAVIOUR
from shared.postgres.database import Database
from tests.services.ingest.running import KEY, RunningIngest

pytestmark = pytest.mark.postgres

LINK = {
    "link": "spring",
    "target": "https://example.com/spring?a=b",
    "campaign": "spring-2026",
    "ad": "factory",
    "utm_medium": "cpc",
    "rep": "r-7",
}
BROWSER = {"user-agent": "Mozilla/5.0", "accept": "text/html"}


async def ask(
    ingest: RunningIngest, method: str, path: str, *, token: str = "admin", **more: Any
) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}", **more.pop("headers", {})}
    return await ingest.client.request(method, path, headers=headers, **more)


async def follow(ingest: RunningIngest, name: str, **headers: str) -> httpx.Response:
    return await ingest.client.get(f"/l/{name}", headers={**BROWSER, **headers})


async def test_a_click_becomes_a_touch_of_whoever_fills_in_the_form(
    ingest_on_each_log: RunningIngest,
) -> None:
    ingest = ingest_on_each_log
    assert (await ask(ingest, "POST", "/v1/links", json=LINK)).status_code == 200
    answer = await follow(ingest, "spring")
    assert answer.status_code == 302
    click = dict(parse_qsl(urlsplit(answer.headers["location"]).query))["lm_click"]
    await ingest.post("/v1/leads", {"email": "ada@example.com", "landing_url": answer.headers["location"]})
    await ingest.settle(2)
    (found,) = await ingest.find(email="ada@example.com")
    events = await ingest.said(BEHAVIOUR.name)
    (event,) = [one for one in events if one.type.endswith(".act_recorded.v1")]
    assert event.data is not None
    assert b'"name":"Link Clicked"' in bytes(event.data)
    assert b'"channel":"paid_search","campaign":"spring-2026","ad":"factory"' in bytes(event.data)
    assert b'"rep":"r-7"' in bytes(event.data)
    home = await ingest.value(f"SELECT lead FROM profile WHERE id = '{event.partitionkey}'")
    assert home == found["id"]
    told = await ingest.blueprint.tell(found["id"])
    assert [line.message_id for line in told if "Link Clicked" in line.text] == [click]
    assert await ingest.breaches() == {}


async def test_previews_and_heads_are_nobodys_clicks_and_kept(ingest: RunningIngest) -> None:
    await ask(ingest, "POST", "/v1/links", json=LINK)
    await follow(ingest, "spring", **{"user-agent": "WhatsApp/2.23"})
    await ingest.client.head("/l/spring", headers=BROWSER)
    await ingest.settle(2)
    assert await ingest.value("SELECT count(*) FROM quarantine WHERE code = 'link.machine'") == 2
    assert await ingest.value("SELECT count(*) FROM lead") == 0


async def test_people_are_led_on_while_the_database_is_away(ingest: RunningIngest) -> None:
    await ask(ingest, "POST", "/v1/links", json=LINK)
    await ingest.blueprint.database.stop()
    assert (await follow(ingest, "spring")).status_code == 302
    await ingest.blueprint.database.start()
    assert (await follow(ingest, "another")).status_code == 404


async def test_a_retired_link_leads_on_and_its_clicks_say_so(ingest: RunningIngest) -> None:
    await ask(ingest, "POST", "/v1/links", json=LINK)
    shown = await ask(
        ingest, "PATCH", "/v1/links/spring", json={"retired": True, "target": "https://example.com/2"}
    )
    assert shown.json()["retired"] is not None
    answer = await follow(ingest, "spring")
    assert answer.headers["location"].startswith("https://example.com/2?utm_")
    await ingest.settle(1)
    (event,) = await ingest.said(BEHAVIOUR.name)
    assert b'"is_retired":true' in bytes(event.data or b"")


async def test_links_are_made_listed_and_read_by_whoever_may(ingest: RunningIngest) -> None:
    for token, status in (("reader", 403), ("admin", 200)):
        assert (await ask(ingest, "POST", "/v1/links", token=token, json=LINK)).status_code == status
    again = await ask(ingest, "POST", "/v1/links", json=LINK)
    assert again.json()["address"] == "http://test/l/spring"
    other = await ask(ingest, "POST", "/v1/links", json={**LINK, "ad": "other"})
    assert (other.status_code, other.json()["code"]) == (409, "link.taken")
    key: dict[str, Any] = {"headers": {"idempotency-key": "k-1"}, "json": {**LINK, "link": None}}
    first, second = [(await ask(ingest, "POST", "/v1/links", **key)).json()["link"] for _ in range(2)]
    assert first == second != "spring"
    listed = await ask(ingest, "GET", "/v1/links?campaign=spring-2026&limit=1", token="reader")
    rest = await ask(ingest, "GET", f"/v1/links?limit=5&cursor={listed.json()['next']}")
    assert {one["link"] for one in (*listed.json()["items"], *rest.json()["items"])} == {"spring", first}
    assert (await ask(ingest, "GET", "/v1/links?rep=nobody")).json()["items"] == []
    assert (await ask(ingest, "GET", "/v1/links/nothing")).json()["code"] == "link.unknown"
    refused = await ask(ingest, "POST", "/v1/links", json={**LINK, "link": "x", "target": "javascript:1"})
    assert (refused.status_code, refused.json()["code"]) == (400, "link.target_refused")
    assert refused.json()["field"] == "target"
    without = await ingest.client.post("/v1/links", json=LINK, headers={"x-write-key": KEY})
    assert without.status_code == 401


async def test_names_that_can_be_none_are_told_so(ingest: RunningIngest) -> None:
    await ask(ingest, "POST", "/v1/links", json=LINK)
    for method, path, body in (
        ("GET", "/v1/links/%00", None),
        ("PATCH", "/v1/links/a%00", {"retired": True}),
        ("PATCH", "/v1/links/" + "x" * 65, {"retired": True}),
    ):
        answer = await ask(ingest, method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "link.unknown"), path
    for name in ("a\0", "a b", "x/y", "Ü"):
        answer = await ask(ingest, "POST", "/v1/links", json={**LINK, "link": name})
        assert (answer.status_code, answer.json()["code"]) == (400, "link.malformed"), name
    for text in ("note", "campaign", "source"):
        answer = await ask(ingest, "POST", "/v1/links", json={**LINK, "link": "b", text: "a\0b"})
        assert (answer.status_code, answer.json()["code"]) == (400, "link.malformed"), text
    assert (await ask(ingest, "GET", "/v1/links?campaign=%00&rep=%00")).json()["items"] == []
    assert (await follow(ingest, "%00")).status_code == 404
    assert (await ingest.client.get("/l/%ff%fe/qr.svg")).status_code == 404


class TestTheTableInMemory:
    async def test_finds_what_another_process_made_when_it_is_asked_for(
        self, ingest: RunningIngest, ingest_database: Database
    ) -> None:
        table = LinkTable(ingest_database)
        await table.refresh()
        await ask(ingest, "POST", "/v1/links", json=LINK)
        await table.refresh()  # as the background does
        link = await table.find("spring")
        assert link is not None
        assert link.campaign == "spring-2026"

    async def test_asks_at_once_for_what_it_does_not_know(
        self, ingest: RunningIngest, ingest_database: Database
    ) -> None:
        await ask(ingest, "POST", "/v1/links", json=LINK)
        assert await LinkTable(ingest_database).find("spring") is not None

    async def test_knows_what_it_knew_while_nobody_answers(
        self, ingest: RunningIngest, ingest_database: Database
    ) -> None:
        table = LinkTable(ingest_database)
        await ask(ingest, "POST", "/v1/links", json=LINK)
        await table.refresh()
        await ingest_database.stop()
        assert await table.find("spring") is not None
        with pytest.raises(LinksUnavailable):
            await LinkTable(ingest_database).find("spring")
        await ingest_database.start()
