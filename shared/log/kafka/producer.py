"""Appending record batches to Kafka: idempotent, acknowledged by all in-sync replicas.

Whole batches are handed to aiokafka (``create_batch``, ``send_batch``): four to eight times the rate
of its ``send``. aiokafka keeps one request in flight per broker with one batch per partition in it,
so order holds. A failed batch leaves a hole in the producer's sequence that aiokafka cannot mend;
hence the port's rule that a producer is abandoned after any failure.

Kafka counts the age of what it knows of a producer by the timestamps of the records
(``producer.id.expiration.ms``, a day). Repeats of batches with older timestamps are stored twice
once a broker restarts (measured); consumers that drop by sequence do not mind.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
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
        client = self._client
        if client is None:
            raise LogUnavailable("this producer is not started or has been stopped; make a new one")
        encoded = [
            (partition, await self._encode(client, partition, records)) for partition, records in batches
        ]
        async with self._turn:
            if self._broken or self._client is None:
                raise LogUnavailable("this producer has failed or has been stopped; make a new one")
            self._broken = True  # until everything is acknowledged; a cancelled call leaves it so
            offsets = await self._send(client, encoded)
            self._broken = False
        return offsets

    async def stop(self) -> None:
        """Let go: after the append that is on its way, or by force after the deadline or a failure."""
        client, self._client = self._client, None
        if client is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._connection.stop_timeout), self._turn:
                pass
        if self._broken:
            await abandon(client)
        else:
            await stop_within(client, client.stop(), seconds=self._connection.stop_timeout)

    async def _encode(
        self, client: Any, partition: TopicPartition, records: Sequence[NewRecord]
    ) -> list[Any]:
        """Return aiokafka's batches for these records, in their order, each at most a batch long.

        Encoding tells the size of each record for nothing. Other tasks get their turn between
        batches: a megabyte takes some ten milliseconds.

        :raises RecordTooLarge: if a record exceeds the limit.
        """
        if not records:
            raise ValueError(f"an empty batch for {partition.topic}: leave it out")
        batches = [client.create_batch()]
        for place, (key, value, headers, timestamp) in enumerate(records):
            added = batches[-1].append(key=key, value=value, headers=headers, timestamp=timestamp)
            if added is None:  # full; the first record of a batch always fits
                await asyncio.sleep(0)
                batches.append(client.create_batch())
                added = batches[-1].append(key=key, value=value, headers=headers, timestamp=timestamp)
            if added.size > self._max_record_bytes:
                raise RecordTooLarge(
                    f"record {place} of a batch for {partition.topic} takes {added.size} bytes and may take "
                    f"{self._max_record_bytes}; send a reference to the content instead"
                )
        for batch in batches:
            batch.close()
        return batches

    async def _send(self, client: Any, batches: Sequence[tuple[TopicPartition, Sequence[Any]]]) -> list[int]:
        firsts: list[asyncio.Future[Any]] = []
        sent: list[asyncio.Future[Any]] = []
        try:
            async with answered(self._connection.answer_timeout, what="acknowledge what was appended"):
                for partition, encoded in batches:
                    await _require(client, partition)
                    start = len(sent)
                    for batch in encoded:
                        topic, number = partition
                        sent.append(await client.send_batch(batch, topic, partition=number))
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


async def _require(client: Any, partition: TopicPartition) -> None:
    """Wait until Kafka names this partition; aiokafka would end in an assertion."""
    topic, number = partition
    if number not in await client.partitions_for(topic):
        raise LogUnavailable(f"{topic} has no partition {number}; apply the topics")


def _forget(future: asyncio.Future[Any]) -> None:
    """Want nothing more of this acknowledgement; without this an unread failure would be complained of."""
    if not future.cancel() and not future.cancelled():
        future.exception()
