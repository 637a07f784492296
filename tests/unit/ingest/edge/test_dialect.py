"""What the edge says when it refuses, and what it does with bodies that nobody should send."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.api.native.verdicts import ADVICE
from services.ingest.domain.intake import Intake, Refusal
from services.ingest.domain.scrubbing import drop_zeros
from tests.unit.ingest.edge.house import BASIC, EVENT, SUCCESS, House

MEMBERS = {"success", "code", "message", "error", "type", "title", "status", "detail", "trace_id"}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.client.aclose()


class TestAProblem:
    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "media"),
        [
            ("POST", "/v1/track", "{", 400, "application/json"),
            ("POST", "/v1/batch", "[", 400, "application/json"),
            ("POST", "/beacon/v1/batch", "[", 400, "application/json"),
            ("GET", "/v1/track", "", 405, "application/json"),
            ("POST", "/v1/leads", "{", 400, "application/problem+json"),
            ("POST", "/v1/events", "{}", 400, "application/problem+json"),
            ("POST", "/", "{}", 400, "application/problem+json"),
            ("POST", "/v1/outcomes", "[]", 400, "application/problem+json"),
            ("DELETE", "/v1/costs", "", 405, "application/problem+json"),
            ("GET", "/v1/leads", "", 401, "application/problem+json"),
            ("GET", "/nowhere", "", 404, "application/problem+json"),
        ],
    )
    async def test_has_the_same_members_everywhere(
        self, house: House, method: str, path: str, body: str, status: int, media: str
    ) -> None:
        headers = {"authorization": BASIC, "origin": "https://x.test"}
        answer = await house.client.request(method, path, content=body, headers=headers)
        told = answer.json()
        assert answer.status_code == told["status"] == status
        assert answer.headers["content-type"] == media
        assert told.keys() - {"field", "errors"} == MEMBERS
        assert told["success"] is False
        assert told["code"] == told["error"]
        assert told["message"] == told["detail"]
        assert answer.headers["access-control-allow-origin"] == "https://x.test"

    async def test_names_every_attribute_that_is_missing(self, house: House) -> None:
        headers = {"authorization": BASIC, "content-type": "application/cloudevents+json"}
        answer = await house.client.post("/", content='{"specversion":"1.0","id":"1"}', headers=headers)
        told = answer.json()
        assert told["field"] == "source"
        assert [one["field"] for one in told["errors"]] == ["source", "type"]
        assert "source, type" in told["message"]

    async def test_of_a_wrong_method_says_which_are_right(self, house: House) -> None:
        assert (await house.client.put("/v1/leads")).headers["allow"] == "GET, POST"

    async def test_never_repeats_what_was_sent(self, house: House) -> None:
        secret = "ada-lovelace"
        for path in ("/v1/track", "/v1/events", "/v1/leads", "/v1/outcomes"):
            answer = await house.post(path, f'{{"{secret}":')
            assert secret not in answer.text


class TestMessageIds:
    """rudder-server, gateway/gateway_test.go: what cannot be seen is no part of an id."""

    async def test_of_nothing_that_can_be_seen_are_none(self, house: House) -> None:
        for _ in range(2):
            await house.post("/v1/track", {**EVENT, "messageId": " \u0000\u00a0\t\n\r\u034f "})
        assert len(set(house.ids)) == 2
        assert [one.message_id for one in house.understood() if isinstance(one, Intake)] == [None, None]

    async def test_are_what_can_be_seen_of_them(self, house: House) -> None:
        for message_id in ("\u0000 -a-random-string \u00a0\t\n\r\u034f", "-a-random-string"):
            await house.post("/v1/track", {**EVENT, "messageId": message_id})
        assert len(set(house.ids)) == 1
        found = [one.message_id for one in house.understood() if isinstance(one, Intake)]
        assert found == ["-a-random-string"] * 2


class TestBatches:
    async def test_beyond_their_bound_are_kept_for_quarantine(self, house: House) -> None:
        batch = [{**EVENT, "type": "track", "messageId": str(number)} for number in range(2_600)]
        assert (await house.post("/v1/batch", {"batch": batch})).content == SUCCESS
        found = house.understood()
        assert len(found) == 2_501
        assert [one for one in found if isinstance(one, Refusal)] == [Refusal("intake.batch_excess")]
        assert msgspec.json.decode(house.raws[-1].body or "") == {"batch": batch[2_500:]}

    async def test_of_nothing_but_commas_stay_small(self, house: House) -> None:
        body = b'{"batch":[' + b"0," * 1_000_000 + b"0]}"
        assert (await house.post("/v1/batch", body)).content == SUCCESS
        assert len(house.sink.records) < 2_520
        assert max(len(record.value or b"") for record in house.sink.records) < 900_000

    async def test_of_native_events_name_what_goes_to_quarantine(self, house: House) -> None:
        batch = [{"event": "E", "user_id": "u"}, {"user_id": "u"}, 5, {"event": "E", "text": "x" * 40_000}]
        told = (await house.post("/v1/events", {"batch": batch})).json()
        assert told["ids"] == house.ids
        assert [(one["index"], one["code"], one.get("field")) for one in told["quarantined"]] == [
            (1, "event.name_missing", "event"),
            (2, "body.not_json", None),
            (3, "event.too_large", None),
        ]
        codes = [one.code for one in house.understood() if isinstance(one, Refusal)]
        assert codes == ["intake.no_event_name", "intake.malformed_json", "intake.oversize"]


class TestAMessageOfNoUse:
    @pytest.mark.parametrize(
        ("path", "body", "code", "field"),
        [
            ("/v1/leads", {"name": "Ada"}, "intake.no_identity", "email"),
            ("/v1/leads", {"email": "not an address"}, "intake.no_identity", "email"),
            ("/v1/events", {"event": "E"}, "intake.no_identity", "email"),
            ("/v1/events", {"event": "leadmill.tier_changed.v1"}, "intake.platform_event", "type"),
            ("/v1/outcomes", {"opportunity": "OP"}, "outcome.unknown_kind", "kind"),
            ("/v1/outcomes", {"kind": "lost"}, "outcome.no_opportunity", "opportunity"),
            ("/v1/outcomes", {"kind": "stage", "opportunity": "OP"}, "outcome.no_stage", "stage"),
            ("/v1/outcomes", {"kind": "won", "opportunity": "OP"}, "outcome.no_amount", "amount"),
            (
                "/v1/outcomes",
                {"kind": "won", "opportunity": "OP", "amount": 1},
                "outcome.no_currency",
                "currency",
            ),
            ("/v1/costs", {"kind": "rent"}, "cost.unknown_kind", "kind"),
            ("/v1/costs", {"kind": "ads"}, "cost.no_campaign", "campaign"),
            ("/v1/costs", {"kind": "ads", "campaign": "c", "day": "2.3.26"}, "cost.day_malformed", "day"),
            ("/v1/costs", {"kind": "ads", "campaign": "c", "day": "2026-03-02"}, "cost.no_amount", "amount"),
        ],
    )
    async def test_is_kept_and_its_sender_told_what_to_do(
        self, house: House, path: str, body: dict[str, str], code: str, field: str
    ) -> None:
        answer = await house.post(path, body)
        (told,) = answer.json()["quarantined"]
        assert answer.status_code == 200
        assert (told["index"], told["code"], told["field"]) == (0, code, field)
        assert told["message"] == ADVICE[code][1]
        assert house.understood() == [Refusal(code)]

    async def test_does_not_hurt_others_of_its_batch(self, house: House) -> None:
        won = {"kind": "won", "opportunity": "OP", "amount": 1, "currency": "CNY"}
        batch = [won, {**won, "kind": "?"}, 5, *[won] * 100, {"kind": "lost"}]
        told = (await house.post("/v1/outcomes", {"batch": batch})).json()
        assert len(told["ids"]) == 104
        assert [(one["index"], one["code"]) for one in told["quarantined"]] == [
            (1, "outcome.unknown_kind"),
            (2, "body.not_json"),
            (103, "outcome.no_opportunity"),
        ]


_TEXTS = st.lists(st.sampled_from(["\0", "\\", "u0000", "a", '"', "é"]), max_size=12).map("".join)


class TestZeros:
    @given(_TEXTS)
    def test_are_dropped_from_json_and_nothing_else_is(self, text: str) -> None:
        written = msgspec.json.encode([text]).decode()
        assert msgspec.json.decode(drop_zeros(written)) == [text.replace("\0", "")]
