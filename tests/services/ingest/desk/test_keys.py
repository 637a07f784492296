"""Write keys over HTTP: what an administrator does, and what a key opens from then on."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.services.ingest.running import RunningIngest

pytestmark = pytest.mark.postgres

ADMIN = {"authorization": "Bearer admin"}


async def made(ingest: RunningIngest, **body: Any) -> dict[str, Any]:
    answer = await ingest.client.post("/v1/keys", json=body, headers=ADMIN)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def listed(ingest: RunningIngest, key_id: str) -> dict[str, Any]:
    answer = await ingest.client.get("/v1/keys", headers=ADMIN)
    (found,) = [key for key in answer.json()["keys"] if key["id"] == key_id]
    document: dict[str, Any] = found
    return document


async def at(ingest: RunningIngest, path: str, key: str) -> httpx.Response:
    body = {"email": "ada@example.com", "userId": "u", "event": "E"}
    return await ingest.client.post(path, json=body, headers={"x-write-key": key})


async def test_a_key_made_over_http_opens_its_doors_and_is_never_shown_again(ingest: RunningIngest) -> None:
    new = await made(ingest, source="partner", doors=["leads"], expires_in="90d", rate=3)
    assert new["key"].startswith("lmw_")
    assert (await at(ingest, "/v1/leads", new["key"])).status_code == 200
    refused = await at(ingest, "/v1/track", new["key"])
    assert (refused.status_code, refused.json()["code"]) == (403, "write_key.out_of_scope")
    shown = await listed(ingest, new["id"])
    assert (shown["source"], shown["doors"], shown["rate"], shown["state"]) == (
        *("partner", ["leads"]),
        *(3, "expires"),
    )
    assert shown["created_by"] == "admin (admin)"
    assert new["key"] not in (await ingest.client.get("/v1/keys", headers=ADMIN)).text


async def test_a_key_is_slowed_down_at_its_own_rate(ingest: RunningIngest) -> None:
    new = await made(ingest, source="partner", rate=1, burst=2)
    answers = [await at(ingest, "/v1/leads", new["key"]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) >= 1


async def test_a_key_is_rotated_changed_and_revoked(ingest: RunningIngest) -> None:
    old = await made(ingest, source="partner", doors=["leads"])
    answer = await ingest.client.post(f"/v1/keys/{old['id']}/rotate", json={"overlap": "1d"}, headers=ADMIN)
    new = answer.json()
    for key in (old, new):
        assert (await at(ingest, "/v1/leads", key["key"])).status_code == 200
    assert (await listed(ingest, old["id"]))["state"] == "expires"
    changed = await ingest.client.patch(f"/v1/keys/{new['id']}", json={"doors": ["forms"]}, headers=ADMIN)
    assert changed.json()["doors"] == ["forms"]
    revoked = await ingest.client.post(f"/v1/keys/{new['id']}/revoke", headers=ADMIN)
    assert revoked.json() == {"revoked": new["id"]}
    shown = await listed(ingest, new["id"])
    assert (shown["state"], shown["revoked_by"]) == ("revoked", "admin (admin)")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"source": "My Site"}, 400, "source.malformed"),
        ({"source": "nurture"}, 400, "source.reserved"),
        ({"source": "partner", "key": "short"}, 400, "write_key.malformed"),
        ({"source": "partner", "key": "WK_test123"}, 409, "write_key.taken"),
        ({"source": "partner", "doors": ["windows"]}, 422, "request.invalid"),
        ({"source": "partner", "expires_in": "ninety days"}, 422, "request.invalid"),
        ({"source": "partner", "rate": 0}, 422, "request.invalid"),
        ({"source": "partner", "sauce": "x"}, 422, "request.invalid"),
    ],
)
async def test_a_key_that_cannot_be_made_is_refused_with_a_reason(
    ingest: RunningIngest, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await ingest.client.post("/v1/keys", json=body, headers=ADMIN)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_nobody_but_an_administrator_may(ingest: RunningIngest) -> None:
    for method, path in (
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys"),
        ("PATCH", "/v1/keys/000000000000"),
        ("POST", "/v1/keys/000000000000/rotate"),
        ("POST", "/v1/keys/000000000000/revoke"),
    ):
        body = {"source": "partner"} if path == "/v1/keys" else {}
        for headers, status in (({}, 401), ({"authorization": "Bearer reader"}, 403)):
            answer = await ingest.client.request(method, path, json=body, headers=headers)
            assert answer.status_code == status, (method, path)
    for path in ("change", "rotate", "revoke"):
        method, address = ("PATCH", "") if path == "change" else ("POST", f"/{path}")
        answer = await ingest.client.request(
            method, f"/v1/keys/000000000000{address}", json={}, headers=ADMIN
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "write_key.unknown")
