"""Our processor, as a service runs it, over what lies between two sets of offsets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.kernel.clock import Clock
from shared.log.port import TopicPartition
from shared.postgres.database import Database
from shared.processor.loop import LoopSettings, Worker
from shared.processor.stage import SharedStage, Stage
from shared.telemetry.metrics import ProcessorMetrics
from tests.bench.cost import Cost, Meter
from tests.bench.surroundings import PARTITIONS, Servers, begin_at, ends_of

_LOOK_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class ProcessorRun:
    """One worker with all partitions, from ``starts`` to ``goals``.

    A topic of the stage that ``goals`` does not name (one it writes and reads back itself) is read to
    its end. The run is over once everything is committed, published and deleted from the outbox.
    """

    servers: Servers
    stage: Stage[Any] | SharedStage
    clock: Clock
    starts: Mapping[TopicPartition, int]
    goals: Mapping[TopicPartition, int]

    async def run(
        self,
        database: Database,
        meter: Meter,
        *,
        then: Callable[[Database], Awaitable[None]] | None = None,
    ) -> Cost:
        """Process everything, wait for ``then`` too, and return what it cost.

        Joining the group and claiming are not counted, as the bare loop's assignment is not.
        """
        await begin_at(database, self.stage.group, self.starts)
        worker: Worker[Any] = Worker(
            stage=self.stage,
            log=self.servers.log,
            database=database,
            clock=self.clock,
            metrics=ProcessorMetrics(meter.registry, service=self.stage.name, group=self.stage.group),
            member="bench",
            settings=LoopSettings(partitions=PARTITIONS),
        )
        running = asyncio.create_task(worker.run())
        try:
            while not worker.standing.is_claimed:
                await _glance(running, seconds=0.0005)
            meter.start()
            await self._until_reached(worker, running, self.goals)
            await _until_said(database, running)
            rest = [topic for topic in self.stage.topics if all(tp.topic != topic for tp in self.goals)]
            if rest:
                await self._until_reached(worker, running, await ends_of(self.servers, rest))
            if then is not None:
                await then(database)
            await _until_said(database, running)
            cost = meter.stop(events=sum(self.goals.values()) - sum(self.starts[tp] for tp in self.goals))
        finally:
            worker.stop()
            await running
        return cost

    async def _until_reached(
        self, worker: Worker[Any], running: asyncio.Task[None], goals: Mapping[TopicPartition, int]
    ) -> None:
        while True:
            positions = worker._claim.positions
            if all(positions.get(tp, 0) >= goal for tp, goal in goals.items()):
                return
            await _glance(running)


async def _until_said(database: Database, running: asyncio.Task[None]) -> None:
    async with database.connection() as connection:
        while await connection.fetch_value("SELECT EXISTS (SELECT FROM outbox)"):
            await _glance(running)


async def _glance(running: asyncio.Task[None], *, seconds: float = _LOOK_SECONDS) -> None:
    await asyncio.sleep(seconds)
    if running.done():
        running.result()
        raise RuntimeError("the worker ended before its work was done")
