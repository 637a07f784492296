"""The edge, as clients meet it."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import msgspec
import pytest

from services.ingest.domain.intake import Intake, Refusal
from shared.contracts.envelope import decode_envelope
from shared.log.port import LogUnavailable
from tests.unit.ingest.edge.house import BASIC, EVENT, KEY, SUCCESS, House
from tests.unit.ingest.requests import (
    RECEIVED,
    ClientRequest,
    all_requests,
    read_request,
)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.client.aclose()


def sdk_requests() -> list[ClientRequest]:
    return [
        one for one in all_requests() if one.method == "POST" and one.name.startswith(("segment", "rudder"))
    ]


class TestEverySdk:
    @pytest.mark.parametrize("request_", sdk_requests(), ids=lambda one: one.name)
    async def test_hears_success_and_is_understood(self, house: House, request_: ClientRequest) -> None:
        answer = await house.send(request_)
        assert (answer.status_code, answer.content) == (200, SUCCESS)
        sent = msgspec.json.decode(request_.text)
        assert len(house.raws) == len(sent.get("batch", [sent]))
        assert all(isinstance(one, Intake) for one in house.understood())

    async def test_may_send_the_same_again(self, house: House) -> None:
        request = read_request("segment-python-503-503-200-01-POST")
        again = read_request("segment-python-503-503-200-02-POST")
        await house.send(request)
        await house.send(again)
        assert len(house.ids) == 2
        assert len(set(house.ids)) == 1

    async def test_is_kept_verbatim(self, house: House) -> None:
        request = read_request("segment-ajs184-standard-02-POST")
        await house.send(request)
        assert house.raws[0].body == request.text
        assert (house.raws[0].kind, house.raws[0].channel, house.raws[0].source) == ("page", "sdk", "website")

    @pytest.mark.parametrize(
        ("path", "call"),
        [
            ("/v1/i", "identify"),
            ("/v1/t", "track"),
            ("/v1/p", "page"),
            ("/v1/s", "screen"),
            ("/v1/a", "alias"),
        ],
    )
    async def test_may_use_the_short_names(self, house: House, path: str, call: str) -> None:
        await house.post(path, {"anonymousId": "a"})
        assert house.raws[0].kind == call

    @pytest.mark.parametrize("path", ["/v1/import", "/v1/import/", "/v1/b", "/beacon/v1/batch"])
    async def test_may_send_a_batch_to_several_addresses(self, house: House, path: str) -> None:
        answer = await house.post(path, {"batch": [{"type": "track", "event": "E", "userId": "u"}]})
        assert answer.content == SUCCESS
        assert house.raws[0].kind == "track"

    async def test_may_ask_for_its_settings(self, house: House) -> None:
        segment = await house.client.get(f"/v1/projects/{KEY}/settings")
        assert segment.json()["integrations"]["Segment.io"]["apiKey"] == KEY
        rudder = await house.client.get("/sourceConfig/", params={"writeKey": KEY, "p": "npm"})
        assert rudder.json()["source"]["enabled"] is True
        assert (await house.post("/v1/m", "{}")).content == SUCCESS

    async def test_may_be_a_picture(self, house: House) -> None:
        query = {"writeKey": KEY, "anonymousId": "a", "properties.path": "/pricing"}
        answer = await house.client.get("/pixel/v1/page", params=query)
        assert answer.headers["content-type"] == "image/gif"
        (intake,) = house.understood()
        assert isinstance(intake, Intake)
        assert intake.act is not None
        assert intake.act.fields["kind"] == "price"
        without = await house.client.get("/pixel/v1/page", params={"anonymousId": "a"})
        assert without.content == answer.content
        assert len(house.raws) == 1


class TestBodies:
    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
    async def test_are_json_whatever_they_are_called(self, house: House, content_type: str) -> None:
        assert (await house.post("/v1/track", EVENT, content_type=content_type)).content == SUCCESS

    async def test_are_unpacked_by_name_and_by_their_first_bytes(self, house: House) -> None:
        packed = gzip.compress(msgspec.json.encode(EVENT))
        assert (await house.post("/v1/track", packed, content_encoding="gzip")).content == SUCCESS
        assert (await house.post("/v1/track", packed, content_type="text/plain")).content == SUCCESS
        assert house.raws[0].body == house.raws[1].body

    async def test_may_come_in_pieces(self, house: House) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            yield b'{"userId":'
            yield b'"u","event":"E"}'

        answer = await house.client.post("/v1/track", content=pieces(), headers={"authorization": BASIC})
        assert answer.content == SUCCESS

    @pytest.mark.parametrize(
        ("path", "body", "status", "code"),
        [
            ("/v1/track", "not json", 400, "body.not_json"),
            ("/v1/track", "[1]", 400, "body.not_json"),
            ("/v1/track", b'{"event":"\xff"}', 400, "body.not_json"),
            ("/v1/batch", "[1]", 400, "body.not_json"),
            ("/v1/batch", '{"event":"' + "x" * 40_000 + '"}', 400, "event.too_large"),
            ("/v1/track", '{"event":"' + "x" * 40_000 + '"}', 400, "event.too_large"),
            ("/v1/batch", b"x" * (4 * 1024 * 1024 + 1), 413, "body.too_large"),
        ],
    )
    async def test_that_cannot_be_used_are_refused(
        self, house: House, path: str, body: str | bytes, status: int, code: str
    ) -> None:
        answer = await house.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    async def test_with_one_bad_event_lose_nothing(self, house: House) -> None:
        items: list[object] = [EVENT, 5, {"event": "E"}, {**EVENT, "big": "ö" * 20_000}]
        answer = await house.post("/v1/batch", {"batch": [{**EVENT, "type": "track"}, *items]})
        assert answer.content == SUCCESS
        codes = [one.code if isinstance(one, Refusal) else "" for one in house.understood()]
        assert codes == [
            *("", "intake.unknown_call", "intake.malformed_json"),
            *("intake.unknown_call", "intake.oversize"),
        ]
        assert max(len(record.value or b"") for record in house.sink.records) < 100_000

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ("{}", "intake.unknown_call"),
            ('{"batch":{}}', "intake.unknown_call"),
            ('{"batch":null,"type":"wink"}', "intake.unknown_call"),
            (msgspec.json.encode({**EVENT, "type": "Track"}), ""),
        ],
    )
    async def test_without_a_batch_are_one_message(self, house: House, body: str | bytes, code: str) -> None:
        assert (await house.post("/v1/batch", body)).content == SUCCESS
        (found,) = house.understood()
        assert (found.code if isinstance(found, Refusal) else "") == code

    @pytest.mark.parametrize("path", ["/v1/track/", "//v1/track", "//v1/track//"])
    async def test_arrive_whatever_slashes_people_put_around_an_address(
        self, house: House, path: str
    ) -> None:
        assert (await house.post(f"http://test{path}", EVENT)).content == SUCCESS

    async def test_of_an_empty_batch_are_fine(self, house: House) -> None:
        assert (await house.post("/v1/batch", {"batch": []})).content == SUCCESS


class TestStamps:
    async def test_are_keyed_by_the_browser_before_anything_else(self, house: House) -> None:
        await house.post("/v1/track", {"anonymousId": "a", "userId": "u", "event": "E"})
        await house.post("/v1/track", {"anonymousId": "a", "event": "E"})
        await house.post("/v1/track", {"userId": "u", "event": "E"})
        keys = [record.key for record in house.sink.records]
        assert keys[0] == keys[1] != keys[2]

    async def test_never_show_who_it_is(self, house: House) -> None:
        await house.post("/v1/identify", {"traits": {"email": "ada@example.com"}, "messageId": "m"})
        (record,) = house.sink.records
        assert b"ada" not in (record.key or b"")
        assert all(b"ada" not in value for _, value in record.headers)
        envelope = decode_envelope(record.value or b"")
        assert "ada" not in envelope.subject + envelope.partitionkey + envelope.id

    async def test_carry_the_time_of_the_edge_and_the_clock_of_the_client(self, house: House) -> None:
        item = {"type": "track", "event": "E", "userId": "u"}
        await house.post("/v1/batch", {"batch": [item], "sentAt": "2026-11-21T20:00:00Z"})
        await house.post("/v1/track", {"event": "E", "userId": "u"}, sentat="2026-11-21T20:00:00.000Z")
        assert decode_envelope(house.sink.records[0].value or b"").received == RECEIVED
        assert house.raws[0].sent == house.raws[1].sent is not None


class TestTrouble:
    async def test_with_the_log_is_told_so_that_clients_come_back(self, house: House) -> None:
        house.sink.trouble = LogUnavailable(retry_after=2)
        answer = await house.post("/v1/track", {"userId": "u", "event": "E"}, origin="https://x.test")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
        assert answer.headers["access-control-allow-origin"] == "https://x.test"
        assert "Retry-After" in answer.headers["access-control-expose-headers"]

    async def test_with_a_preflight_there_is_none(self, house: House) -> None:
        headers = {
            "origin": "null",
            "access-control-request-method": "POST",
            "access-control-request-headers": "anonymousid,authorization,content-type,sentat",
        }
        answer = await house.client.options("/v1/identify", headers=headers)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-headers"] == headers["access-control-request-headers"]
        assert answer.headers["access-control-allow-origin"] == "null"


class TestLeads:
    async def test_are_kept_under_the_key_of_the_request(self, house: House) -> None:
        request = read_request("browser-fetch-json-02-POST")
        first = await house.send(request, **{"x-write-key": KEY})
        second = await house.send(request, **{"x-write-key": KEY})
        assert first.json() == second.json()
        assert first.json()["success"] is True
        (intake,) = house.understood()
        assert isinstance(intake, Intake)
        assert intake.message_id == "8e03978e-40d5-43dd-bc93-6894a57f9324"

    async def test_are_found_with_a_token(self, house: House) -> None:
        headers = {"authorization": "Bearer reader"}
        answer = await house.client.get("/v1/leads", params={"email": "a@b.cn"}, headers=headers)
        assert [one["id"] for one in answer.json()["leads"]] == ["lead-1"]
        assert house.asked == [{"email": "a@b.cn", "phone": None, "source": None, "external_id": None}]

    @pytest.mark.parametrize(
        ("query", "token", "status", "code"),
        [
            ({"email": "a@b.cn"}, "", 401, "access.unauthenticated"),
            ({"email": "a@b.cn"}, "wrong", 401, "access.unauthenticated"),
            ({"email": "a@b.cn"}, "rep", 403, "access.forbidden"),
            ({"source": "crm"}, "reader", 400, "leads.query_incomplete"),
        ],
    )
    async def test_are_not_found_without(
        self, house: House, query: dict[str, str], token: str, status: int, code: str
    ) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = await house.client.get("/v1/leads", params=query, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


class TestForms:
    @pytest.mark.parametrize(
        "name",
        ["html-form-urlencoded-01-POST", "html-form-multipart-file-01-POST", "html-form-textplain-01-POST"],
    )
    async def test_lead_the_person_on(self, house: House, name: str) -> None:
        answer = await house.send(read_request(name))
        assert answer.status_code == 303
        assert answer.headers["location"] == "https://example.com/thanks"
        (intake,) = house.understood()
        assert isinstance(intake, Intake)
        assert intake.source == "landing-page"
        assert intake.act is not None
        assert intake.act.name == "Form Submitted"

    async def test_lead_nobody_astray(self, house: House) -> None:
        body = "email=a%40b.cn&_redirect=https%3A%2F%2Fevil.test%2F"
        answer = await house.client.post("/f/form_abc", content=body, headers={"sec-fetch-mode": "navigate"})
        assert answer.headers["location"] == "/f/thanks"
        assert (await house.client.get("/f/thanks")).status_code == 200

    async def test_answer_scripts_in_json(self, house: House) -> None:
        answer = await house.client.post("/f/form_abc", json={"email": "a@b.cn"})
        assert answer.json()["success"] is True
        assert house.raws[0].kind == "json"

    async def test_clicked_twice_count_once(self, house: House) -> None:
        for _ in range(2):
            await house.client.post("/f/form_abc", data={"email": "a@b.cn"})
        await house.client.post("/f/form_abc", data={"email": "other@b.cn"})
        assert len(set(house.ids)) == 2

    async def test_need_a_key_that_works(self, house: House) -> None:
        assert (await house.client.post("/f/other", data={"email": "a@b.cn"})).status_code == 401


class TestReports:
    @pytest.mark.parametrize(("path", "channel"), [("/v1/outcomes", "outcome"), ("/v1/costs", "cost")])
    async def test_are_kept_verbatim_one_or_many(self, house: House, path: str, channel: str) -> None:
        body = '{ "opportunity": "OP-1", "kind": "won", "message_id": "m" }'
        answer = await house.post(path, body)
        assert answer.json()["ids"] == house.ids
        await house.post(path, f'{{"batch": [{body}, {{"kind": "lost"}}, 5]}}')
        assert [(raw.channel, raw.body) for raw in house.raws] == [
            (channel, body),
            (channel, body),
            (channel, '{"kind": "lost"}'),
            (channel, "5"),
        ]
        assert house.ids[0] == house.ids[1]

    async def test_of_one_opportunity_or_campaign_stay_in_order(self, house: House) -> None:
        await house.post("/v1/outcomes", {"batch": [{"opportunity": "OP-1"}, {"opportunity": "OP-1"}]})
        await house.post("/v1/outcomes", {"opportunity": "OP-2"})
        await house.post("/v1/costs", {"batch": [{"campaign": "c"}, {"campaign": "c"}]})
        keys = [record.key for record in house.sink.records]
        assert keys[0] == keys[1] != keys[2]
        assert keys[3] == keys[4]

    @pytest.mark.parametrize("body", ["[]", "{", '{"batch": 5}'])
    async def test_that_are_none_are_refused(self, house: House, body: str) -> None:
        answer = await house.post("/v1/outcomes", body)
        assert (answer.status_code, answer.json()["code"]) == (400, "body.not_json")

    async def test_need_a_write_key(self, house: House) -> None:
        answer = await house.client.post("/v1/costs", json={"campaign": "c"})
        assert answer.status_code == 401

    async def test_of_the_platform_itself_are_marked(self, house: House) -> None:
        await house.post("/v1/outcomes", {"opportunity": "OP-1", "lead_id": "x"}, authorization="Bearer own")
        await house.post("/v1/track", {"leadId": "x", "event": "E"}, authorization="Bearer own")
        await house.post("/v1/track", EVENT)
        assert [raw.is_internal for raw in house.raws] == [True, True, False]
        assert house.sink.records[0].key == house.sink.records[1].key
