"""Who may come in: write keys, their doors, how fast, and who is let in last."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from shared.kernel.instants import SECOND
from tests.unit.ingest.edge.house import BASIC, EVENT, KEY, SUCCESS, House


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.client.aclose()


class TestWriteKeys:
    @pytest.mark.parametrize(
        "place",
        [
            {"headers": {"authorization": BASIC}},
            {"headers": {"authorization": "Basic " + base64.b64encode(KEY.encode()).decode()}},
            {"headers": {"x-write-key": KEY}},
            {"params": {"writeKey": KEY}},
            {"params": {"writekey": KEY}},
            {"json": {"batch": [EVENT], "writeKey": KEY}},
            {"json": {"batch": [{**EVENT, "writeKey": KEY}]}},
        ],
    )
    async def test_are_found_wherever_they_stand(self, house: House, place: dict[str, Any]) -> None:
        answer = await house.client.post("/v1/batch", **{"json": {"batch": [EVENT]}, **place})
        assert answer.content == SUCCESS
        assert house.raws[0].source == "website"

    @pytest.mark.parametrize("headers", [{}, {"authorization": "Basic ???"}, {"x-write-key": "wrong"}])
    async def test_that_do_not_work_are_told_so_in_words_for_every_client(
        self, house: House, headers: dict[str, str]
    ) -> None:
        answer = await house.client.post("/v1/track", json=EVENT, headers=headers)
        assert answer.status_code == 401
        told = answer.json()
        assert (told["success"], told["code"]) == (False, "write_key.invalid")
        assert isinstance(told["message"], str)
        assert not house.raws
        assert house.turned_away == [(msgspec.json.encode(EVENT), "write_key.invalid")]

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/v1/track", EVENT),
            ("/v1/batch", {"batch": [EVENT]}),
            ("/v1/outcomes", {"kind": "won", "opportunity": "o"}),
            ("/v1/costs", {"campaign": "c"}),
            ("/f/only_leads", {"email": "ada@example.com"}),
        ],
    )
    async def test_that_open_another_door_are_told_so_and_the_request_is_kept(
        self, house: House, path: str, body: object
    ) -> None:
        headers = {"x-write-key": "only_leads"}
        answer = await house.client.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "write_key.out_of_scope")
        assert [code for _, code in house.turned_away] == ["write_key.out_of_scope"]
        assert not house.raws
        assert (await house.client.post("/v1/leads", json={"email": "a@b.cn"}, headers=headers)).is_success

    async def test_that_open_another_door_do_not_hide_one_that_opens_this(self, house: House) -> None:
        headers = {"x-write-key": KEY, "authorization": "Basic " + base64.b64encode(b"only_leads:").decode()}
        assert (await house.client.post("/v1/track", json=EVENT, headers=headers)).content == SUCCESS
        assert house.raws[0].source == "website"

    async def test_that_open_another_door_show_no_reason_on_a_picture(self, house: House) -> None:
        query = {"writeKey": "only_leads", "anonymousId": "a"}
        answer = await house.client.get("/pixel/v1/page", params=query)
        assert answer.headers["content-type"] == "image/gif"
        assert not house.raws

    async def test_that_are_used_too_fast_are_told_when_to_come_again(self, house: House) -> None:
        page = {"origin": "https://shop.example", "x-write-key": "slow_key"}
        for _ in range(3):
            assert (await house.client.post("/v1/track", json=EVENT, headers=page)).content == SUCCESS
        for path, body in (("/v1/track", EVENT), ("/v1/leads", {"email": "a@b.cn"})):
            answer = await house.client.post(path, json=body, headers=page)
            assert (answer.status_code, answer.json()["code"]) == (429, "http.too_many_requests")
            assert answer.headers["retry-after"] == answer.headers["x-ratelimit-reset"] == "1"
            exposed = answer.headers["access-control-expose-headers"]
            assert {"Retry-After", "X-RateLimit-Reset"} <= set(exposed.split(", "))
        assert (await house.post("/v1/track", EVENT)).content == SUCCESS, "another key is not slowed down"
        assert not house.turned_away
        house.machine_time += SECOND // 2
        answers = [await house.client.post("/v1/track", json=EVENT, headers=page) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]

    async def test_that_are_used_too_fast_refuse_nobody_who_does_not_come_again(self, house: House) -> None:
        key = {"x-write-key": "slow_key"}
        for _ in range(3):
            await house.client.post("/v1/track", json=EVENT, headers=key)
        form = await house.client.post("/f/slow_key", json={"email": "a@b.cn"})
        beacon = await house.client.post("/beacon/v1/batch?writeKey=slow_key", json={"batch": [EVENT]})
        await house.client.get("/pixel/v1/page", params={"writeKey": "slow_key", "anonymousId": "a"})
        assert (form.status_code, beacon.status_code) == (200, 200)
        assert [raw.channel for raw in house.raws] == [*["sdk"] * 3, "form", "sdk", "sdk"]
        answer = await house.client.post("/v1/track", json=EVENT, headers=key)
        assert answer.status_code == 429

    async def test_of_the_platform_itself_are_not_slowed_down(self, house: House) -> None:
        for _ in range(2_100):
            await house.post("/v1/track", EVENT, authorization="Bearer own")
        assert len(house.raws) == 2_100

    async def test_that_cannot_be_checked_are_not_refused(self, house: House) -> None:
        house.keys.is_away = True
        answer = await house.post("/v1/track", EVENT)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1


class TestLastChances:
    async def test_are_what_nobody_sends_again(self, house: House) -> None:
        await house.post("/v1/track", EVENT)
        await house.post("/v1/batch", {"batch": [EVENT]})
        await house.post("/v1/leads", {"email": "a@b.cn"})
        assert house.sink.last_chances == [False, False, False]
        await house.post("/beacon/v1/batch", {"batch": [EVENT]})
        await house.client.get("/pixel/v1/page", params={"writeKey": KEY, "anonymousId": "a"})
        await house.post("/f/form_abc", {"email": "a@b.cn"})
        assert house.sink.last_chances[3:] == [True, True, True]
