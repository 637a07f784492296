"""Conflicts over HTTP: listed, settled, with who.

Row of docs/requirements.md: I4.
"""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from shared.contracts.topics import LEADS
from tests.services.ingest.running import RunningIngest

pytestmark = pytest.mark.postgres

NUMBER = "13800138000"


async def listed(ingest: RunningIngest, **query: Any) -> list[dict[str, Any]]:
    answer = await ingest.client.get("/v1/conflicts", params=query, headers={"authorization": "Bearer admin"})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["conflicts"]
    return found


async def settle(
    ingest: RunningIngest, conflict: str, decision: str, *, token: str = "admin"
) -> httpx.Response:
    return await ingest.client.post(
        f"/v1/conflicts/{conflict}/settle",
        json={"decision": decision, "note": "asked them"},
        headers={"authorization": f"Bearer {token}"},
    )


async def family(ingest: RunningIngest) -> dict[str, Any]:
    """Return the conflict of two names with one number."""
    await ingest.post("/v1/leads", {"phone": NUMBER, "name": "Ada", "external_id": "1"})
    await ingest.post("/v1/leads", {"phone": NUMBER, "name": "Bob", "external_id": "2", "message_id": "m-2"})
    await ingest.settle(2)
    (conflict,) = await listed(ingest)
    return conflict


async def test_a_number_with_two_names_is_listed_with_its_message(ingest: RunningIngest) -> None:
    conflict = await family(ingest)
    ada, bob = [one["id"] for name in "12" for one in await ingest.find(source="website", external_id=name)]
    assert (conflict["reason"], conflict["identifier"]) == ("names_differ", "phone")
    assert conflict["leads"] == [bob, ada]
    assert (conflict["message_id"], conflict["settled"]) == ("m-2", None)
    assert NUMBER not in str(conflict)
    assert await ingest.breaches() == {}


async def test_settled_as_one_person_it_merges_the_two_and_says_who(ingest: RunningIngest) -> None:
    conflict = await family(ingest)
    answer = await settle(ingest, conflict["id"], "merge")
    assert answer.json() == {"id": conflict["id"], "settled": "merge", "settled_by": "admin"}
    assert len(await ingest.find(phone=NUMBER)) == 1
    assert await listed(ingest) == []
    (done,) = await listed(ingest, settled=True)
    assert (done["settled_by"], done["note"]) == ("admin", "asked them")
    again = await settle(ingest, conflict["id"], "apart")
    assert (again.status_code, again.json()["code"]) == (409, "conflict.settled")
    assert await ingest.breaches() == {}
    (moved,) = [one for one in await ingest.said(LEADS.name) if one.type == "leadmill.lead_merged.v1"]
    assert msgspec.json.decode(moved.data)["by"] == "admin"
    story = await ingest.blueprint.tell(conflict["leads"][0])
    assert any("asked them, by admin" in line.text for line in story)


async def test_settled_as_two_people_the_rules_leave_them_alone(ingest: RunningIngest) -> None:
    conflict = await family(ingest)
    assert (await settle(ingest, conflict["id"], "apart")).status_code == 200
    await ingest.post("/v1/leads", {"phone": NUMBER, "external_id": "2"})
    await ingest.settle(3)
    assert len(await ingest.find(phone=NUMBER)) == 2
    assert await listed(ingest) == []
    for lead in conflict["leads"]:
        assert "lead_kept_apart" in [line.kind for line in await ingest.blueprint.tell(lead)]


async def test_dismissed_it_comes_no_more(ingest: RunningIngest) -> None:
    conflict = await family(ingest)
    assert (await settle(ingest, conflict["id"], "dismiss")).status_code == 200
    await ingest.post("/v1/leads", {"phone": NUMBER, "name": "Bob", "external_id": "2", "title": "CEO"})
    await ingest.settle(3)
    assert await listed(ingest) == []


async def test_is_for_marketers_and_managers_only_and_unknown_ones_are_told(ingest: RunningIngest) -> None:
    assert (await settle(ingest, "x", "merge", token="reader")).status_code == 403
    answer = await settle(ingest, "x", "merge")
    assert (answer.status_code, answer.json()["code"]) == (404, "conflict.unknown")
    answer = await ingest.client.get(
        "/v1/conflicts", params={"after": "soon"}, headers={"authorization": "Bearer admin"}
    )
    assert answer.json()["code"] == "conflict.cursor_malformed"


async def test_pages_lead_on(ingest: RunningIngest) -> None:
    for number, name in enumerate(("Ada", "Bob", "Cid", "Dan")):
        await ingest.post("/v1/leads", {"phone": NUMBER, "name": name, "external_id": str(number)})
    await ingest.settle(4)
    seen: list[str] = []
    after = ""
    while True:
        answer = await ingest.client.get(
            "/v1/conflicts",
            params={"limit": 2, **({"after": after} if after else {})},
            headers={"authorization": "Bearer admin"},
        )
        page = answer.json()
        seen += [one["id"] for one in page["conflicts"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert len(set(seen)) == len(seen) == 3


async def test_two_leads_are_merged_by_hand_and_parted_again(ingest: RunningIngest) -> None:
    for number, who in enumerate(("ada", "bob")):
        await ingest.post("/v1/leads", {"email": f"{who}@example.com", "external_id": str(number)})
    await ingest.settle(2)
    ids = [(await ingest.find(email=f"{who}@example.com"))[0]["id"] for who in ("ada", "bob")]
    headers = {"authorization": "Bearer admin"}
    body = {"other": ids[1], "reason": "one person"}
    answer = await ingest.client.post(f"/v1/leads/{ids[0]}/merge", json=body, headers=headers)
    assert answer.json() == {"lead": min(ids), "merged": ids}
    answer = await ingest.client.post(f"/v1/leads/{ids[0]}/merge", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "lead.already_one")
    answer = await ingest.client.post(f"/v1/leads/{ids[0]}/merge", json={"other": "0" * 32}, headers=headers)
    assert answer.status_code == 404
    answer = await ingest.client.post(f"/v1/leads/{max(ids)}/unmerge", json={}, headers=headers)
    assert answer.status_code == 200
    assert {(await ingest.find(email=f"{who}@example.com"))[0]["id"] for who in ("ada", "bob")} == set(ids)
    assert await ingest.breaches() == {}


async def test_i13_a_lead_shows_who_is_alike_and_who_are_colleagues(ingest: RunningIngest) -> None:
    people = [
        {"email": "bob@mymail.example", "name": "Bob Stone"},
        {"email": "b.stone@mymail.example", "name": "Bob Stone"},
        {"email": "alice@mymail.example", "name": "Alice"},
        {"email": "bob@gmail.com", "name": "Bob Stone"},
    ]
    for person in people:
        await ingest.post("/v1/leads", person)
    await ingest.settle(4)
    ids = [(await ingest.find(email=person["email"]))[0]["id"] for person in people]
    answer = await ingest.client.get(f"/v1/leads/{ids[0]}/alike", headers={"authorization": "Bearer admin"})
    assert answer.json() == {"duplicates": [ids[1]], "colleagues": [ids[1], ids[2]]}


async def test_the_erased_leave_no_conflict_behind(ingest: RunningIngest) -> None:
    conflict = await family(ingest)
    await ingest.erase(lead=conflict["leads"][0])
    assert await listed(ingest) == []
    assert await ingest.value("SELECT count(*) FROM conflict") == 0
