"""Appending record batches to Kafka: idempotent, acknowledged by all in-sync replicas.

Whole batches are handed to aiokafka (``create_batch``, ``send_batch``): four to eight times the rate
of its ``send``. aiokafka keeps one request in flight per broker with one batch per partition in it,
so order holds. A failed batch leaves a hole in the producer's sequence that aiokafka cannot mend;
hence the port's rule that a producer is abandoned after any failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, Literal

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from shared.log.kafka.abandonment import abandon, stop_within
from shared.log.kafka.connection import Connection, answered, milliseconds
from shared.log.port import LogUnavailable, NewRecord, RecordTooLarge, TopicPartition

_BATCH_BYTES: Final = 1_000_000
"""What one batch holds. Kafka's own limit is 1,048,588 bytes after compression."""

Compression = Literal["gzip", "lz4", "snappy", "zstd"]


class KafkaProducer:
    """Keeps the promises of :class:`shared.log.port.Producer`.

    Concurrent calls of :meth:`append` wait for each other.
    """

    def __init__(
        self, connection: Connection, *, name: str, max_record_bytes: int, compression: Compression | None
    ) -> None:
        self._connection = connection
        self._name = name
        self._max_record_bytes = max_record_bytes
        self._compression = compression
        self._turn = asyncio.Lock()
        self._client: Any = None
        self._broken = False

    async def start(self) -> None:
        """Connect and draw a producer id. :raises LogUnavailable: if Kafka does not answer."""
        client = AIOKafkaProducer(
            **self._connection.arguments(client_id=self._name)
            | {"request_timeout_ms": milliseconds(self._connection.answer_timeout)},
            acks="all",
            enable_idempotence=True,
            max_batch_size=_BATCH_BYTES,
            compression_type=self._compression,
            linger_ms=0,
        )
        try:
            async with answered(self._connection.answer_timeout, what="take a producer"):
                await client.start()
        except BaseException:
            await abandon(client)
            raise
        self._client = client

    async def append(self, batches: Sequence[tuple[TopicPartition, Sequence[NewRecord]]]) -> list[int]:
        """Append every batch and return the first offset of each, once all in-sync replicas have them.

        A record too large is refused before anything is sent, and the producer stays whole.
        """
        for (topic, _), records in batches:
            if not records:
                raise ValueError(f"an empty batch for {topic}: leave it out")
            _refuse_oversize(records, topic=topic, max_record_bytes=self._max_record_bytes)
        async with self._turn:
            if self._client is None or self._broken:
                raise LogUnavailable("this producer is not started or has failed; make a new one")
            self._broken = True  # until everything is acknowledged; a cancelled call leaves it so
            offsets = await self._send(batches)
            self._broken = False
        return offsets

    async def stop(self) -> None:
        """Let go: in good order if nothing has failed, by force after the deadline or a failure."""
        client, self._client = self._client, None
        if client is None:
            return
        if self._broken:
            await abandon(client)
        else:
            await stop_within(client, client.stop(), seconds=self._connection.stop_timeout)

    async def _send(self, batches: Sequence[tuple[TopicPartition, Sequence[NewRecord]]]) -> list[int]:
        firsts: list[asyncio.Future[Any]] = []
        sent: list[asyncio.Future[Any]] = []
        try:
            async with answered(self._connection.answer_timeout, what="acknowledge what was appended"):
                for partition, records in batches:
                    await self._require(partition)
                    start = len(sent)
                    async for batch in _encode(self._client, records):
                        topic, number = partition
                        sent.append(await self._client.send_batch(batch, topic, partition=number))
                    firsts.append(sent[start])
                await asyncio.gather(*sent)
        except LogUnavailable as error:
            if isinstance(error.__cause__, MessageSizeTooLargeError | RecordListTooLargeError):
                raise RecordTooLarge(
                    "the topic takes less than this producer was told; raise its max.message.bytes"
                ) from error
            raise
        finally:
            for future in sent:
                _forget(future)
        offsets = [future.result().offset for future in firsts]
        if min(offsets, default=0) < 0:  # a repeated request whose first answer Kafka has forgotten
            raise LogUnavailable("Kafka stored what was appended but no longer knows where; read it back")
        return offsets

    async def _require(self, partition: TopicPartition) -> None:
        """Wait until Kafka names this partition; aiokafka would end in an assertion."""
        if partition.partition not in await self._client.partitions_for(partition.topic):
            raise LogUnavailable(
                f"{partition.topic} has no partition {partition.partition}; apply the topics"
            )


_FEW_HEADERS = 8


def _size_of(record: NewRecord) -> int:
    """Return the bytes that count against the limit: key, value and headers, without any framing."""
    size = len(record.key or b"") + len(record.value or b"")
    for name, value in record.headers:
        size += len(name.encode()) + len(value)
    return size


def _refuse_oversize(records: Sequence[NewRecord], *, topic: str, max_record_bytes: int) -> None:
    """Raise RecordTooLarge if one of the records exceeds the limit; nothing has been sent then."""
    surely_small = max_record_bytes // 2
    for place, record in enumerate(records):
        if len(record.value or b"") < surely_small and len(record.headers) < _FEW_HEADERS:
            continue  # the framing is not worth a microsecond for every record
        if (size := _size_of(record)) > max_record_bytes:
            raise RecordTooLarge(
                f"record {place} of a batch for {topic} has {size} bytes and may have {max_record_bytes}; "
                "send a reference to the content instead"
            )


async def _encode(producer: Any, records: Sequence[NewRecord]) -> AsyncIterator[Any]:
    """Yield aiokafka's batches for these records, in their order, each closed and at most a batch long.

    Gives way to other tasks between batches: encoding a megabyte takes some ten milliseconds.
    """
    batch = producer.create_batch()
    for record in records:
        if not _add(batch, record):
            batch.close()
            yield batch
            await asyncio.sleep(0)
            batch = producer.create_batch()
            _add(batch, record)  # the first record always fits
    batch.close()
    yield batch


def _add(batch: Any, record: NewRecord) -> bool:
    key, value, headers, timestamp = record
    return batch.append(key=key, value=value, timestamp=timestamp, headers=headers) is not None


def _forget(future: asyncio.Future[Any]) -> None:
    """Want nothing more of this acknowledgement; without this an unread failure would be complained of."""
    if not future.cancel() and not future.cancelled():
        future.exception()
