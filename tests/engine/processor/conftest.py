"""A running tally on either log."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from shared.contracts.topics import partition_of
from shared.kernel.clock import Clock
from shared.kernel.instants import Instant
from shared.log.embedded.log import EmbeddedLog
from shared.log.port import Log, NewRecord, Record, TopicPartition
from shared.postgres.database import Database
from shared.processor.loop import LoopSettings, Worker
from shared.processor.stage import SharedStage, Stage
from shared.processor.tables import fence
from shared.processor.transaction import Journal, no_journal
from shared.telemetry.metrics import ProcessorMetrics
from shared.testing.topics import read_topic
from tests.engine.tally import ALL, COUNTED, DDL, PARTITIONS, TOTALS, TallyStage, counted, layouts


class WallClock:
    """The machine's clock."""

    def now(self) -> Instant:
        return time.time_ns() // 1000


@dataclass
class Bench:
    """Everything around one or more workers: the log, the database, what to feed and to read."""

    log: Log
    url: str
    database: Database
    clock: Clock = field(default_factory=WallClock)
    workers: list[Worker[Any]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    numbers: int = 0
    starts: dict[TopicPartition, int] = field(default_factory=dict)

    async def begin_here(self) -> None:
        """Start at the ends of the topics: a real broker still holds what earlier tests wrote."""
        admin = await self.log.admin()
        bounds = await admin.bounds([topic.name for topic in ALL])
        await admin.stop()
        self.starts = {tp: end for tp, (_, end) in bounds.items()}
        async with self.database.transaction() as transaction:
            await fence.open_positions(transaction, group="tally", positions=self.starts)

    async def start_worker(
        self,
        stage: Stage[Any] | SharedStage | None = None,
        *,
        settings: LoopSettings | None = None,
        journal: Journal = no_journal,
    ) -> Worker[Any]:
        worker: Worker[Any] = Worker(
            stage=stage or TallyStage(),
            log=self.log,
            database=self.database,
            clock=self.clock,
            metrics=ProcessorMetrics(CollectorRegistry(), service="tally", group="tally"),
            member=f"worker-{len(self.workers)}",
            settings=settings or LoopSettings(partitions=PARTITIONS),
            journal=journal,
        )
        self.workers.append(worker)
        self.tasks.append(asyncio.create_task(worker.run()))
        return worker

    async def feed(self, amounts: Sequence[tuple[str, int]], *, received: Instant | None = None) -> None:
        at = self.clock.now() if received is None else received
        batches: dict[TopicPartition, list[NewRecord]] = {}
        for key, amount in amounts:
            self.numbers += 1
            target = TopicPartition(COUNTED.name, partition_of(key, PARTITIONS))
            batches.setdefault(target, []).append(counted(key, amount, number=self.numbers, received=at))
        await self.append(batches)

    async def append(self, batches: dict[TopicPartition, list[NewRecord]]) -> None:
        producer = self.log.producer(name="feeder")
        await producer.start()
        try:
            await producer.append(list(batches.items()))
        finally:
            await producer.stop()

    async def records(self, topic: str = TOTALS.name) -> list[Record]:
        """Everything that a topic holds now, by partition and offset."""
        return await read_topic(self.log, topic, starts=self.starts)

    async def value(self, sql: str, *arguments: object) -> object:
        async with self.database.connection() as connection:
            return await connection.fetch_value(sql, *arguments)

    async def execute(self, sql: str) -> None:
        async with self.database.connection() as connection:
            await connection.execute(sql)

    async def until(self, holds: Callable[[], Awaitable[bool]], *, within: float = 90.0) -> None:
        async with asyncio.timeout(within):
            while not await holds():
                for task in self.tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.02)

    async def until_counted(self, count: int, *, within: float = 90.0) -> None:
        async def is_counted() -> bool:
            total = await self.value(
                "SELECT (SELECT coalesce(sum(next), 0) FROM sequence WHERE topic = $1)"
                " - (SELECT count(*) FROM sequence WHERE topic = $1)",
                TOTALS.name,
            )
            waiting = await self.value("SELECT count(*) FROM outbox")
            return total == count and waiting == 0

        await self.until(is_counted, within=within)

    async def stop(self) -> None:
        for worker in self.workers:
            worker.stop()
        async with asyncio.timeout(30):
            await asyncio.gather(*self.tasks)
        self.workers.clear()
        self.tasks.clear()


@contextlib.asynccontextmanager
async def open_bench(kind: str, request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Bench]:
    """Prepare a database with tally's tables and a log with tally's topics."""
    admin_database = Database(database_url, schema="public", application="prepare")
    await admin_database.start()
    async with admin_database.connection() as connection:
        await connection.execute(DDL)
        await connection.execute("CREATE SCHEMA IF NOT EXISTS log")
    await admin_database.stop()
    database = Database(database_url, schema="tally", application="tally")
    await database.start()
    log_database: Database | None = None
    log: Log
    if kind == "embedded":
        log_database = Database(database_url, schema="log", application="log")
        await log_database.start()
        embedded = EmbeddedLog(log_database, lease=3.0)
        await embedded.prepare()
        log = embedded
    else:
        from shared.log.kafka.log import KafkaLog

        broker = request.getfixturevalue("kafka_broker")
        log = KafkaLog(broker.address, session_timeout=6.0)
    bench = Bench(log=log, url=database_url, database=database)
    admin = await log.admin()
    await admin.create(layouts())
    await admin.stop()
    await bench.begin_here()
    try:
        yield bench
    finally:
        if bench.tasks:
            await bench.stop()
        await database.stop()
        if log_database is not None:
            await log_database.stop()


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def bench(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Bench]:
    """Tally's surroundings on each log in turn."""
    async with open_bench(request.param, request, database_url) as opened:
        yield opened
