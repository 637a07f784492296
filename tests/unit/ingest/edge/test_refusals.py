"""What is refused: counted by source and reason, and kept as a sample where the client throws it away."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import msgspec
import pytest

from services.ingest.domain.admission.samples import MOST_BYTES, TurnedAway, decode_sample, encode_sample
from shared.log.port import LogUnavailable
from tests.unit.ingest.edge.house import BASIC, EVENT, KEY, House
from tests.unit.ingest.requests import RECEIVED


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.client.aclose()


class TestRefusals:
    async def test_of_a_body_that_cannot_be_read_are_its_sources(self, house: House) -> None:
        await house.post("/v1/track", b"{not json")
        await house.client.post("/v1/batch", content=b"nope", params={"writeKey": KEY})
        await house.post("/v1/track", gzip.compress(b"{not json"))
        assert house.book.refusals == {("website", "body.not_json"): 3}
        assert house.turned_away == [
            (b"{not json", "body.not_json"),
            (b"nope", "body.not_json"),
            (b"{not json", "body.not_json"),
        ]
        assert {sample.source for sample in house.samples} == {"website"}

    async def test_of_nobody_that_is_known_are_nobodys(self, house: House) -> None:
        await house.client.post("/v1/track", json=EVENT)
        await house.client.get("/pixel/v1/page", params={"writeKey": "wrong", "anonymousId": "a"})
        assert house.book.refusals == {("", "write_key.invalid"): 2}
        assert [sample.path for sample in house.samples] == ["/v1/track", "/pixel/v1/page"]

    async def test_that_come_again_are_counted_and_not_kept(self, house: House) -> None:
        house.sink.trouble = LogUnavailable()
        await house.post("/v1/track", EVENT)
        house.sink.trouble = None
        for _ in range(4):
            await house.client.post("/v1/track", json=EVENT, headers={"x-write-key": "slow_key"})
        house.keys.is_away = True
        await house.post("/v1/track", EVENT)
        assert house.book.refusals == {
            ("website", "log.unavailable"): 1,
            ("partner", "http.too_many_requests"): 1,
            ("", "access.store_unavailable"): 1,
        }
        assert not house.samples

    async def test_of_a_request_that_is_no_data_are_not_kept(self, house: House) -> None:
        await house.client.get("/v1/leads", params={"email": "ada@example.com"})
        await house.client.put("/v1/track", json=EVENT)
        assert not house.samples

    async def test_of_a_hook_are_counted_though_it_is_told_in_its_own_words(self, house: House) -> None:
        house.hook_secrets["website", "google-ads"] = {"google_key": "right"}
        path = f"/hooks/google-ads/{KEY}"
        answer = await house.client.post(path, json={"google_key": "wrong", "lead_id": "1"})
        assert answer.status_code >= 400
        assert list(house.book.refusals.values()) == [1]
        (sample,) = house.samples
        assert KEY not in sample.path


class TestWhatIsTaken:
    async def test_is_counted_by_source_and_the_key_is_noted(self, house: House) -> None:
        await house.post("/v1/batch", {"batch": [EVENT, EVENT]})
        await house.client.post("/v1/leads", json={"email": "a@b.cn"}, headers={"x-write-key": "slow_key"})
        assert house.book.messages == {"website": 2, "partner": 1}
        assert house.book.used == {"k1": RECEIVED, "k2": RECEIVED}
        assert not house.book.refusals


class TestASample:
    def request(self, body: bytes = b"{}", query: bytes = b"") -> TurnedAway:
        headers = [
            (b"authorization", BASIC.encode()),
            (b"X-Write-Key", b"secret"),
            (b"cookie", b"secret"),
            (b"content-type", b"application/json"),
            (b"content-encoding", b"gzip"),
            (b"ce-id", b"1"),
            (b"X-Api-Key", b"secret"),
            (b"x-vendor-token", b"secret"),
        ]
        return TurnedAway("", "write_key.invalid", RECEIVED, "POST", "/v1/track", query, headers, body)

    def test_keeps_what_was_sent_and_not_what_lets_somebody_in(self) -> None:
        record = encode_sample(self.request(query=b"writeKey=secret&a=%C3%A4&write_key=secret"))
        assert b"secret" not in record
        assert BASIC.encode() not in record
        sample = decode_sample(record)
        assert sample is not None
        assert sample.headers == [("content-type", "application/json"), ("ce-id", "1")]
        assert (sample.method, sample.path, sample.query) == ("POST", "/v1/track", "a=%C3%A4")

    @pytest.mark.parametrize("body", [b"", b"{}", "ä".encode(), b"\xff\x00"])
    def test_gives_the_body_back_byte_for_byte(self, body: bytes) -> None:
        sample = decode_sample(encode_sample(self.request(body)))
        assert sample is not None
        assert (sample.content, sample.is_cut) == (body, False)

    def test_of_a_long_body_says_that_it_is_cut(self) -> None:
        sample = decode_sample(encode_sample(self.request("ä".encode() * MOST_BYTES)))
        assert sample is not None
        assert (len(sample.content), sample.is_cut) == (MOST_BYTES, True)

    def test_of_an_earlier_release_is_none(self) -> None:
        assert decode_sample(b"{not json") is None
        assert decode_sample(msgspec.json.encode({"event": "E"})) is None
