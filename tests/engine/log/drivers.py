"""What the suite must be able to do to a log that no port offers: shut it off, make it tidy up."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, cast
from urllib.parse import urlsplit

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.log.embedded import EmbeddedLog
from shared.log.embedded.consumer import EmbeddedConsumer
from shared.log.kafka import KafkaLog
from shared.log.kafka.abandonment import abandon
from shared.log.kafka.consumer import KafkaConsumer
from shared.log.port import Consumer, Log, NewRecord, TopicLayout, TopicPartition
from shared.testing.kafka_broker import KafkaBroker

FILLER = b"filler"
"""The key of records that a driver appends to make Kafka close a segment."""

_runs = itertools.count(1)


def now_ms() -> int:
    """Milliseconds since the epoch: retention on Kafka goes by the machine's clock."""
    return int(time.time() * 1000)


class LogDriver(Protocol):
    """One log under test. ``log`` has short time-outs; ``outage_seconds`` is when it admits to be away."""

    log: Log
    outage_seconds: float
    session_seconds: float

    def topic(self, name: str) -> str:
        """Return a name that no other test uses."""
        ...

    async def create(self, layout: TopicLayout) -> None:
        """Create a topic that is tidied within seconds."""
        ...

    async def tidy(self, layout: TopicLayout) -> None:
        """Give retention and compaction a chance; call it until the effect shows."""
        ...

    def outage(self) -> AbstractAsyncContextManager[None]:
        """While this lasts, nobody answers."""
        ...

    async def crash(self, consumer: Consumer) -> None:
        """Let the consumer vanish as a killed process would: it does not leave its group."""
        ...


class _Names:
    def __init__(self) -> None:
        self._run = f"{now_ms() % 100_000_000}-{next(_runs)}"

    def topic(self, name: str) -> str:
        return f"t{self._run}.{name}"


class KafkaDriver(_Names):
    """Drives Apache Kafka; an outage is a broker that was stopped with SIGSTOP."""

    outage_seconds = 2.0
    session_seconds = 6.0

    def __init__(self, broker: KafkaBroker) -> None:
        super().__init__()
        self.broker = broker
        self.kafka = KafkaLog(
            broker.address,
            session_timeout=self.session_seconds,
            metadata_max_age=1.0,
            answer_timeout=self.outage_seconds,
            stop_timeout=2.0,
        )
        self.log: Log = self.kafka

    async def create(self, layout: TopicLayout) -> None:
        settings = {
            "cleanup.policy": "compact" if layout.compacted else "delete",
            "retention.ms": layout.retention_ms or -1,
            "segment.ms": 100,
            "min.cleanable.dirty.ratio": 0.001,
            "max.compaction.lag.ms": 200,
            "delete.retention.ms": 100,
        }
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker.address)
        await admin.start()
        try:
            configs = {name: str(value) for name, value in settings.items()}
            await admin.create_topics([NewTopic(layout.name, layout.partitions, 1, topic_configs=configs)])
        finally:
            await admin.close()
        port = await self.log.admin()
        await port.create([layout])  # it is there already; this waits until it can be used
        await port.stop()

    async def tidy(self, layout: TopicLayout) -> None:
        """Append one record to each partition: only an append closes a segment."""
        await asyncio.sleep(0.3)
        producer = self.log.producer(name="tidy")
        await producer.start()
        filler = NewRecord(FILLER, b"", [], now_ms())
        await producer.append([(TopicPartition(layout.name, n), [filler]) for n in range(layout.partitions)])
        await producer.stop()

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        self.broker.pause()
        try:
            yield
        finally:
            self.broker.resume()

    async def crash(self, consumer: Consumer) -> None:
        membership = cast("KafkaConsumer", consumer)._membership
        assert membership is not None
        await abandon(membership.client)


class EmbeddedDriver(_Names):
    """Drives the log in PostgreSQL; an outage is a database that throws everybody out."""

    outage_seconds = 1.0
    session_seconds = 3.0

    def __init__(self, log: EmbeddedLog, *, database_url: str, postgres_url: str) -> None:
        super().__init__()
        self.embedded = log
        self.log: Log = log
        self._database = urlsplit(database_url).path.lstrip("/")
        self._postgres_url = postgres_url

    async def create(self, layout: TopicLayout) -> None:
        admin = await self.log.admin()
        await admin.create([layout])
        await admin.stop()

    async def tidy(self, layout: TopicLayout) -> None:
        await self.embedded.tidy(now_ms() + 1, tombstones_kept_ms=0)

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        admin = await asyncpg.connect(self._postgres_url)
        try:
            await admin.execute(f"ALTER DATABASE {self._database} WITH ALLOW_CONNECTIONS false")
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", self._database
            )
            yield
        finally:
            await admin.execute(f"ALTER DATABASE {self._database} WITH ALLOW_CONNECTIONS true")
            await admin.close()

    async def crash(self, consumer: Consumer) -> None:
        task = cast("EmbeddedConsumer", consumer)._membership._task
        assert task is not None
        task.cancel()
        await asyncio.wait({task})
