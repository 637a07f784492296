"""Quarantine: what lies there, and how it goes round again, also what was turned away at the door."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.ingest.domain.admission.quarantine import Choice
from services.ingest.jobs.replaying import SourceUnknown
from shared.contracts.topics import BEHAVIOUR
from tests.services.ingest.running import KEY, RunningIngest, batch_of

pytestmark = pytest.mark.postgres

ADMIN = {"authorization": "Bearer admin"}
READER = {"authorization": "Bearer reader"}
NONSENSE = {"type": "nonsense", "userId": "u", "email": "ada@example.com"}


async def ask(ingest: RunningIngest, path: str = "", **query: Any) -> Any:
    answer = await ingest.client.get(f"/v1/quarantine{path}", params=query, headers=ADMIN)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def replay(ingest: RunningIngest, **body: Any) -> dict[str, Any]:
    answer = await ingest.client.post("/v1/quarantine/replay", json=body, headers=ADMIN)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def waiting(ingest: RunningIngest, count: int) -> None:
    async with asyncio.timeout(20):
        while await ingest.value("SELECT count(*) FROM quarantine WHERE replayed IS NULL") < count:
            await asyncio.sleep(0.05)


class TestWhatLiesThere:
    async def test_is_listed_page_by_page_by_source_and_reason_and_shows_nothing_personal(
        self, ingest: RunningIngest
    ) -> None:
        await ingest.post("/v1/batch", batch_of(*(NONSENSE for _ in range(5))))
        await ingest.client.post("/v1/track", content=b"{", headers={"x-write-key": KEY})
        await ingest.client.post("/v1/track", json={"email": "ada@example.com"})
        await waiting(ingest, 7)
        first = await ask(ingest, limit=4, source="website")
        rest = await ask(ingest, limit=4, source="website", cursor=first["next"])
        assert len({item["id"] for item in first["items"] + rest["items"]}) == 6
        assert rest["next"] is None
        (bad,) = (await ask(ingest, code="body.not_json"))["items"]
        assert (bad["source"], bad["bytes"] > 1, bad["can_go_round"]) == ("website", True, True)
        (unknown,) = (await ask(ingest, source=""))["items"]
        assert unknown["code"] == "write_key.invalid"
        assert "ada@" not in str(first) + str(unknown)
        assert await ask(ingest, "/counts") == {
            "counts": [
                {"source": "", "code": "write_key.invalid", "waiting": 1},
                {"source": "website", "code": "body.not_json", "waiting": 1},
                {"source": "website", "code": "intake.unknown_call", "waiting": 5},
            ]
        }

    async def test_is_shown_with_its_bytes_to_an_administrator_only(self, ingest: RunningIngest) -> None:
        await ingest.post("/v1/batch", batch_of(NONSENSE))
        await ingest.client.post(
            "/v1/track", content=b'{"email":"ada@example.com"', headers={"x-write-key": KEY}
        )
        await waiting(ingest, 2)
        for item in (await ask(ingest))["items"]:
            whole = await ask(ingest, f"/{item['id']}")
            assert "ada@example.com" in (whole["record"] or whole["request"]["body"])
            answer = await ingest.client.get(f"/v1/quarantine/{item['id']}", headers=READER)
            assert answer.status_code == 403
        answer = await ingest.client.get("/v1/quarantine/none", headers=ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (404, "quarantine.unknown")

    async def test_goes_round_only_if_somebody_says_which_and_may(self, ingest: RunningIngest) -> None:
        answer = await ingest.client.post("/v1/quarantine/replay", json={}, headers=ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (400, "quarantine.nothing_chosen")
        answer = await ingest.client.post("/v1/quarantine/replay", json={"everything": True}, headers=READER)
        assert answer.status_code == 403

    async def test_goes_round_by_source_by_reason_and_by_id(self, ingest: RunningIngest) -> None:
        await ingest.post("/v1/batch", batch_of(*(NONSENSE for _ in range(3))))
        await ingest.settle(3)
        assert (await replay(ingest, source="partner"))["replayed"] == 0
        (one, *_) = (await ask(ingest))["items"]
        assert (await replay(ingest, ids=[one["id"]]))["replayed"] == 1
        await ingest.settle(4)
        assert (await replay(ingest, code="intake.unknown_call", limit=2))["replayed"] == 2
        await ingest.settle(6)
        assert await ingest.value("SELECT sum(tries) FROM quarantine") == 6
        assert await ingest.breaches() == {}


class TestWhatWasTurnedAway:
    async def test_goes_round_as_the_source_that_it_should_have_been(self, ingest: RunningIngest) -> None:
        typo = {"x-write-key": "WK_tset123"}
        for body in ({"userId": "u", "event": "E", "messageId": "m"}, {"userId": "u", "event": "E"}):
            answer = await ingest.client.post("/v1/track", json=body, headers=typo)
            assert answer.status_code == 401
        await ingest.client.post("/f/WK_tset123", data={"email": "ada@example.com", "form": "demo"})
        await ingest.client.get("/pixel/v1/page", params={"writeKey": "WK_tset123", "anonymousId": "a"})
        await ingest.client.post("/v1/leads", json={"email": "ada@example.com"}, headers=typo)
        await waiting(ingest, 5)
        assert (await replay(ingest, source="")) == {"replayed": 0, "stayed": 5, "refused": {}}
        assert (await replay(ingest, source="", as_source="website"))["replayed"] == 5
        await ingest.settle(5)
        assert len(await ingest.find(email="ada@example.com")) == 1
        assert len(await ingest.said(BEHAVIOUR.name)) >= 4
        assert await ingest.value("SELECT count(*) FROM quarantine WHERE replayed IS NULL") == 0

        await ingest.execute("UPDATE quarantine SET replayed = NULL")
        assert (await replay(ingest, source="", as_source="website"))["replayed"] == 5
        await ingest.settle(10)
        counts = "SELECT ARRAY[sum(processed), sum(duplicate)]::int[] FROM receipt"
        assert await ingest.value(counts + " WHERE topic = 'leadmill.raw'") == [5, 5]
        assert await ingest.breaches() == {}

    async def test_keeps_the_time_at_which_it_came(self, ingest: RunningIngest) -> None:
        await ingest.client.post("/v1/track", json={"userId": "u", "event": "E"})
        await waiting(ingest, 1)
        came = await ingest.value("SELECT received FROM quarantine")
        await replay(ingest, source="", as_source="website")
        await ingest.settle(1)
        assert await ingest.value("SELECT received FROM seen_message") == came

    async def test_stays_if_it_is_refused_anew_or_only_its_beginning_was_kept(
        self, ingest: RunningIngest
    ) -> None:
        await ingest.client.post("/v1/track", content=b"{", headers={"x-write-key": "nobody's"})
        long = {"batch": [{"userId": "u", "event": "E", "type": "track", "text": "x" * 900}] * 50}
        await ingest.client.post("/v1/batch", json=long)
        await ingest.client.post("/hooks/google-ads/WK_tset123", json={"google_key": "x", "lead_id": "1"})
        await waiting(ingest, 3)
        done = await replay(ingest, source="", as_source="website")
        assert (done["replayed"], done["stayed"]) == (0, 1)
        assert done["refused"]["body.not_json"] == 1
        assert sum(done["refused"].values()) == 2
        assert await ingest.value("SELECT count(*) FROM quarantine WHERE replayed IS NULL") == 3

    async def test_goes_as_no_source_that_there_is_not(self, ingest: RunningIngest) -> None:
        with pytest.raises(SourceUnknown):
            await ingest.replaying().replay(choice=Choice(source=""), as_source="webiste")
        answer = await ingest.client.post(
            "/v1/quarantine/replay", json={"everything": True, "as_source": "webiste"}, headers=ADMIN
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "source.unknown")
