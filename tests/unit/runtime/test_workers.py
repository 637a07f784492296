"""A processor's worker inside a process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from shared.kernel.errors import Unavailable
from shared.runtime.workers import worker_activity, worker_check


@dataclass
class FakeStanding:
    beat: float = 0.0
    waits_for: str | None = None


@dataclass
class FakeWorker:
    standing: FakeStanding = field(default_factory=FakeStanding)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        await self.stopping.wait()

    def stop(self) -> None:
        self.stopping.set()


class TestAWorker:
    async def test_runs_until_it_is_told_to_stop_and_tells_its_beat(self) -> None:
        worker = FakeWorker()
        activity = worker_activity("scoring.facts", worker)
        running = asyncio.create_task(activity.run())
        worker.standing.beat = 17.0
        assert activity.beat is not None
        assert activity.beat() == 17.0
        activity.stop()
        await asyncio.wait_for(running, 60)

    async def test_is_ready_unless_it_waits_for_something_and_says_for_what(self) -> None:
        worker = FakeWorker()
        check = worker_check("scoring.facts", worker)
        await check()
        worker.standing.waits_for = "log.topics"
        with pytest.raises(Unavailable) as caught:
            await check()
        assert caught.value.reason == "log.topics"
