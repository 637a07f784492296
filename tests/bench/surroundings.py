"""A real Kafka and a real PostgreSQL with durable settings, and what the contenders share of them."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from leadmill.embedded import EmbeddedPostgres
from shared.log.kafka.log import KafkaLog
from shared.log.port import TopicLayout, TopicPartition
from shared.postgres.database import Database
from shared.postgres.migrations import migrate
from shared.processor.tables import fence
from shared.testing.kafka_broker import JavaBroker, find_kafka

PARTITIONS: Final = 12
_DURABLE: Final = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Where the servers are, and their process ids where they run on this machine."""

    kafka: str
    postgres: str
    kafka_pid: int | None
    postgres_pid: int

    @property
    def log(self) -> KafkaLog:
        """The log behind its port."""
        return KafkaLog(self.kafka)


@contextlib.contextmanager
def start_servers() -> Iterator[Servers]:
    """Start both and stop them again, whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="leadmill-bench-"))
    folder.chmod(0o755)
    try:
        with (
            find_kafka(disposable=True, measured=True) as broker,
            EmbeddedPostgres(folder / "pg") as postgres,
        ):
            yield Servers(
                kafka=broker.address,
                postgres=postgres.url,
                kafka_pid=broker.pid if isinstance(broker, JavaBroker) else None,
                postgres_pid=postgres.pid,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def open_fresh(
    servers: Servers, schema: str, *, ddl: str = "", migrations: Path | None = None
) -> AsyncIterator[Database]:
    """Yield a database with a schema made anew, after a checkpoint, so that every run begins alike.

    :raises AssertionError: if the server would not survive a power cut.
    """
    database = Database(servers.postgres, schema=schema, application="bench")
    await database.start()
    try:
        async with database.connection() as connection:
            for name in _DURABLE:
                assert await connection.fetch_value(f"SHOW {name}") == "on"
            await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            if ddl:
                await connection.execute(f"CREATE SCHEMA {schema}")
                await connection.execute(ddl)
                await connection.execute(f"SET search_path = {schema}")
        if migrations is not None:
            await migrate(servers.postgres, schema=schema, scripts=migrations)
        async with database.connection() as connection:
            await connection.execute("CHECKPOINT")
        yield database
    finally:
        await database.stop()


async def create_topics(servers: Servers, layouts: Collection[TopicLayout]) -> None:
    """Create topics; those that are there stay."""
    admin = await servers.log.admin()
    try:
        await admin.create(list(layouts))
    finally:
        await admin.stop()


async def ends_of(servers: Servers, topics: Collection[str]) -> dict[TopicPartition, int]:
    """Return the next offset of every partition of these topics."""
    admin = await servers.log.admin()
    try:
        return {target: end for target, (_, end) in (await admin.bounds(topics)).items()}
    finally:
        await admin.stop()


async def begin_at(database: Database, group: str, positions: Mapping[TopicPartition, int]) -> None:
    """Store where a group starts."""
    async with database.transaction() as transaction:
        await fence.open_positions(transaction, group=group, positions=positions)


async def read_back(
    servers: Servers, begin: Mapping[TopicPartition, int], end: Mapping[TopicPartition, int]
) -> AsyncIterator[Any]:
    """Yield what lies between two sets of offsets, each partition in order."""
    left = {target for target, at in end.items() if at > begin.get(target, 0)}
    consumer = AIOKafkaConsumer(bootstrap_servers=servers.kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([KafkaPartition(*target) for target in left])
        for target in left:
            consumer.seek(KafkaPartition(*target), begin.get(target, 0))
        while left:
            fetched = await consumer.getmany(timeout_ms=1000, max_records=20_000)
            assert fetched, f"these partitions end early: {sorted(left)}"
            for part, records in fetched.items():
                target = TopicPartition(part.topic, part.partition)
                for record in records:
                    if record.offset < end[target]:
                        yield record
                if records[-1].offset + 1 >= end[target] and target in left:
                    left.remove(target)
                    consumer.pause(part)
    finally:
        await consumer.stop()
