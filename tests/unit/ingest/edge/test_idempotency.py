"""Requests with an ``Idempotency-Key``, as clients meet them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from services.ingest.domain.intake import Intake
from services.ingest.store.idempotency import NamesUnavailable
from shared.log.port import LogUnavailable
from tests.unit.ingest.edge.house import BASIC, SUCCESS, House

LEAD = {"email": "ada@example.com"}
ROUTES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/leads", LEAD),
    ("/v1/events", {"event": "Demo Requested", "email": "ada@example.com"}),
    ("/v1/events", {"batch": [{"event": "Demo Requested", "email": "ada@example.com"}] * 2}),
    ("/v1/outcomes", {"kind": "won", "opportunity": "OP-1", "amount": 1, "currency": "CNY"}),
    ("/v1/costs", {"batch": [{"campaign": "c"}, {"campaign": "d"}]}),
]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.client.aclose()


class TestARequestSentAgain:
    @pytest.mark.parametrize(("path", "body"), ROUTES)
    async def test_is_answered_as_the_first_time(self, house: House, path: str, body: dict[str, Any]) -> None:
        first = await house.post(path, body, idempotency_key='"k-1"')
        count = len(house.ids)
        second = await house.post(path, body, idempotency_key='"k-1"')
        assert first.content == second.content
        assert "idempotency-replayed" not in first.headers
        assert second.headers["idempotency-replayed"] == "true"
        assert len(house.ids) == count

    async def test_may_write_its_key_bare_and_its_body_in_another_order(self, house: House) -> None:
        first = await house.post("/v1/leads", '{"email": "a@b.cn", "name": "Ada"}', idempotency_key='"k-1"')
        again = await house.post("/v1/leads", '{"name":"Ada","email":"a@b.cn"}', idempotency_key="k-1")
        assert again.headers["idempotency-replayed"] == "true"
        assert first.content == again.content

    async def test_after_a_crash_appends_the_same_ids(self, house: House) -> None:
        """The answer could not be kept: whoever asks again gets it from the same records."""
        house.names.trouble["settle"] = NamesUnavailable()
        body = {"batch": [{"kind": "won", "opportunity": "OP-1"}, {"opportunity": "OP-1", "message_id": "m"}]}
        first = await house.post("/v1/outcomes", body, idempotency_key="k-1")
        house.names.released += house.names.rows  # the lease is over
        del house.names.trouble["settle"]
        second = await house.post("/v1/outcomes", body, idempotency_key="k-1")
        assert first.status_code == 200
        assert first.content == second.content
        assert house.ids[:2] == house.ids[2:]
        assert "idempotency-replayed" not in second.headers

    async def test_that_was_refused_may_be_corrected_under_its_key(self, house: House) -> None:
        assert (await house.post("/v1/events", {}, idempotency_key="k-1")).status_code == 400
        assert not house.names.rows
        assert (await house.post("/v1/events", {"event": "E"}, idempotency_key="k-1")).status_code == 200

    async def test_that_could_not_be_kept_may_come_again_at_once(self, house: House) -> None:
        house.sink.trouble = LogUnavailable()
        assert (await house.post("/v1/leads", LEAD, idempotency_key="k-1")).status_code == 503
        house.sink.trouble = None
        assert (await house.post("/v1/leads", LEAD, idempotency_key="k-1")).status_code == 200

    async def test_while_the_first_is_under_way_is_told_to_wait(self, house: House) -> None:
        await house.post("/v1/leads", LEAD, idempotency_key="k-1")
        ((name, (body, _)),) = house.names.rows.items()
        house.names.rows[name] = (body, None)
        answer = await house.post("/v1/leads", LEAD, idempotency_key="k-1", origin="https://x.test")
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency.in_flight")
        assert answer.headers["retry-after"] == "7"
        assert "Idempotency-Replayed" in answer.headers["access-control-expose-headers"]

    async def test_with_another_body_is_refused(self, house: House) -> None:
        await house.post("/v1/leads", LEAD, idempotency_key="k-1")
        answer = await house.post("/v1/leads", {"email": "b@b.cn"}, idempotency_key="k-1")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.key_reused")
        assert len(house.ids) == 1

    async def test_to_another_address_or_from_another_source_is_another(self, house: House) -> None:
        await house.post("/v1/leads", LEAD, idempotency_key="k-1")
        await house.post("/v1/outcomes", {"opportunity": "OP-1"}, idempotency_key="k-1")
        await house.post("/v1/leads", LEAD, idempotency_key="k-1", authorization="Bearer form_abc")
        assert len(set(house.ids)) == 3


class TestNames:
    async def test_are_kept_as_hashes_and_told_to_no_log(
        self, house: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        house.names.trouble["settle"] = NamesUnavailable()
        with caplog.at_level(logging.DEBUG):
            await house.post("/v1/leads", LEAD, idempotency_key="secret-key-1")
        assert "secret" not in str(house.names.rows)
        assert "ada" not in str(house.names.rows)
        printed = capsys.readouterr()
        assert "secret" not in caplog.text + printed.out + printed.err

    async def test_cannot_be_told_apart_without_their_table(self, house: House) -> None:
        house.names.trouble["claim"] = NamesUnavailable()
        answer = await house.post("/v1/leads", LEAD, idempotency_key="k-1")
        assert (answer.status_code, answer.json()["code"]) == (503, "idempotency.unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert not house.ids
        assert (await house.post("/v1/leads", LEAD)).status_code == 200

    @pytest.mark.parametrize("key", ["", '""', '"open', '"a"b', "k" * 256, "caf\u00e9", "tab\there"])
    async def test_that_are_none_are_refused(self, house: House, key: str) -> None:
        headers = [(b"authorization", BASIC.encode()), (b"idempotency-key", key.encode("latin-1"))]
        answer = await house.client.post("/v1/leads", content=msgspec.json.encode(LEAD), headers=headers)
        told = answer.json()
        assert (answer.status_code, told["code"]) == (400, "idempotency.key_malformed")
        assert told["field"] == "Idempotency-Key"

    async def test_may_be_long(self, house: House) -> None:
        assert (await house.post("/v1/leads", LEAD, idempotency_key="k" * 255)).status_code == 200

    async def test_are_the_message_id_of_a_message_without_one(self, house: House) -> None:
        await house.post("/v1/leads", LEAD, idempotency_key="k-1")
        await house.post("/v1/leads", {**LEAD, "message_id": "own"}, idempotency_key="k-2")
        found = [one.message_id for one in house.understood() if isinstance(one, Intake)]
        assert found == ["k-1", "own"]

    async def test_mean_nothing_to_sdks(self, house: House) -> None:
        """409 and 422 would make them throw their data away."""
        for event in ("E", "F"):
            answer = await house.post("/v1/track", {"userId": "u", "event": event}, idempotency_key="k-1")
            assert answer.content == SUCCESS
        assert not house.names.rows
