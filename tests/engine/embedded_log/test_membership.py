"""Leases: who keeps partitions, who loses them, and what is told to whom."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from shared.log.embedded import EmbeddedLog
from shared.log.port import LogUnavailable, TopicPartition
from tests.engine.embedded_log.conftest import LEASE, OpenLog
from tests.engine.embedded_log.seats import Seat, create, record

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def a_member_process(url: str, topic: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.engine.embedded_log.stoppable_member",
        url,
        topic,
        str(LEASE),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        process.kill()
        await process.communicate()


async def next_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(10):
        return (await process.stdout.readline()).decode().strip()


class TestAProcess:
    async def test_that_is_stopped_loses_its_partitions_and_hands_out_nothing_when_it_comes_back(
        self, open_log: OpenLog, database_url: str
    ) -> None:
        log = await open_log()
        await create(log, "a", 4)
        async with a_member_process(database_url, "a") as process:
            assert await next_line(process) == "assigned 4"
            seat = await Seat(log, "a").join()
            assert await next_line(process) == "revoked 4"
            assert await next_line(process) == "assigned 2"
            await seat.until(lambda: len(seat.held) == 2)
            os.kill(process.pid, signal.SIGSTOP)
            await seat.until(lambda: len(seat.held) == 4)
            await log.producer(name="p").append(
                [(TopicPartition("a", number), [record(str(number))]) for number in range(4)]
            )
            assert len(await seat.read(4)) == 4
            os.kill(process.pid, signal.SIGCONT)
            assert await next_line(process) == "revoked 2"
            assert await next_line(process) == "assigned 2"
            await seat.until(lambda: len(seat.held) == 2)
        await seat.until(lambda: len(seat.held) == 4)
        assert seat.history == ["assigned", "revoked"] * 3 + ["assigned"]
        await seat.consumer.stop()

    async def test_that_is_killed_is_replaced_once_its_lease_has_run_out(
        self, open_log: OpenLog, database_url: str
    ) -> None:
        log = await open_log()
        await create(log, "a", 2)
        async with a_member_process(database_url, "a") as process:
            assert await next_line(process) == "assigned 2"
        killed_at = asyncio.get_running_loop().time()
        seat = await Seat(log, "a", member="stoppable").join()
        await seat.until(lambda: len(seat.held) == 2)
        waited = asyncio.get_running_loop().time() - killed_at
        await seat.consumer.stop()
        assert waited > LEASE / 3


class TestAMember:
    async def test_keeps_its_partitions_while_its_owner_is_busy(self, log: EmbeddedLog) -> None:
        await create(log, "a", 2)
        busy, other = await Seat(log, "a", member="1").join(), Seat(log, "a", member="2")
        await busy.until(lambda: len(busy.held) == 2)
        await asyncio.sleep(2 * LEASE)
        await other.join()
        await other.until(lambda: len(other.held) == 1)
        assert busy.history == ["assigned", "revoked", "assigned"]
        for seat in (busy, other):
            await seat.consumer.stop()

    async def test_gives_them_up_if_its_owner_no_longer_fetches_and_gets_them_back_when_it_does(
        self, log: EmbeddedLog
    ) -> None:
        impatient = EmbeddedLog(log._database, lease=LEASE, idle_limit=LEASE)
        await create(log, "a", 2)
        idle, other = await Seat(impatient, "a", member="1").join(), await Seat(log, "a", member="2").join()
        await idle.until(lambda: len(idle.held) == 1)
        await other.until(lambda: len(other.held) == 2)
        assert idle.held == frozenset()
        await idle.until(lambda: bool(idle.held))
        await other.until(lambda: len(other.held) == 1)
        for seat in (idle, other):
            await seat.consumer.stop()

    async def test_that_does_not_let_go_in_time_is_cut_short(self, log: EmbeddedLog) -> None:
        await create(log, "a", 2)
        slow, other = Seat(log, "a", member="1"), Seat(log, "a", member="2")
        was_cut = asyncio.Event()

        async def on_revoked(partitions: frozenset[TopicPartition]) -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                was_cut.set()
                raise

        await slow.consumer.start(on_assigned=slow.on_assigned, on_revoked=on_revoked)
        await slow.until(lambda: bool(slow.held))
        await other.join()
        await other.until(lambda: len(other.held) == 1)
        assert was_cut.is_set()
        for seat in (slow, other):
            await seat.consumer.stop()

    @pytest.mark.parametrize(
        "error", [ValueError("broken"), LogUnavailable("not the log, its owner"), TimeoutError()]
    )
    async def test_whose_callback_fails_says_so_at_its_next_fetch(
        self, log: EmbeddedLog, error: Exception
    ) -> None:
        await create(log, "a")
        seat = Seat(log, "a")

        async def on_assigned(partitions: frozenset[TopicPartition]) -> None:
            raise error

        await seat.consumer.start(on_assigned=on_assigned, on_revoked=seat.on_revoked)
        with pytest.raises(type(error)) as raised:
            await seat.until(lambda: False)
        assert raised.value is error
        with pytest.raises(type(error)):
            await seat.consumer.stop()

    async def test_is_one_of_its_own_even_under_the_same_name(self, log: EmbeddedLog) -> None:
        await create(log, "a", 2)
        seats = [await Seat(log, "a", member="same").join() for _ in range(2)]
        for seat in seats:
            await seat.until(lambda seat=seat: len(seat.held) == 1)  # type: ignore[misc]
        for seat in seats:
            await seat.consumer.stop()

    async def test_stops_without_being_called_back(self, log: EmbeddedLog) -> None:
        await create(log, "a")
        seat = await Seat(log, "a").join()
        await seat.until(lambda: bool(seat.held))
        await seat.consumer.stop()
        assert seat.history == ["assigned"]

    async def test_waits_for_a_topic_that_is_created_later_also_by_another_process(
        self, open_log: OpenLog
    ) -> None:
        here, there = await open_log(), await open_log()
        seat = await Seat(here, "late").join()
        assert await seat.fetch() == []
        await create(there, "late", 3)
        await seat.until(lambda: len(seat.held) == 3)
        await seat.consumer.stop()


class TestAnOutageOfTheDatabase:
    async def test_is_raised_while_it_lasts_and_costs_nobody_his_partitions(
        self, open_log: OpenLog, postgres_url: str, database_url: str
    ) -> None:
        logs = [await open_log(), await open_log()]
        await create(logs[0], "a", 2)
        seats = [await Seat(log, "a", member=str(n)).join() for n, log in enumerate(logs)]
        for seat in seats:
            await seat.until(lambda seat=seat: len(seat.held) == 1)  # type: ignore[misc]
        before = [list(seat.history) for seat in seats]
        async with an_outage(postgres_url, database_url):
            for seat in seats:
                with pytest.raises(LogUnavailable):
                    await seat.until(lambda: False)
            await asyncio.sleep(1.5 * LEASE)
            for seat in seats:
                with pytest.raises(LogUnavailable):
                    await seat.fetch()
        await asyncio.sleep(LEASE)
        await logs[0].producer(name="p").append([(TopicPartition("a", n), [record("1")]) for n in range(2)])
        for seat in seats:
            assert len(await seat.read(1)) == 1
        assert [seat.history for seat in seats] == before
        for seat in seats:
            await seat.consumer.stop()

    async def test_does_not_keep_a_consumer_from_stopping(
        self, log: EmbeddedLog, postgres_url: str, database_url: str
    ) -> None:
        await create(log, "a")
        seat = await Seat(log, "a").join()
        await seat.until(lambda: bool(seat.held))
        async with an_outage(postgres_url, database_url), asyncio.timeout(90):
            await seat.consumer.stop()


@asynccontextmanager
async def an_outage(postgres_url: str, database_url: str) -> AsyncIterator[None]:
    """While this lasts, the database throws everybody out."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    admin = await asyncpg.connect(postgres_url)
    try:
        await admin.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        yield
    finally:
        await admin.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
        await admin.close()
