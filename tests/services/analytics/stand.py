"""Analytics as it runs, on either log and under a simulated clock, and ways to look at what it did."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry

from services.analytics.bootstrap import build, build_stage
from services.analytics.metrics import AnalyticsMetrics
from shared.contracts.declarations import DECLARED
from shared.contracts.topics import partition_of
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import MILLISECOND
from shared.kernel.redacted import Redacted
from shared.log.port import Log, NewRecord, TopicPartition
from shared.postgres.database import Database, Row
from shared.processor.checks import measure_progress
from shared.processor.loop import LoopSettings, Worker
from shared.processor.tables import fence
from shared.runtime.blueprint import Blueprint, Resources
from shared.security.secrets import DeploymentSecrets
from shared.telemetry.metrics import ProcessorMetrics
from tests.unit.analytics.telling import CONFIG, START, Told, rulebook

PARTITIONS = 4
_SETTINGS = LoopSettings(partitions=PARTITIONS)


class Stand:
    """One database, one log, some workers; begins behind whatever the log holds already."""

    def __init__(self, log: Log, url: str) -> None:
        self.log = log
        self.clock = SimulatedClock(START)
        self.stage = build_stage(
            rulebook(), partitions=PARTITIONS, metrics=AnalyticsMetrics(CollectorRegistry())
        )
        resources = Resources(
            log=log,
            clock=self.clock,
            database_url=url,
            registry=CollectorRegistry(),
            secrets=DeploymentSecrets(identity_key=Redacted(b"k" * 32), pepper=Redacted(b"p" * 32)),
            config=CONFIG.parent,
            data=CONFIG,
            member="api",
            loop=_SETTINGS,
        )
        self.blueprint: Blueprint = build(resources)
        self.database: Database = self.blueprint.database
        self.workers: dict[str, tuple[Worker[Any], asyncio.Task[None]]] = {}

    async def begin_here(self) -> None:
        """Start at the ends of the topics: a real broker still holds what earlier tests wrote."""
        admin = await self.log.admin()
        bounds = await admin.bounds(self.stage.topics)
        await admin.stop()
        async with self.database.transaction() as transaction:
            positions = {target: end for target, (_, end) in bounds.items()}
            await fence.open_positions(transaction, group=self.stage.group, positions=positions)

    async def start_worker(self, name: str = "worker") -> None:
        """Let another worker join."""
        worker: Worker[Any] = Worker(
            stage=self.stage,
            log=self.log,
            database=self.database,
            clock=self.clock,
            metrics=ProcessorMetrics(CollectorRegistry(), service="analytics", group="analytics"),
            member=name,
            settings=_SETTINGS,
        )
        self.workers[name] = worker, asyncio.create_task(worker.run())

    async def stop(self) -> None:
        """Stop everything."""
        for worker, _ in self.workers.values():
            worker.stop()
        async with asyncio.timeout(30):
            await asyncio.gather(*(task for _, task in self.workers.values()))

    async def feed(self, said: Sequence[Told]) -> None:
        """Append events, in this order per partition."""
        batches: dict[TopicPartition, list[NewRecord]] = {}
        for one in said:
            target = target_of(one)
            record = NewRecord(one.key.encode(), one.value(), [], one.received // MILLISECOND)
            batches.setdefault(target, []).append(record)
        await self.append(list(batches.items()))

    async def append(self, batches: Sequence[tuple[TopicPartition, Sequence[NewRecord]]]) -> None:
        """Append records as they are."""
        producer = self.log.producer(name="feeder")
        await producer.start()
        try:
            await producer.append(batches)
        finally:
            await producer.stop()

    async def learn(self, *said: Told) -> None:
        """Append events and wait until they have had their effect."""
        await self.feed(said)
        await self.settle()

    async def settle(self, *, within: float = 60.0) -> None:
        """Wait until everything is read and published."""
        calm = 0
        async with asyncio.timeout(within):
            while calm < 2:
                for _, task in self.workers.values():
                    if task.done():
                        task.result()
                progress = await measure_progress(
                    self.database, self.log, group=self.stage.group, topics=self.stage.topics
                )
                calm = calm + 1 if progress.is_drained else 0
                await asyncio.sleep(0.02)

    async def rows(self, sql: str, *arguments: object) -> Sequence[Row]:
        """Ask the database."""
        async with self.database.connection() as connection:
            return await connection.fetch(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> int:
        """Change the database behind everybody's back."""
        async with self.database.connection() as connection:
            return await connection.execute(sql, *arguments)


def target_of(said: Told) -> TopicPartition:
    """The partition that an event goes to."""
    topic = DECLARED.of_struct(type(said.event)).topics[0].name
    return TopicPartition(topic, partition_of(said.key, PARTITIONS))
