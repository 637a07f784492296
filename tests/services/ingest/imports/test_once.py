"""What the crash matrix found where processes die in imports, or two of them meet: each placed by hand."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest

from services.ingest.jobs.imports.desk import ImportDesk
from services.ingest.jobs.imports.working import Working
from services.ingest.store.imports.imports import TableImport
from shared.contracts.envelope import decode_event
from shared.contracts.events.outcomes import CostRecorded
from shared.contracts.topics import OUTCOMES
from shared.log.port import Log, LogUnavailable, Producer
from tests.services.ingest.imports.bringing import as_csv, begin, bring_in, desk_of
from tests.services.ingest.running import KEY, RunningIngest

pytestmark = pytest.mark.postgres

ADMIN = {"authorization": "Bearer admin"}
TABLE = as_csv("编号,邮箱", *(f"{number},n{number}@example.com" for number in range(9)))


class WatchedLog:
    """A log after each append to which something happens."""

    def __init__(self, log: Log, then: Callable[[], Awaitable[None]]) -> None:
        self._log = log
        self._then = then

    def producer(self, *, name: str) -> WatchedProducer:
        return WatchedProducer(self._log.producer(name=name), self._then)


class WatchedProducer:
    def __init__(self, producer: Producer, then: Callable[[], Awaitable[None]]) -> None:
        self._producer = producer
        self._then = then
        self.start, self.stop = producer.start, producer.stop

    async def append(self, batches: Any) -> Any:
        firsts = await self._producer.append(batches)
        await self._then()
        return firsts


def watched(desk: ImportDesk, then: Callable[[], Awaitable[None]]) -> ImportDesk:
    return ImportDesk(replace(desk.tools, log=cast(Log, WatchedLog(desk.tools.log, then))))


def cost(amount: str) -> bytes:
    return as_csv("Day,Campaign,Kind,Amount,Currency", f"2026-03-02,spring,ads,{amount},CNY")


async def amounts(ingest: RunningIngest) -> list[int]:
    said = [decode_event(one) for one in await ingest.said(OUTCOMES.name)]
    return [one.amount.minor for one in said if isinstance(one, CostRecorded)]


async def upload(ingest: RunningIngest, **query: str) -> str:
    answer = await ingest.client.post(
        "/v1/imports/leads", content=TABLE, params=query, headers={"x-write-key": KEY}
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def test_an_import_that_starts_by_itself_starts_though_its_process_died_between_the_two(
    ingest: RunningIngest,
) -> None:
    desk = desk_of(ingest)
    one = await desk.find(await upload(ingest, start="true"))
    await desk.check(one, io.BytesIO(TABLE))
    assert (await desk.find(one.id)).state == "checked"
    await Working(desk).work(asyncio.Event())
    assert (await desk.find(one.id)).state == "done"


async def test_one_that_was_only_looked_through_waits_for_somebody_to_start_it(
    ingest: RunningIngest,
) -> None:
    import_id = await upload(ingest)
    for _ in range(2):
        await Working(desk_of(ingest)).work(asyncio.Event())
        assert (await desk_of(ingest).find(import_id)).state == "checked"


async def test_a_start_that_is_asked_for_again_is_answered_as_before_also_when_all_is_done(
    ingest: RunningIngest,
) -> None:
    desk = desk_of(ingest)
    import_id = await upload(ingest)
    await Working(desk).work(asyncio.Event())
    for state in ("started", "done"):
        answer = await ingest.client.post(f"/v1/imports/{import_id}/start", headers=ADMIN)
        assert (answer.status_code, answer.json()["state"]) == (200, state)
        await Working(desk).work(asyncio.Event())


class Overtaken(ImportDesk):
    """A desk that finds an import as it was before somebody else began it."""

    async def find(self, import_id: str) -> TableImport:
        one = await super().find(import_id)
        if one.state == "checked":
            await ImportDesk(self.tools).start(import_id)
        return one


async def test_two_who_begin_one_import_at_once_have_begun_it_and_nobody_ends_it(
    ingest: RunningIngest,
) -> None:
    desk = desk_of(ingest)
    one = await desk.find(await upload(ingest, start="true"))
    await Working(Overtaken(desk.tools)).work(asyncio.Event())
    assert (await desk.find(one.id)).state == "done"


async def test_i8_a_row_of_another_table_is_not_taken_for_one_that_was_appended_and_never_noted(
    ingest: RunningIngest,
) -> None:
    desk = desk_of(ingest)

    async def die() -> None:
        raise LogUnavailable

    killed = await begin(desk, cost("1200"), kind="costs", source="ads")
    with pytest.raises(LogUnavailable):
        await watched(desk, die).carry_out(killed, io.BytesIO(cost("1200")), claim="first")
    _, counts = await bring_in(desk, cost("1300"), kind="costs", source="ads")
    assert counts.taken == 1
    await ingest.settle(2)
    assert await amounts(ingest) == [120000, 130000]
    await desk.carry_out(await desk.find(killed.id), io.BytesIO(cost("1200")), claim="second")
    await ingest.settle(3)
    assert await amounts(ingest) == [120000, 130000, 120000]


async def test_i8_of_two_imports_at_once_the_one_that_is_noted_last_is_what_counts(
    ingest: RunningIngest,
) -> None:
    desk = desk_of(ingest)
    done: list[int] = []

    async def bring_the_other_in() -> None:
        if not done:
            done.append((await bring_in(desk, cost("1300"), kind="costs", source="ads"))[1].taken)

    one = await begin(desk, cost("1200"), kind="costs", source="ads")
    slow = watched(desk, bring_the_other_in)
    counts = await slow.carry_out(one, io.BytesIO(cost("1200")), claim="slow")
    assert (counts.taken, counts.rows, done) == (1, 1, [1])
    await ingest.settle(3)
    assert await amounts(ingest) == [120000, 130000, 120000]
    _, again = await bring_in(desk, cost("1200"), kind="costs", source="ads")
    assert (again.taken, again.repeated) == (0, 1)


async def test_i11_a_portion_that_is_asked_for_again_is_the_same_leads(ingest: RunningIngest) -> None:
    desk = desk_of(ingest)
    one, counts = await bring_in(desk, TABLE, mode="history")
    await ingest.settle(counts.taken)

    async def release(count: int, *, key: str = "") -> httpx.Response:
        headers = ADMIN | ({"idempotency-key": key} if key else {})
        return await ingest.client.post(
            f"/v1/imports/{one.id}/release", json={"count": count}, headers=headers
        )

    for times in (1, 2):  # heard in between, so that others are held by then
        assert (await release(2, key="first")).json() == {"released": 2}
        await ingest.settle(9 + 2 * times)
        assert await desk.count_held(one.id) == 7
    reused = await release(3, key="first")
    assert (reused.status_code, reused.json()["code"]) == (422, "command.key_reused")
    for held in (5, 3):
        assert (await release(2)).json() == {"released": 2}
        await ingest.settle(9 + 4 + 7 - held)
        assert await desk.count_held(one.id) == held
    assert (await release(500, key="rest")).json() == {"released": 3}
    await ingest.settle(9 + 4 + 4 + 3)
    assert (await release(500, key="rest")).json() == {"released": 3}
    assert await desk.count_held(one.id) == 0
    assert await ingest.breaches() == {}
