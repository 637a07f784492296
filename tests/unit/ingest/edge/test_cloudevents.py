"""CloudEvents at the edge: the specification's cases, and what real SDKs send."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import msgspec
import pytest

from services.ingest.domain.dialects.event_types import EventKind
from services.ingest.domain.dialects.hooks import Errand
from services.ingest.domain.intake import Intake, Refusal
from services.ingest.handlers.own_events import OWN_EVENTS
from shared.contracts.envelope import decode_envelope
from shared.contracts.events import DECLARATIONS
from shared.kernel.instants import parse_instant
from tests.unit.ingest.edge.house import BASIC, KEY, House
from tests.unit.ingest.requests import RECEIVED, ROOT, read_request

CASES: Final[list[dict[str, Any]]] = msgspec.json.decode(
    (ROOT / "tests" / "cases" / "cloudevents" / "http.json").read_bytes()
)
JSON: Final = {"content-type": "application/cloudevents+json"}
BATCH: Final = {"content-type": "application/cloudevents-batch+json"}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.client.aclose()


def event(**attributes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/crm",
        "type": "com.example.demo.requested",
        **attributes,
    }


async def send(house: House, body: Any, headers: dict[str, str], path: str = "/v1/events") -> httpx.Response:
    content = body if isinstance(body, bytes | str) else msgspec.json.encode(body)
    return await house.client.post(path, content=content, headers={"authorization": BASIC, **headers})


async def understood(house: House, **attributes: Any) -> Intake | Errand | Refusal:
    answer = await send(house, event(**attributes), JSON)
    assert answer.status_code == 200, answer.text
    return house.understood()[-1]


class TestTheSpecification:
    @pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
    @pytest.mark.parametrize("path", ["/", "/v1/events"])
    async def test_is_kept(self, house: House, case: dict[str, Any], path: str) -> None:
        body = base64.b64decode(case["body_base64"]) if "body_base64" in case else case["body"].encode()
        answer = await send(house, body, case["headers"], path)
        told = answer.json()
        assert answer.status_code == case["status"], told
        if case["status"] != 200:
            assert (told["code"], told.get("field")) == (case["code"], case.get("field"))
            assert not house.raws
            return
        kept = [msgspec.json.decode(raw.body or "") for raw in house.raws]
        if "count" in case:
            assert told["ids"] == house.ids
            assert kept == msgspec.json.decode(body)
            assert len(kept) == case["count"]
        else:
            assert told["id"] == house.ids[0]
            assert kept == [case["kept"] if "kept" in case else msgspec.json.decode(body)]
        faults = [
            [one["index"], one["code"], one.get("field")]
            for one in told.get("quarantined", [])
            if one["code"] != "intake.no_identity"  # the specification's events are about nobody
        ]
        assert faults == case.get("quarantined", [])


class TestTheJavaScriptSdk:
    @pytest.mark.parametrize("number", ["01", "02"])
    async def test_is_heard_in_both_modes(self, house: House, number: str) -> None:
        request = read_request(f"cloudevents-js-sdk-{number}-POST")
        answer = await house.client.post(
            f"{request.path}?writeKey={KEY}", content=request.body, headers=request.headers
        )
        assert answer.json() == {"success": True, "id": house.ids[0]}
        (intake,) = house.understood()
        assert isinstance(intake, Intake)
        assert intake.traits is not None
        assert intake.traits.contact == {"email": "ada@example.com"}
        assert intake.act is None
        assert intake.message_id == "1234-1234-1234"
        assert intake.occurred == parse_instant("2026-11-21T20:00:00Z")

    async def test_is_one_event_in_whichever_mode(self, house: House) -> None:
        for number in ("01", "02", "01"):
            request = read_request(f"cloudevents-js-sdk-{number}-POST")
            await house.client.post(f"/?writeKey={KEY}", content=request.body, headers=request.headers)
        assert len(house.ids) == 3
        assert len(set(house.ids)) == 1

    async def test_hears_that_a_key_is_missing_and_leaves_a_sample(self, house: House) -> None:
        request = read_request("cloudevents-js-sdk-02-POST")
        answer = await house.client.post("/", content=request.body, headers=request.headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "write_key.invalid")
        assert house.turned_away == [(request.body, "write_key.invalid")]

    async def test_hands_on_the_trace_of_its_event(self, house: House) -> None:
        request = read_request("cloudevents-js-sdk-01-POST")
        await house.client.post(f"/?writeKey={KEY}", content=request.body, headers=request.headers)
        envelope = decode_envelope(house.sink.records[0].value or b"")
        assert envelope.traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class TestMeaning:
    @pytest.mark.parametrize(
        "name",
        [
            *("com.example.lead.captured", "lead-captured/v2", "LeadCreated.v1", "cn.example.crm.新建线索"),
            *("https://example.com/events/contact_updated", "leadmill.lead_captured.v1"),
        ],
    )
    async def test_of_a_name_may_be_a_lead(self, house: House, name: str) -> None:
        intake = await understood(house, type=name, data={"email": "a@b.cn", "company": {"name": "Ada"}})
        assert isinstance(intake, Intake)
        assert intake.act is None
        assert intake.traits is not None
        assert intake.traits.contact["email"] == "a@b.cn"

    @pytest.mark.parametrize(
        ("name", "act"),
        [
            ("com.example.demo.requested", "Demo Requested"),
            ("Demo Requested", "Demo Requested"),
            ("leadmill.demo_requested.v1", "Demo Requested"),
            ("com.example.pull_request.opened", "pull_request.opened"),
            ("io.producer.calculator.used.v3", "calculator.used"),
            ("calculator.used", "calculator.used"),
            ("com.example.page.viewed", "Page"),
        ],
    )
    async def test_of_a_name_is_an_act(self, house: House, name: str, act: str) -> None:
        intake = await understood(house, type=name, data={"email": "a@b.cn", "product_lines": 2})
        assert isinstance(intake, Intake)
        assert intake.act is not None
        assert intake.act.name == act

    async def test_of_an_act_has_its_properties_and_what_brought_them(self, house: House) -> None:
        data = {
            "user_id": "u-1",
            "document": "smart-factory",
            "kind": "white_paper",
            "url": "https://example.com/papers?utm_medium=cpc&utm_campaign=spring",
        }
        intake = await understood(house, type="com.example.document.downloaded", data=data)
        assert isinstance(intake, Intake)
        assert intake.act is not None
        assert intake.act.fields == {"document": "smart-factory", "kind": "white_paper"}
        assert intake.acquisition is not None
        assert intake.acquisition.campaign == "spring"

    async def test_of_a_name_may_be_an_outcome_or_a_cost(self, house: House) -> None:
        deal = {"opportunity": "OP-1", "amount": 1200, "currency": "CNY", "email": "a@b.cn"}
        won = await understood(house, type="com.example.deal.won", data=deal)
        assert isinstance(won, Intake)
        assert won.outcome is not None
        assert won.outcome.kind == "opportunity_won"
        cost = {"day": "2026-03-02", "campaign": "c", "kind": "ads", "amount": 5, "currency": "CNY"}
        paid = await understood(house, id="e-2", type="campaign.cost", data=cost)
        assert isinstance(paid, Intake)
        assert paid.cost is not None

    async def test_of_our_own_outcome_is_that_of_its_declaration(self, house: House) -> None:
        data = {
            "lead": "5f1c0d2e9a7b4c3d8e6f1a2b3c4d5e6f",
            "profile": "5f1c0d2e9a7b4c3d8e6f1a2b3c4d5e6f",
            "source": "crm",
            "opportunity": "OP-311",
            "amount": {"minor": 28_800_000, "currency": "CNY"},
        }
        won = await understood(house, type="leadmill.opportunity_won.v1", data=data)
        assert isinstance(won, Intake)
        assert won.outcome is not None
        assert won.outcome.amount is not None
        assert won.outcome.amount.minor == 28_800_000
        assert won.addressed is None  # our ids are not for others to name

    @pytest.mark.parametrize(
        "name",
        sorted(name for name, meaning in OWN_EVENTS.items() if meaning.kind is EventKind.NOT_FOR_OTHERS),
    )
    async def test_of_what_only_we_can_know_is_not_taken_from_others(self, house: House, name: str) -> None:
        assert await understood(house, type=name, data={"email": "a@b.cn"}) == Refusal(
            "intake.platform_event"
        )

    def test_is_known_of_everything_we_declare(self) -> None:
        assert set(OWN_EVENTS) == {declaration.type for declaration in DECLARATIONS}

    @pytest.mark.parametrize(
        ("subject", "anchors", "devices"),
        [
            ("user/42", ["user"], 0),
            ("/users/42", ["user"], 0),
            ("lead/a b %25", ["external"], 0),
            ("visitor/9f", [], 1),
            ("mailto:ada@example.com", [], 0),
            ("whitepaper.pdf", None, 0),
        ],
    )
    async def test_of_a_subject_is_a_person_only_where_it_says_so(
        self, house: House, subject: str, anchors: list[str] | None, devices: int
    ) -> None:
        found = await understood(house, subject=subject, data={})
        if anchors is None:
            assert found == Refusal("intake.no_identity")
        elif subject.startswith("mailto"):
            assert isinstance(found, Intake)
            assert [one.kind for one in found.anchors] == ["email"]
        else:
            assert isinstance(found, Intake)
            assert [one.kind for one in found.anchors] == anchors
            assert len(found.anonymous) == devices

    async def test_of_a_bare_subject_is_the_lead_in_an_event_about_leads(self, house: House) -> None:
        found = await understood(house, type="lead.updated", subject="L-7", data={"industry": "pharma"})
        assert isinstance(found, Intake)
        assert [one.kind for one in found.anchors] == ["external"]

    async def test_of_data_in_base64_is_that_of_the_json_in_it(self, house: House) -> None:
        packed = base64.b64encode(b'{"email":"a@b.cn"}').decode()
        found = await understood(house, data_base64=packed)
        assert isinstance(found, Intake)
        assert found.traits is not None

    async def test_of_a_time_that_cannot_be_read_is_that_of_its_receipt(self, house: House) -> None:
        found = await understood(house, time="lunchtime", data={"user_id": "u"})
        assert isinstance(found, Intake)
        assert found.occurred == RECEIVED


class TestDoors:
    async def test_are_those_of_what_an_event_tells(self, house: House) -> None:
        """A key in a page opens the door for events, and books no costs through it."""
        key = {"authorization": "", "x-write-key": "events-only"}
        assert (await send(house, event(data={"user_id": "u"}), {**JSON, **key})).status_code == 200
        for name in ("campaign.cost", "deal.won", "lead.captured"):
            answer = await send(house, event(type=name, data={"user_id": "u"}), {**JSON, **key})
            assert (answer.status_code, answer.json()["code"]) == (403, "write_key.out_of_scope")
        batch = [event(data={"user_id": "u"}), event(id="e-2", type="deal.won")]
        assert (await send(house, batch, {**BATCH, **key})).status_code == 403

    async def test_of_cloudevents_take_nothing_else(self, house: House) -> None:
        answer = await send(house, {"event": "E", "user_id": "u"}, {"content-type": "application/json"}, "/")
        assert (answer.status_code, answer.json()["code"]) == (400, "cloudevent.none")


class TestContentTypes:
    @pytest.mark.parametrize("path", ["/", "/v1/events"])
    @pytest.mark.parametrize("body", [event(), [event(), event(id="e-2")]])
    @pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
    async def test_that_are_wrong_do_no_harm(
        self, house: House, path: str, body: object, content_type: str
    ) -> None:
        answer = await send(house, body, {"content-type": content_type}, path)
        assert answer.status_code == 200
        assert {raw.channel for raw in house.raws} == {"cloudevent"}

    async def test_leave_a_native_event_what_it_is(self, house: House) -> None:
        native = {"event": "E", "user_id": "u", "specversion": "1.0"}
        assert (await send(house, native, {})).status_code == 200
        assert [raw.channel for raw in house.raws] == ["event"]


class TestBounds:
    async def test_of_one_event_are_told(self, house: House) -> None:
        answer = await send(house, event(data={"text": "x" * 40_000}), JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, "event.too_large")

    async def test_of_a_batch_quarantine_what_is_beyond_them(self, house: House) -> None:
        batch = [event(id=str(number), data={"user_id": "u"}) for number in range(2_502)]
        batch[1]["data"]["text"] = "x" * 40_000
        answer = await send(house, batch, BATCH)
        told = answer.json()
        assert len(told["ids"]) == 2_500
        assert [(one["index"], one["code"]) for one in told["quarantined"]] == [
            (1, "event.too_large"),
            (2_500, "batch.too_many"),
        ]
        codes = [one.code for one in house.understood() if isinstance(one, Refusal)]
        assert codes == ["intake.oversize", "intake.batch_excess"]
        assert msgspec.json.decode(house.raws[-1].body or "") == {"batch": batch[2_500:]}
