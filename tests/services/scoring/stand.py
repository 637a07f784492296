"""Scoring as it runs, on either log and under a simulated clock, and ways to look at what it did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from prometheus_client import CollectorRegistry

from services.scoring.bootstrap import build, build_stage, load_models
from services.scoring.domain.scored_lead import Working
from shared.contracts.declarations import Event
from shared.contracts.envelope import Envelope, decode_envelope, decode_event
from shared.contracts.events.scores import ScoresUpdated
from shared.contracts.events.tier_changes import LeadActivated, TierChanged
from shared.contracts.topics import SCORES, TIER_CHANGES
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import Instant
from shared.kernel.redacted import Redacted
from shared.log.port import Log, NewRecord, Record, TopicPartition
from shared.postgres.database import Database
from shared.processor.checks import measure_progress
from shared.processor.fold import Tripwire
from shared.processor.loop import LoopSettings, Worker
from shared.processor.tables import fence
from shared.runtime.blueprint import Blueprint, Resources
from shared.security.secrets import DeploymentSecrets
from shared.telemetry.metrics import ProcessorMetrics
from tests.services.scoring.deeds import PARTITIONS, Deed, lead_id
from tests.unit.scoring.stories import CONFIG

E = TypeVar("E", bound=Event)
_SETTINGS = LoopSettings(partitions=PARTITIONS)


class Told(NamedTuple):
    """A tier change as it was said: of which model, in short, and whether it restates."""

    model: str
    change: str
    at: Instant
    restated: bool


class Stand:
    """One database, one log, some workers; begins behind whatever the log holds already."""

    def __init__(self, log: Log, url: str, clock: SimulatedClock) -> None:
        self.log = log
        self.clock = clock
        self.models = load_models(CONFIG.parent)
        self.stage = build_stage(self.models, partitions=PARTITIONS)
        resources = Resources(
            log=log,
            clock=clock,
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
        self.workers: dict[str, tuple[Worker[Working], asyncio.Task[None]]] = {}
        self.starts: dict[TopicPartition, int] = {}

    async def begin_here(self) -> None:
        """Start at the ends of the topics: a real broker still holds what earlier tests wrote."""
        admin = await self.log.admin()
        bounds = await admin.bounds({*self.stage.topics, *self.stage.outputs, self.stage.dead_letters})
        await admin.stop()
        self.starts = {tp: end for tp, (_, end) in bounds.items()}
        async with self.database.transaction() as transaction:
            positions = {tp: end for tp, end in self.starts.items() if tp.topic in self.stage.topics}
            await fence.open_positions(transaction, group=self.stage.group, positions=positions)

    async def start_worker(self, name: str = "worker", *, tripwire: Tripwire = lambda _: None) -> None:
        """Let another worker join."""
        worker: Worker[Working] = Worker(
            stage=self.stage,
            log=self.log,
            database=self.database,
            clock=self.clock,
            metrics=ProcessorMetrics(CollectorRegistry(), service="scoring", group="scoring"),
            member=name,
            settings=_SETTINGS,
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
        """Stop everything."""
        for name in list(self.workers):
            await self.stop_worker(name)

    async def feed(self, *deeds: Deed) -> None:
        """Append what happened, in this order per partition."""
        batches: dict[TopicPartition, list[NewRecord]] = {}
        for deed in deeds:
            batches.setdefault(deed.target, []).append(deed.record)
        await self.append(list(batches.items()))

    async def append(self, batches: Sequence[tuple[TopicPartition, Sequence[NewRecord]]]) -> None:
        """Append records as they are."""
        producer = self.log.producer(name="feeder")
        await producer.start()
        try:
            await producer.append(batches)
        finally:
            await producer.stop()

    async def learn(self, *deeds: Deed) -> None:
        """Append what happened and wait until it has had its effect."""
        await self.feed(*deeds)
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

    async def said(self, topic: str, event: type[E]) -> list[tuple[Envelope, E]]:
        """The events of one kind on a topic, each with its envelope."""
        found = []
        for record in await self.records(topic):
            if record.value is not None:
                envelope = decode_envelope(record.value)
                data = decode_event(envelope)
                if isinstance(data, event):
                    found.append((envelope, data))
        return found

    async def changes_of(self, who: str, *, model: str = "five_step") -> list[Told]:
        """The tier changes that were said of one lead in one model, in order."""
        return [
            Told(
                data.model,
                f"{data.from_tier} > {data.to_tier}",
                envelope.occurred,
                data.restated,
            )
            for envelope, data in await self.said(TIER_CHANGES.name, TierChanged)
            if data.lead == lead_id(who) and data.model == model
        ]

    async def activations_of(self, who: str) -> list[LeadActivated]:
        """The activations that were said of one lead, in order."""
        said = await self.said(TIER_CHANGES.name, LeadActivated)
        return [data for _, data in said if data.lead == lead_id(who)]

    async def latest_scores(self) -> dict[str, ScoresUpdated]:
        """The last record per lead of the compacted topic, as whoever reads it now would see it."""
        latest: dict[str, ScoresUpdated] = {}
        for record in await self.records(SCORES.name):
            if record.value is None:
                latest.pop((record.key or b"").decode(), None)
                continue
            data = decode_event(decode_envelope(record.value))
            assert isinstance(data, ScoresUpdated)
            assert data.lead not in latest or latest[data.lead].version <= data.version
            latest[data.lead] = data
        return latest

    async def value(self, sql: str, *arguments: object) -> object:
        """One value from the database."""
        async with self.database.connection() as connection:
            return await connection.fetch_value(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> int:
        """Change something behind scoring's back."""
        async with self.database.connection() as connection:
            return await connection.execute(sql, *arguments)
