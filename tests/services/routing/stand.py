"""Routing as it runs, on either log and under a simulated clock, and ways to look at what it did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from services.routing.bootstrap import build, build_stage
from services.routing.domain.desk import Desk
from services.routing.store.documents import read_rulebook
from shared.contracts.declarations import Event
from shared.contracts.envelope import Envelope, decode_envelope, decode_event
from shared.contracts.topics import ASSIGNMENTS
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import Instant
from shared.kernel.redacted import Redacted
from shared.log.port import Log, NewRecord, Record, TopicPartition
from shared.postgres.database import Database
from shared.processor.checks import Finding, measure_progress
from shared.processor.commands import Commands, commands_of
from shared.processor.loop import LoopSettings, Worker
from shared.processor.tables import fence
from shared.runtime.blueprint import Blueprint, Resources
from shared.security.secrets import DeploymentSecrets
from shared.telemetry.metrics import ProcessorMetrics
from tests.services.routing.words import PARTITIONS, Word, lead_id
from tests.unit.routing.floor import CONFIG

_SETTINGS = LoopSettings(partitions=PARTITIONS)


class Stand:
    """One database, one log, some workers; begins behind whatever the log holds already."""

    def __init__(self, log: Log, url: str, clock: SimulatedClock, *, config: Path = CONFIG) -> None:
        self.log = log
        self.clock = clock
        self.stage = build_stage(read_rulebook(config), partitions=PARTITIONS)
        self.blueprint: Blueprint = build(
            Resources(
                log=log,
                clock=clock,
                database_url=url,
                registry=CollectorRegistry(),
                secrets=DeploymentSecrets(identity_key=Redacted(b"k" * 32), pepper=Redacted(b"p" * 32)),
                config=config,
                data=config,
                member="api",
                loop=_SETTINGS,
            )
        )
        self.database: Database = self.blueprint.database
        self.commands: Commands[Any] = commands_of(
            self.stage,
            database=self.database,
            clock=clock,
            metrics=self._metrics(),
            partitions=PARTITIONS,
            max_record_bytes=_SETTINGS.max_record_bytes,
        )
        self.workers: dict[str, tuple[Worker[Desk], asyncio.Task[None]]] = {}
        self.starts: dict[TopicPartition, int] = {}
        self._keys = 0

    def _metrics(self) -> ProcessorMetrics:
        return ProcessorMetrics(CollectorRegistry(), service="routing", group="routing")

    async def begin_here(self) -> None:
        """Start at the ends of the topics: a real broker still holds what earlier tests wrote."""
        admin = await self.log.admin()
        bounds = await admin.bounds({*self.stage.topics, *self.stage.outputs, self.stage.dead_letters})
        await admin.stop()
        self.starts = {tp: end for tp, (_, end) in bounds.items()}
        async with self.database.transaction() as transaction:
            positions = {tp: end for tp, end in self.starts.items() if tp.topic in self.stage.topics}
            await fence.open_positions(transaction, group=self.stage.group, positions=positions)

    async def start_worker(self, name: str = "worker") -> None:
        """Let another worker join."""
        worker: Worker[Desk] = Worker(
            stage=self.stage,
            log=self.log,
            database=self.database,
            clock=self.clock,
            metrics=self._metrics(),
            member=name,
            settings=_SETTINGS,
        )
        self.workers[name] = worker, asyncio.create_task(worker.run())

    async def stop_worker(self, name: str = "worker") -> None:
        """Let a worker finish and leave."""
        worker, task = self.workers.pop(name)
        worker.stop()
        async with asyncio.timeout(30):
            await task

    async def stop(self) -> None:
        """Stop everything."""
        for name in list(self.workers):
            await self.stop_worker(name)

    async def feed(self, *words: Word) -> None:
        """Append records, in this order per partition."""
        batches: dict[TopicPartition, list[NewRecord]] = {}
        for word in words:
            batches.setdefault(word.target, []).append(word.record)
        producer = self.log.producer(name="feeder")
        await producer.start()
        try:
            await producer.append(list(batches.items()))
        finally:
            await producer.stop()

    async def learn(self, *words: Word) -> None:
        """Append records and wait until they have had their effect."""
        await self.feed(*words)
        await self.settle()

    async def pass_to(self, instant: Instant) -> None:
        """Let time pass and wait until every clock that is due has rung."""
        self.clock.advance_to(instant)
        await self.settle()

    async def settle(self, *, within: float = 60.0) -> None:
        """Wait until everything is read and published and no clock is due."""
        calm = 0
        async with asyncio.timeout(within):
            while calm < 2:
                for _, task in self.workers.values():
                    if task.done():
                        task.result()
                progress = await measure_progress(
                    self.database, self.log, group=self.stage.group, topics=self.stage.topics
                )
                is_due = progress.next_due is not None and progress.next_due <= self.clock.now()
                calm = calm + 1 if progress.is_drained and not is_due else 0
                await asyncio.sleep(0.02)

    async def ask(self, who: str, command: object, *, key: str = "") -> Any:
        """Carry out a command about a lead (or, if nobody bears the name, about a rep) now."""
        self._keys += 1
        return await self.commands.run(
            key=who if who.startswith("rep-") else lead_id(who),
            command=command,
            received=self.clock.now(),
            idempotency_key=key or f"key-{self._keys}",
        )

    async def records(self, topic: str) -> list[Record]:
        """Everything that was written to a topic since the beginning, by partition and offset."""
        admin = await self.log.admin()
        bounds = await admin.bounds([topic])
        await admin.stop()
        missing = {tp: end for tp, (_, end) in bounds.items() if end > self.starts[tp]}
        found: list[Record] = []
        if missing:
            await self._read(topic, missing, found)
        return sorted(found, key=lambda record: (record.partition, record.offset))

    async def _read(self, topic: str, missing: dict[TopicPartition, int], found: list[Record]) -> None:
        consumer = self.log.consumer(group=f"reader-{time.monotonic_ns()}", topics=[topic], member="reader")

        async def on_assigned(partitions: frozenset[TopicPartition]) -> None:
            consumer.seek({tp: self.starts[tp] for tp in partitions})

        async def on_revoked(partitions: frozenset[TopicPartition]) -> None:
            return None

        await consumer.start(on_assigned=on_assigned, on_revoked=on_revoked)
        try:
            async with asyncio.timeout(30):
                while missing:
                    for tp, records in (await consumer.fetch(max_records=5000, timeout=0.2)).items():
                        found.extend(records)
                        if records and records[-1].offset + 1 >= missing.get(tp, 0):
                            missing.pop(tp, None)
        finally:
            await consumer.stop()

    async def said(self) -> list[tuple[Envelope, Event]]:
        """What routing has said, each event with its envelope, in order per partition."""
        found = []
        for record in await self.records(ASSIGNMENTS.name):
            envelope = decode_envelope(record.value or b"")
            found.append((envelope, decode_event(envelope)))
        return found

    async def events(self, who: str) -> list[str]:
        """The names of what was said of a lead, in order."""
        return [
            type(event).__name__ for envelope, event in await self.said() if envelope.subject == lead_id(who)
        ]

    async def owner(self, who: str) -> Any:
        """Who owns a lead now."""
        return await self.value("SELECT rep FROM lead WHERE id = $1", lead_id(who))

    async def value(self, sql: str, *arguments: object) -> Any:
        """One value from the database."""
        async with self.database.connection() as connection:
            return await connection.fetch_value(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> int:
        """Change something behind routing's back."""
        async with self.database.connection() as connection:
            return await connection.execute(sql, *arguments)

    async def check(self) -> Sequence[Finding]:
        """Run the audit's checks, all of them."""
        return await self.blueprint.check(True)

    async def breaches(self) -> list[str]:
        """What the audit complains about."""
        return [breach for finding in await self.check() for breach in finding.breaches]
