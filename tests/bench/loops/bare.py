"""The raw limit: consume, decode, read, decide, write, outbox, publish, delete; nothing else.

It keeps no fence, marks, sequences, versions, timers, dead letters or receipts, belongs to no group,
and loses or doubles what it works on when it dies. Same client, same batch, same statements where
there is a choice, same pipelining of the publish. What is particular to a service is a :class:`Work`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as KafkaPartition

from shared.log.port import TopicPartition
from tests.bench.cost import Cost, Meter
from tests.bench.surroundings import Servers

BATCH_RECORDS: Final = 2000

_encode: Final = msgspec.msgpack.Encoder().encode

Said = tuple[bytes, bytes | None, int]
"""Key, value and timestamp in milliseconds of a record to be published."""

Fetched = Mapping[Any, Sequence[Any]]
"""Records as the client hands them out, by partition."""


class Decided(NamedTuple):
    """What a batch comes to: how it is written, and what is said."""

    write: Callable[[Any], Awaitable[None]]
    output: dict[tuple[str, int], list[Said]]


class Work(Protocol):
    """The work of one service, without anything around it."""

    async def decide(self, connection: Any, fetched: Fetched) -> Decided:
        """Decode, read and decide one batch."""
        ...


@dataclass(frozen=True, kw_only=True)
class BareLoop:
    """Runs one work over what lies between ``starts`` and ``events`` records later."""

    servers: Servers
    schema: str
    work: Work
    starts: Mapping[TopicPartition, int]
    events: int

    async def run(self, meter: Meter) -> Cost:
        """Process everything, publish everything, and return what it cost."""
        async with (
            _connect(self.servers, self.schema) as connection,
            _connect(self.servers, self.schema) as beside,
            _consume(self.servers, self.starts) as consumer,
            _produce(self.servers) as producer,
        ):
            publisher = _Publisher(producer, beside)
            meter.start()
            done = chunk = 0
            publishing: asyncio.Task[None] | None = None
            while done < self.events:
                fetched = await consumer.getmany(timeout_ms=50, max_records=BATCH_RECORDS)
                if not fetched:
                    continue
                done += sum(map(len, fetched.values()))
                decided = await self.work.decide(connection, fetched)
                chunk += 1
                async with connection.transaction():
                    await decided.write(connection)
                    await _put_into_outbox(connection, decided.output, chunk)
                if publishing is not None:
                    await publishing
                publishing = asyncio.create_task(publisher.publish(decided.output, chunk))
            if publishing is not None:
                await publishing
            return meter.stop(events=self.events)


async def _put_into_outbox(connection: Any, output: dict[tuple[str, int], list[Said]], chunk: int) -> None:
    targets = sorted(output)
    await connection.execute(
        "INSERT INTO outbox (topic, partition, first_sequence, records, payload)"
        " SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::int[], $5::bytea[])",
        [topic for topic, _ in targets],
        [number for _, number in targets],
        [chunk] * len(targets),
        [len(output[target]) for target in targets],
        [_encode(output[target]) for target in targets],
    )


class _Publisher:
    def __init__(self, producer: Any, connection: Any) -> None:
        self._producer = producer
        self._connection = connection

    async def publish(self, output: dict[tuple[str, int], list[Said]], chunk: int) -> None:
        waiting = []
        for (topic, number), records in output.items():
            builder = self._producer.create_batch()
            for key, value, timestamp in records:
                if builder.append(key=key, value=value, timestamp=timestamp) is None:
                    builder.close()
                    waiting.append(await self._producer.send_batch(builder, topic, partition=number))
                    builder = self._producer.create_batch()
                    builder.append(key=key, value=value, timestamp=timestamp)
            builder.close()
            waiting.append(await self._producer.send_batch(builder, topic, partition=number))
        await asyncio.gather(*waiting)
        async with self._connection.transaction():
            await self._connection.execute("SET LOCAL synchronous_commit = off")
            await self._connection.execute(
                "DELETE FROM outbox o USING unnest($1::text[], $2::int[]) AS p(topic, partition)"
                " WHERE o.topic = p.topic AND o.partition = p.partition AND o.first_sequence = $3",
                [topic for topic, _ in output],
                [number for _, number in output],
                chunk,
            )


@contextlib.asynccontextmanager
async def _connect(servers: Servers, schema: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(servers.postgres, server_settings={"search_path": schema})
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def _consume(servers: Servers, starts: Mapping[TopicPartition, int]) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers.kafka,
        enable_auto_commit=False,
        max_partition_fetch_bytes=1 << 20,
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    try:
        consumer.assign([KafkaPartition(*target) for target in starts])
        for target, start in starts.items():
            consumer.seek(KafkaPartition(*target), start)
        yield consumer
    finally:
        await consumer.stop()


@contextlib.asynccontextmanager
async def _produce(servers: Servers) -> AsyncIterator[Any]:
    producer = AIOKafkaProducer(
        bootstrap_servers=servers.kafka,
        acks="all",
        enable_idempotence=True,
        max_batch_size=1_000_000,
        linger_ms=0,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
