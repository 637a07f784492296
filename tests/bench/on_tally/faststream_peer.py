"""A peer: the same counting, with the same guarantee, as a FastStream batch consumer.

FastStream 0.7 joins the group, fetches batches, decodes, calls the handler and publishes. What it does
not have, the handler does: one PostgreSQL transaction per batch with the offsets read under lock (what
was processed is dropped, so a redelivery, a rebalance and a zombie change nothing), the states, and an
outbox; then everything is published and its outbox row deleted. Ids are deterministic, so a record that
is published twice after a crash can be told, as ours can.

Two variants, tuned alike where they can be: batches of 2000, 1 MiB per partition and fetch, an
idempotent producer, the records of a partition published as one batch, asyncpg with arrays.

- :data:`DOCUMENTED`: as its documentation shows it. The handler takes a list of pydantic models, and
  publishes before it returns.
- :data:`STRIPPED`: FastStream decodes and validates nothing. The handler takes bytes, reads them with
  msgspec as we do, and a task beside it publishes while the next batch is worked on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any, Final

import asyncpg
import msgspec
from aiokafka import ConsumerRebalanceListener
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage, KafkaPublishMessage
from pydantic import BaseModel

from shared.kernel.instants import from_datetime
from tests.bench.cost import Cost, Meter
from tests.bench.loops.bare import BATCH_RECORDS, Decided, Said
from tests.bench.on_tally.bare import ToCount, count_all, read_counted
from tests.bench.on_tally.workload import TallyWorkload
from tests.bench.rounds import Contender
from tests.bench.surroundings import open_fresh
from tests.engine.tally import COUNTED, DDL

DOCUMENTED = "FastStream, as documented"
STRIPPED = "FastStream, stripped to its loop"

_TABLES: Final = """
CREATE TABLE peer_offset (topic text, partition int, next bigint NOT NULL, PRIMARY KEY (topic, partition));
CREATE TABLE peer_outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload bytea NOT NULL);
"""
_RECORDS_PER_BATCH: Final = 1000
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[tuple[tuple[str, int], list[Said]]]).decode


class CountedData(BaseModel):
    """What is to be counted."""

    key: str
    amount: int


class CountedEvent(BaseModel):
    """The envelope, as far as it is used."""

    id: str
    recordedtime: datetime
    correlationid: str
    data: CountedData


def peer_contenders(workload: TallyWorkload) -> list[Contender]:
    """Return both variants."""
    groups = count(1)
    return [
        Contender(name=DOCUMENTED, run=partial(_run, workload, groups, is_stripped=False)),
        Contender(name=STRIPPED, run=partial(_run, workload, groups, is_stripped=True)),
    ]


async def _run(workload: TallyWorkload, groups: Iterator[int], meter: Meter, *, is_stripped: bool) -> Cost:
    before = await workload.ends()
    async with (
        open_fresh(workload.servers, "tally", ddl=DDL + _TABLES) as database,
        asyncpg.create_pool(
            workload.servers.postgres, min_size=2, max_size=2, server_settings={"search_path": "tally"}
        ) as pool,
    ):
        peer = _Peer(workload, pool, meter)
        await peer.prepare()
        cost = await peer.run(group=f"bench-peer-{next(groups)}", is_stripped=is_stripped)
        await workload.verify(database, since=before)
        assert await pool.fetchval("SELECT count(*) FROM peer_outbox") == 0
    return cost


class _Begins(ConsumerRebalanceListener):  # type: ignore[misc]
    """Starts the meter once partitions are assigned, as for the others."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    async def on_partitions_revoked(self, revoked: object) -> None:
        """Do nothing: the offsets in the database stand."""

    async def on_partitions_assigned(self, assigned: object) -> None:
        """Begin to count."""
        self._meter.start()


async def _leave_alone(message: Any) -> Any:
    """Decode nothing."""
    return message.body


class _Peer:
    """The service that a user of FastStream would write."""

    def __init__(self, workload: TallyWorkload, pool: Any, meter: Meter) -> None:
        self._workload = workload
        self._pool = pool
        self._meter = meter
        self._broker = KafkaBroker(
            workload.servers.kafka,
            logger=None,
            acks="all",
            enable_idempotence=True,
            max_batch_size=1_000_000,
            linger_ms=0,
        )
        self._left = workload.events
        self._cost: asyncio.Future[Cost] = asyncio.get_running_loop().create_future()
        self._publishing: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Begin where the workload begins."""
        starts = sorted(self._workload.starts.items())
        await self._pool.execute(
            "INSERT INTO peer_offset SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])",
            [target.topic for target, _ in starts],
            [target.partition for target, _ in starts],
            [start for _, start in starts],
        )

    async def run(self, *, group: str, is_stripped: bool) -> Cost:
        """Consume everything, and return what it cost from the assignment on."""
        subscribe = partial(
            self._broker.subscriber,
            COUNTED.name,
            batch=True,
            group_id=group,
            auto_offset_reset="earliest",
            max_records=BATCH_RECORDS,
            batch_timeout_ms=50,
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=1 << 20,
            ack_policy=AckPolicy.ACK,
            listener=_Begins(self._meter),
        )
        if is_stripped:

            @subscribe(decoder=_leave_alone)
            async def count_bytes(values: list[Any], message: KafkaMessage) -> None:
                with self._told_of_failure():
                    await self._on_bytes(message.raw_message)

        else:

            @subscribe()
            async def count_events(events: list[CountedEvent], message: KafkaMessage) -> None:
                with self._told_of_failure():
                    await self._on_events(message.raw_message, events)

        await self._broker.start()
        try:
            await self._publish_leftovers()
            return await self._cost
        finally:
            await self._broker.stop()

    @contextlib.contextmanager
    def _told_of_failure(self) -> Iterator[None]:
        """FastStream logs what a handler raises and goes on; a benchmark must not."""
        try:
            yield
        except Exception as error:
            if not self._cost.done():
                self._cost.set_exception(error)
            raise

    async def _on_events(self, records: Sequence[Any], events: Sequence[CountedEvent]) -> None:
        following = await self._commit(records, lambda place: _read_model(records[place], events[place]))
        await self._publish(*following)
        self._finish_if_done()

    async def _on_bytes(self, records: Sequence[Any]) -> None:
        following = await self._commit(records, lambda place: _read_bytes(records[place]))
        if self._publishing is not None:
            await self._publishing
        self._publishing = asyncio.create_task(self._publish(*following))
        if not self._left:
            await self._publishing
        self._finish_if_done()

    async def _commit(
        self, records: Sequence[Any], read: Callable[[int], ToCount]
    ) -> tuple[int, Sequence[tuple[tuple[str, int], Sequence[Said]]]]:
        """Offsets, states and outbox in one transaction; what was processed before is dropped."""
        numbers = sorted({record.partition for record in records})
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(
                "SELECT partition, next FROM peer_offset WHERE topic = $1 AND partition = ANY($2::int[])"
                " ORDER BY partition FOR UPDATE",
                COUNTED.name,
                numbers,
            )
            following = {row["partition"]: row["next"] for row in rows}
            fresh = []
            for place, record in enumerate(records):
                if record.offset >= following[record.partition]:
                    following[record.partition] = record.offset + 1
                    fresh.append(read(place))
            decided: Decided = await count_all(connection, fresh)
            await decided.write(connection)
            await connection.execute(
                "UPDATE peer_offset p SET next = u.next FROM unnest($2::int[], $3::bigint[]) AS u(part, next)"
                " WHERE p.topic = $1 AND p.partition = u.part",
                COUNTED.name,
                numbers,
                [following[number] for number in numbers],
            )
            output = list(decided.output.items())
            row = await connection.fetchval(
                "INSERT INTO peer_outbox (payload) VALUES ($1) RETURNING id", _encode(output)
            )
        self._left -= len(fresh)
        return row, output

    async def _publish(self, row: int, output: Sequence[tuple[tuple[str, int], Sequence[Said]]]) -> None:
        waiting: list[Awaitable[Any]] = [
            await self._broker.publish_batch(
                *(KafkaPublishMessage(value, key=key) for key, value, _ in said),
                topic=topic,
                partition=number,
                no_confirm=True,
            )
            for (topic, number), everything in output
            for said in batched(everything)
        ]
        await asyncio.gather(*waiting)
        await self._pool.execute("DELETE FROM peer_outbox WHERE id = $1", row)

    async def _publish_leftovers(self) -> None:
        for row in await self._pool.fetch("SELECT id, payload FROM peer_outbox ORDER BY id"):
            await self._publish(row["id"], _decode(row["payload"]))

    def _finish_if_done(self) -> None:
        if not self._left and not self._cost.done():
            self._cost.set_result(self._meter.stop(events=self._workload.events))


def batched(said: Sequence[Said]) -> Iterator[Sequence[Said]]:
    """Cut into what one batch of a producer holds; ``publish_batch`` fails on more."""
    for start in range(0, len(said), _RECORDS_PER_BATCH):
        yield said[start : start + _RECORDS_PER_BATCH]


def _read_bytes(record: Any) -> ToCount:
    return read_counted(record.partition, record.value)


def _read_model(record: Any, event: CountedEvent) -> ToCount:
    received = from_datetime(event.recordedtime)
    return ToCount(
        record.partition, event.id, event.data.key, event.data.amount, received, event.correlationid
    )
