"""Named requests in PostgreSQL, and on the whole service: one effect, whoever dies when."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.ingest.jobs.forgetting import Forgetting
from services.ingest.store.idempotency import (
    KeyReused,
    NamedRequests,
    NamesUnavailable,
    StillRunning,
)
from shared.contracts.topics import LEADS, OUTCOMES
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import HOUR
from shared.postgres.database import Database
from tests.services.ingest.running import KEY, RunningIngest
from tests.unit.ingest.requests import RECEIVED

pytestmark = pytest.mark.postgres

KEEP = timedelta(hours=72)
NO_TIME = timedelta()


@pytest.fixture
def names(ingest_database: Database) -> NamedRequests:
    return NamedRequests(ingest_database, keep=KEEP)


async def claim(names: NamedRequests, *, body: str = "b", after: int = 0) -> bytes | None:
    return await names.claim("n", body=body, now=RECEIVED + after)


class TestANamedRequest:
    async def test_is_carried_out_by_one_of_many_who_ask_at_once(self, names: NamedRequests) -> None:
        asked = await asyncio.gather(*(claim(names) for _ in range(20)), return_exceptions=True)
        assert [one for one in asked if one is None] == [None]
        refused = [one for one in asked if isinstance(one, StillRunning)]
        assert len(refused) == 19
        assert all(1 <= one.retry_after <= 30 for one in refused)

    async def test_is_answered_as_the_first_time(self, names: NamedRequests) -> None:
        assert await claim(names) is None
        await names.settle("n", b"answer")
        assert await claim(names) == b"answer"

    async def test_keeps_its_first_answer(self, names: NamedRequests) -> None:
        await claim(names)
        await names.settle("n", b"first")
        await names.settle("n", b"second")
        assert await claim(names) == b"first"

    async def test_with_another_body_is_another_whether_or_not_it_was_answered(
        self, names: NamedRequests
    ) -> None:
        await claim(names)
        for _ in range(2):
            with pytest.raises(KeyReused):
                await claim(names, body="other")
            await names.settle("n", b"answer")

    async def test_is_taken_over_from_whoever_died(self, ingest_database: Database) -> None:
        died = NamedRequests(ingest_database, keep=KEEP, lease=NO_TIME)
        assert await claim(died) is None
        assert await claim(NamedRequests(ingest_database, keep=KEEP)) is None
        with pytest.raises(StillRunning):
            await claim(died)

    async def test_that_was_let_go_can_be_claimed_at_once_by_the_same_body_only(
        self, names: NamedRequests
    ) -> None:
        await claim(names)
        await names.release("n")
        with pytest.raises(KeyReused):
            await claim(names, body="other")
        assert await claim(names) is None

    async def test_is_forgotten_after_its_time(self, names: NamedRequests, ingest_database: Database) -> None:
        await claim(names)
        await names.settle("n", b"answer")
        assert await claim(names, after=72 * HOUR - 1) == b"answer"
        assert await claim(names, body="other", after=72 * HOUR) is None
        clock = SimulatedClock(RECEIVED + 144 * HOUR)
        forgetting = Forgetting(ingest_database, clock=clock, messages=KEEP, quarantine=KEEP)
        await forgetting.forget()
        async with ingest_database.connection() as connection:
            assert await connection.fetch_value("SELECT count(*) FROM named_request") == 0

    async def test_counts_its_time_from_the_first_claim(self, ingest_database: Database) -> None:
        died = NamedRequests(ingest_database, keep=KEEP, lease=NO_TIME)
        await claim(died)
        await claim(died, after=71 * HOUR)
        await died.settle("n", b"answer")
        assert await claim(died, after=73 * HOUR) is None

    async def test_cannot_be_told_apart_while_the_database_is_away(
        self, names: NamedRequests, ingest_database: Database
    ) -> None:
        await ingest_database.stop()
        with pytest.raises(NamesUnavailable):
            await claim(names)


async def post(ingest: RunningIngest, path: str, body: Any, key: str = "k-1") -> dict[str, Any]:
    headers = {"x-write-key": KEY, "idempotency-key": f'"{key}"'}
    answer = await ingest.client.post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return {**told, "replayed": answer.headers.get("idempotency-replayed")}


class TestTheService:
    async def test_takes_a_request_once(self, ingest: RunningIngest) -> None:
        lead = {"email": "ada@example.com", "name": "Ada"}
        first = await post(ingest, "/v1/leads", lead)
        again = await post(ingest, "/v1/leads", lead)
        assert again == {**first, "replayed": "true"}
        await ingest.settle(1)
        assert len(await ingest.said(LEADS.name)) == 1
        assert await ingest.value("SELECT count(*) FROM named_request WHERE answer IS NOT NULL") == 1

    async def test_has_one_effect_after_a_crash_between_append_and_answer(
        self, ingest: RunningIngest
    ) -> None:
        """The records are in the log and the answer was never kept: the second try appends them again."""
        deal = {"kind": "won", "opportunity": "OP-1", "amount": 5, "currency": "CNY", "email": "a@b.cn"}
        first = await post(ingest, "/v1/outcomes", {"batch": [deal, {**deal, "opportunity": "OP-2"}]})
        await ingest.execute("UPDATE named_request SET answer = NULL, claimed_until = clock_timestamp()")
        second = await post(ingest, "/v1/outcomes", {"batch": [deal, {**deal, "opportunity": "OP-2"}]})
        assert second == first
        await ingest.settle(4)
        assert len(await ingest.said(OUTCOMES.name)) == 2
        assert not await ingest.breaches()

    async def test_takes_a_key_at_two_addresses_for_two_requests(self, ingest: RunningIngest) -> None:
        """A lead and an outcome under one key were once one message."""
        deal = {"kind": "won", "opportunity": "OP-1", "amount": 5, "currency": "CNY", "email": "a@b.cn"}
        await post(ingest, "/v1/leads", {"email": "a@b.cn"})
        await post(ingest, "/v1/outcomes", deal)
        await ingest.settle(2)
        assert len(await ingest.said(OUTCOMES.name)) == 1
