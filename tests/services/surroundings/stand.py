"""A service as it runs, on either log and under a simulated clock, and ways to look at what it did."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from prometheus_client import CollectorRegistry

from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import Instant
from shared.kernel.redacted import Redacted
from shared.log.port import Log, NewRecord, Record, TopicPartition
from shared.postgres.database import Database, Row
from shared.postgres.migrations import migrate
from shared.processor.checks import Finding, measure_progress
from shared.processor.fold import Tripwire
from shared.processor.loop import LoopSettings, Worker
from shared.processor.stage import SharedStage, Stage
from shared.processor.tables import fence
from shared.runtime.blueprint import Blueprint, Resources
from shared.security.secrets import DeploymentSecrets
from shared.telemetry.metrics import ProcessorMetrics
from shared.testing.topics import read_topic
from tests.services.surroundings.logs import PARTITIONS, create_topics, open_log

T = TypeVar("T", bound="ServiceStand")
SETTINGS = LoopSettings(partitions=PARTITIONS)
SECRETS = DeploymentSecrets(identity_key=Redacted(b"k" * 32), pepper=Redacted(b"p" * 32))


class Spoken(Protocol):
    """A record, and where it goes."""

    @property
    def target(self) -> TopicPartition: ...

    @property
    def record(self) -> NewRecord: ...


def resources_of(log: Log, url: str, clock: SimulatedClock, *, config: Path) -> Resources:
    """What a service under test is built from."""
    return Resources(
        log=log,
        clock=clock,
        database_url=url,
        registry=CollectorRegistry(),
        secrets=SECRETS,
        config=config,
        data=config,
        member="api",
        loop=SETTINGS,
    )


class Onlooker:
    """Feeds a service and looks at what it did; begins behind whatever the log holds already."""

    def __init__(self, blueprint: Blueprint, *, log: Log, clock: SimulatedClock) -> None:
        self.blueprint = blueprint
        self.database: Database = blueprint.database
        self.log = log
        self.clock = clock
        self.starts: dict[TopicPartition, int] = {}

    async def begin_here(self) -> None:
        """Start at the ends of the topics: a real broker still holds what earlier tests wrote."""
        admin = await self.log.admin()
        bounds = await admin.bounds({*self.blueprint.topics, *self.blueprint.outputs})
        await admin.stop()
        self.starts = {tp: end for tp, (_, end) in bounds.items()}
        async with self.database.transaction() as transaction:
            positions = {tp: end for tp, end in self.starts.items() if tp.topic in self.blueprint.topics}
            await fence.open_positions(transaction, group=self.blueprint.group, positions=positions)

    async def feed(self, *words: Spoken) -> None:
        """Append records, in this order per partition."""
        batches: dict[TopicPartition, list[NewRecord]] = {}
        for word in words:
            batches.setdefault(word.target, []).append(word.record)
        await self.append(list(batches.items()))

    async def append(self, batches: Sequence[tuple[TopicPartition, Sequence[NewRecord]]]) -> None:
        """Append records as they are."""
        producer = self.log.producer(name="feeder")
        await producer.start()
        try:
            await producer.append(batches)
        finally:
            await producer.stop()

    async def is_calm(self) -> bool:
        """Whether everything is read and published, and no clock is due."""
        progress = await measure_progress(
            self.database, self.log, group=self.blueprint.group, topics=self.blueprint.topics
        )
        is_due = progress.next_due is not None and progress.next_due <= self.clock.now()
        return progress.is_drained and not is_due

    async def records(self, topic: str) -> list[Record]:
        """Everything that was written to a topic since the beginning, by partition and offset."""
        return await read_topic(self.log, topic, starts=self.starts)

    async def value(self, sql: str, *arguments: object) -> Any:
        """One value from the database."""
        async with self.database.connection() as connection:
            return await connection.fetch_value(sql, *arguments)

    async def rows(self, sql: str, *arguments: object) -> Sequence[Row]:
        """Rows from the database."""
        async with self.database.connection() as connection:
            return await connection.fetch(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> int:
        """Change something behind the service's back."""
        async with self.database.connection() as connection:
            return await connection.execute(sql, *arguments)

    async def check(self) -> Sequence[Finding]:
        """Run the audit's checks, all of them."""
        return await self.blueprint.check(True)

    async def breaches(self) -> list[str]:
        """What the audit complains about."""
        return [breach for finding in await self.check() for breach in finding.breaches]


class ServiceStand(Onlooker):
    """A service with workers of its own making, which a test starts and stops as it likes."""

    def __init__(
        self, stage: Stage[Any] | SharedStage, blueprint: Blueprint, *, log: Log, clock: SimulatedClock
    ) -> None:
        super().__init__(blueprint, log=log, clock=clock)
        self.workers: dict[str, tuple[Worker[Any], asyncio.Task[None]]] = {}
        self._worked = stage

    def metrics(self) -> ProcessorMetrics:
        """Metrics that nobody else counts in."""
        return ProcessorMetrics(CollectorRegistry(), service=self.blueprint.name, group=self.blueprint.group)

    async def start_worker(self, name: str = "worker", *, tripwire: Tripwire = lambda _: None) -> None:
        """Let another worker join."""
        worker: Worker[Any] = Worker(
            stage=self._worked,
            log=self.log,
            database=self.database,
            clock=self.clock,
            metrics=self.metrics(),
            member=name,
            settings=SETTINGS,
            tripwire=tripwire,
        )
        self.workers[name] = worker, asyncio.create_task(worker.run())

    async def stop_worker(self, name: str = "worker") -> None:
        """Let a worker finish and leave."""
        worker, task = self.workers.pop(name)
        worker.stop()
        async with asyncio.timeout(30):
            await task

    async def stop(self) -> None:
        """Stop every worker."""
        for name in list(self.workers):
            await self.stop_worker(name)

    async def learn(self, *words: Spoken) -> None:
        """Append records and wait until they have had their effect."""
        await self.feed(*words)
        await self.settle()

    async def pass_to(self, instant: Instant) -> None:
        """Let time pass and wait until every clock that is due has rung."""
        self.clock.advance_to(instant)
        await self.settle()

    async def settle(self, *, within: float = 120.0) -> None:
        """Wait until everything is read and published and no clock is due."""
        calm = 0
        async with asyncio.timeout(within):
            while calm < 2:
                for _, task in self.workers.values():
                    if task.done():
                        task.result()
                calm = calm + 1 if await self.is_calm() else 0
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def open_service_stand(
    kind: str,
    request: pytest.FixtureRequest,
    database_url: str,
    *,
    schema: str,
    scripts: Path,
    make: Callable[[Log], T],
) -> AsyncIterator[T]:
    """Prepare the database, the log and its topics; stop whatever still runs at the end."""
    await migrate(database_url, schema=schema, scripts=scripts)
    async with open_log(kind, request, database_url) as log, contextlib.AsyncExitStack() as stack:
        stand = make(log)
        await create_topics(log, {*stand.blueprint.topics, *stand.blueprint.outputs})
        stack.push_async_callback(stand.blueprint.stop)
        await stand.blueprint.start()
        stack.push_async_callback(stand.stop)
        await stand.begin_here()
        yield stand
