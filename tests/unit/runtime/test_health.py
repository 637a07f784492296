"""How a process is."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta

import pytest

from shared.kernel.errors import Unavailable
from shared.kernel.instants import SECOND
from shared.runtime.clock import SystemClock
from shared.runtime.health import Health
from shared.runtime.loop_watch import LoopWatch
from shared.runtime.service import Activity, Service
from shared.runtime.tasks import describe_tasks


@pytest.fixture
def health() -> Health:
    return Health(version="0.1.0", revision="abc", settings={"LEADMILL_PORT": "8080"})


def watched(beat: float, *, patience: float = 10.0) -> Activity:
    async def run() -> None:
        return

    return Activity(
        name="loop", run=run, stop=lambda: None, beat=lambda: beat, patience=timedelta(seconds=patience)
    )


class TestLiving:
    async def test_means_that_every_loop_has_turned_lately(self, health: Health) -> None:
        now = asyncio.get_running_loop().time()
        health.watch(watched(now - 1))
        assert [result.ok for result in health.live()] == [True]
        health.watch(watched(now - 11))
        stuck = health.live()[1]
        assert (stuck.ok, stuck.code, stuck.detail) == (False, "process.stuck", "has not turned for 11 s")

    async def test_is_not_doubted_before_a_loop_has_begun(self, health: Health) -> None:
        health.watch(watched(0.0))
        assert [result.ok for result in health.live()] == [True]

    async def test_asks_no_dependency(self, health: Health) -> None:
        async def away() -> None:
            raise Unavailable("away")

        health.add_check("database", away)
        assert health.live() == []


class TestReadiness:
    async def test_begins_when_the_process_has_started_and_ends_when_it_stops(self, health: Health) -> None:
        assert [(result.ok, result.code) for result in await health.ready()] == [(False, "process.starting")]
        health.start()
        assert [(result.ok, result.code) for result in await health.ready()] == [(True, "")]
        health.stop()
        assert [(result.ok, result.code) for result in await health.ready()] == [(False, "process.stopping")]

    async def test_says_of_each_check_why_it_is_not_well(self, health: Health) -> None:
        async def well() -> None:
            return

        async def away() -> None:
            raise Unavailable("start the database", code="database.unavailable")

        async def broken() -> None:
            raise KeyError("zhang.wei@fixture.example")

        health.start()
        health.add_service(Service(name="ingest", checks={"well": well, "database": away}))
        health.add_check("broken", broken)
        _, *results = await health.ready()
        assert [(result.name, result.ok, result.code, result.detail) for result in results] == [
            ("ingest.well", True, "", ""),
            ("ingest.database", False, "database.unavailable", "start the database"),
            ("broken", False, "internal.bug", "KeyError"),
        ]

    async def test_does_not_wait_for_a_check_that_hangs(
        self, health: Health, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.runtime.health._CHECK_TIMEOUT", timedelta(milliseconds=10))

        async def hang() -> None:
            await asyncio.sleep(60)

        health.add_check("slow", hang)
        assert (await health.ready())[1].code == "process.check_timeout"


def test_info_tells_what_runs(health: Health) -> None:
    health.add_service(Service(name="ingest"))
    info = health.info()
    assert (info["services"], info["version"], info["revision"]) == (["ingest"], "0.1.0", "abc")
    assert info["settings"] == {"LEADMILL_PORT": "8080"}


class TestALoopThatIsBlocked:
    async def test_is_noticed_once_with_the_place_where_it_stands(self) -> None:
        stacks: list[list[str]] = []
        noticed = threading.Event()
        now, looks = 0.0, 0

        def tell_time() -> float:
            nonlocal looks
            looks += 1
            return now

        def note(stack: list[str]) -> None:
            stacks.append(stack)
            noticed.set()

        def block_for_a_while() -> None:
            nonlocal now
            now += 31
            assert noticed.wait(60)
            until_looked_again()

        def until_looked_again() -> None:
            seen = looks
            while looks < seen + 3:
                time.sleep(0.001)

        with LoopWatch(interval=timedelta(milliseconds=1), on_blocked=note, now=tell_time):
            while looks < 10:
                await asyncio.sleep(0.001)
            assert stacks == []
            block_for_a_while()
            seen = looks
            while looks < seen + 10:
                await asyncio.sleep(0.001)
        assert len(stacks) == 1
        assert any("block_for_a_while" in frame for frame in stacks[0])


async def test_tasks_are_described_down_to_where_they_wait() -> None:
    async def wait_inside() -> None:
        await asyncio.sleep(60)

    async def wait() -> None:
        await wait_inside()

    task = asyncio.create_task(wait(), name="waiter")
    await asyncio.sleep(0)
    frames = describe_tasks()["waiter"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [frame.rpartition(" ")[2].rpartition(".")[2] for frame in frames] == [
        "wait",
        "wait_inside",
        "sleep",
    ]


def test_the_system_clock_tells_microseconds_of_now() -> None:
    assert abs(SystemClock().now() - time.time_ns() // 1_000) < SECOND
