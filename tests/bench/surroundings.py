"""A real Kafka, a real PostgreSQL with durable settings, and a topic full of events to count."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from leadmill.embedded import EmbeddedPostgres
from shared.contracts.topics import partition_of
from shared.kernel.instants import Instant, parse_instant
from shared.log.kafka.log import KafkaLog
from shared.log.port import NewRecord, TopicPartition
from shared.postgres.database import Database
from shared.processor.tables import fence
from shared.testing.kafka_broker import find_kafka
from tests.engine.tally import ALL, COUNTED, DDL, counted, layouts

PARTITIONS = 12
RECEIVED: Instant = parse_instant("2026-03-02T09:00:00Z")


@dataclass(frozen=True)
class Servers:
    """Where the servers are."""

    kafka: str
    postgres: str


@contextlib.contextmanager
def start_servers() -> Iterator[Servers]:
    """Start both and stop them again, whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="leadmill-bench-"))
    folder.chmod(0o755)
    try:
        with find_kafka() as broker, EmbeddedPostgres(folder / "pg") as postgres:
            yield Servers(broker.address, postgres.url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def tally_database(url: str) -> AsyncIterator[Database]:
    """Yield a database with fresh tally tables."""
    database = Database(url, schema="tally", application="bench")
    await database.start()
    try:
        async with database.connection() as connection:
            await connection.execute("DROP SCHEMA IF EXISTS tally CASCADE")
            await connection.execute(DDL)
            await connection.execute("SET search_path = tally")
        yield database
    finally:
        await database.stop()


async def fill(log: KafkaLog, *, events: int, keys: int) -> None:
    """Append ``events`` events over ``keys`` keys, one microsecond apart."""
    admin = await log.admin()
    await admin.create(layouts(PARTITIONS))
    await admin.stop()
    producer = log.producer(name="fill")
    await producer.start()
    names = [f"{n:032x}" for n in range(keys)]
    homes = [partition_of(name, PARTITIONS) for name in names]
    for begin in range(0, events, 20_000):
        batches: dict[TopicPartition, list[NewRecord]] = {}
        for number in range(begin, min(begin + 20_000, events)):
            index = number * 7919 % keys
            target = TopicPartition(COUNTED.name, homes[index])
            record = counted(names[index], number % 7 + 1, number=number, received=RECEIVED + number)
            batches.setdefault(target, []).append(record)
        await producer.append(list(batches.items()))
    await producer.stop()


async def end_of(log: KafkaLog) -> dict[TopicPartition, int]:
    """Return where every topic of tally ends now."""
    admin = await log.admin()
    bounds = await admin.bounds([topic.name for topic in ALL])
    await admin.stop()
    return {tp: end for tp, (_, end) in bounds.items()}


async def begin_at(database: Database, positions: dict[TopicPartition, int]) -> None:
    """Store where the group starts."""
    async with database.transaction() as transaction:
        await fence.open_positions(transaction, group="tally", positions=positions)
