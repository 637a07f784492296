"""The outbox: what was decided and is still to be said.

The producer of a record is its service and the number of the partition written *to*; its sequence
is drawn as the very last thing in a transaction, from rows locked in order until commit. So within
one partition of the log the sequence is dense and in commit order, whoever wrote: a batch, an HTTP
command, a merge. A row holds a record batch; it is deleted once the log has acknowledged it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from shared.contracts.envelope import CONTENT_TYPE
from shared.log.port import NewRecord, TopicPartition
from shared.postgres.database import Row, Transaction

SEQUENCE_HEADER = "sequence"
_CONTENT_TYPE = ("content-type", CONTENT_TYPE)


class OutboxRecord(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record before it has its sequence: key, value, record timestamp in ms, trace context."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    traceparent: str | None = None


class RecordBatch(NamedTuple):
    """Records for one partition, numbered from ``first`` on."""

    target: TopicPartition
    first: int
    records: Sequence[OutboxRecord]

    @property
    def following(self) -> int:
        """The sequence that comes after this batch."""
        return self.first + len(self.records)


@dataclass(frozen=True, slots=True)
class OutboxSight:
    """What one look at the outbox showed: waiting batches, in order, and the next sequence each."""

    waiting: Sequence[tuple[TopicPartition, int]]
    next_sequences: Mapping[TopicPartition, int]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[OutboxRecord])

_WRITE = """
WITH batch AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::bytea[])
      AS b(topic, partition, records, payload)
), locked AS MATERIALIZED (
    SELECT s.topic, s.partition FROM sequence s
    JOIN batch b ON s.topic = b.topic AND s.partition = b.partition
    ORDER BY s.topic, s.partition FOR UPDATE OF s
), drawn AS (
    UPDATE sequence s SET next = s.next + b.records
    FROM batch b JOIN locked l ON l.topic = b.topic AND l.partition = b.partition
    WHERE s.topic = b.topic AND s.partition = b.partition
    RETURNING s.topic, s.partition, s.next - b.records AS first
)
INSERT INTO outbox (topic, partition, first_sequence, records, payload)
SELECT d.topic, d.partition, d.first, b.records, b.payload
FROM drawn d JOIN batch b ON d.topic = b.topic AND d.partition = b.partition
RETURNING topic, partition, first_sequence
"""

_LOOK = """
SELECT s.topic, s.partition, s.next, o.first_sequence FROM sequence s
LEFT JOIN outbox o ON o.topic = s.topic AND o.partition = s.partition
WHERE s.partition = ANY($1::int[]) ORDER BY s.topic, s.partition, o.first_sequence
"""

_NOTIFY = """
SELECT pg_notify($4, '') FROM unnest($1::text[], $2::int[], $3::bigint[]) AS b(topic, partition, first)
WHERE NOT EXISTS (
    SELECT FROM outbox o
    WHERE o.topic = b.topic AND o.partition = b.partition AND o.first_sequence < b.first
) LIMIT 1
"""

_READ = """
SELECT o.topic, o.partition, o.first_sequence, o.payload FROM outbox o
JOIN unnest($1::text[], $2::int[], $3::bigint[]) AS w(topic, partition, first)
  ON o.topic = w.topic AND o.partition = w.partition AND o.first_sequence = w.first
ORDER BY o.topic, o.partition, o.first_sequence
"""


async def write(
    transaction: Transaction, output: Mapping[TopicPartition, Sequence[OutboxRecord]]
) -> list[RecordBatch]:
    """Draw the sequences and store the record batches; the last statement before commit."""
    if not output:
        return []
    batches = await _write(transaction, output)
    if len(batches) < len(output):
        written = {batch.target for batch in batches}
        new = {target: records for target, records in output.items() if target not in written}
        await _open_sequences(transaction, sorted(new))
        batches += await _write(transaction, new)
    return batches


async def _write(
    transaction: Transaction, output: Mapping[TopicPartition, Sequence[OutboxRecord]]
) -> list[RecordBatch]:
    """Write those targets that have a sequence."""
    targets = sorted(output)
    rows = await transaction.fetch(
        _WRITE,
        [target.topic for target in targets],
        [target.partition for target in targets],
        [len(output[target]) for target in targets],
        [_encoder.encode(output[target]) for target in targets],
    )
    return [_batch(row, output) for row in rows]


async def _open_sequences(transaction: Transaction, targets: Sequence[TopicPartition]) -> None:
    """Begin the sequences of partitions that were never written to."""
    await transaction.execute(
        "INSERT INTO sequence (topic, partition, next)"
        " SELECT topic, partition, 1 FROM unnest($1::text[], $2::int[]) AS t(topic, partition)"
        " ON CONFLICT DO NOTHING",
        [target.topic for target in targets],
        [target.partition for target in targets],
    )


def _batch(row: Row, output: Mapping[TopicPartition, Sequence[OutboxRecord]]) -> RecordBatch:
    target = TopicPartition(row["topic"], row["partition"])
    return RecordBatch(target, row["first_sequence"], output[target])


async def look(transaction: Transaction, *, partitions: Sequence[int]) -> OutboxSight:
    """Return, from one snapshot, which batches wait in these partitions and the next sequences.

    Whatever lies below a next sequence and does not wait has been published and acknowledged.
    """
    waiting: list[tuple[TopicPartition, int]] = []
    following: dict[TopicPartition, int] = {}
    for row in await transaction.fetch(_LOOK, list(partitions)):
        target = TopicPartition(row["topic"], row["partition"])
        following[target] = row["next"]
        if row["first_sequence"] is not None:
            waiting.append((target, row["first_sequence"]))
    return OutboxSight(waiting, following)


async def read(transaction: Transaction, wanted: Sequence[tuple[TopicPartition, int]]) -> list[RecordBatch]:
    """Return these waiting batches in order; those that are gone meanwhile are left out."""
    rows = await transaction.fetch(
        _READ,
        [target.topic for target, _ in wanted],
        [target.partition for target, _ in wanted],
        [first for _, first in wanted],
    )
    return [
        RecordBatch(
            TopicPartition(row["topic"], row["partition"]),
            row["first_sequence"],
            _decoder.decode(row["payload"]),
        )
        for row in rows
    ]


async def delete(transaction: Transaction, published: Sequence[RecordBatch]) -> None:
    """Forget batches that the log has acknowledged; it need not be durable (see the publisher)."""
    await transaction.execute(
        "DELETE FROM outbox o USING unnest($1::text[], $2::int[], $3::bigint[]) AS p(topic, partition, first)"
        " WHERE o.topic = p.topic AND o.partition = p.partition AND o.first_sequence = p.first",
        [batch.target.topic for batch in published],
        [batch.target.partition for batch in published],
        [batch.first for batch in published],
    )


def channel_of(schema: str) -> str:
    """Return the name of the notification by which writers wake the owners of a schema's outbox."""
    return f"leadmill_outbox_{schema}"


async def notify_others(transaction: Transaction, batches: Sequence[RecordBatch], *, channel: str) -> None:
    """Wake the owners of partitions whose outbox was empty before these batches.

    An owner with a backlog looks anyway, and NOTIFY takes a lock that all of PostgreSQL shares.
    """
    await transaction.execute(
        _NOTIFY,
        [batch.target.topic for batch in batches],
        [batch.target.partition for batch in batches],
        [batch.first for batch in batches],
        channel,
    )


def number(batch: RecordBatch, *, producer: str) -> list[NewRecord]:
    """Return the batch's records as the log takes them, each with its producer and sequence."""
    prefix = f"{producer}:".encode()
    make = tuple.__new__  # a named tuple's own constructor costs three times as much
    numbered = []
    for sequence, record in enumerate(batch.records, batch.first):
        headers = [_CONTENT_TYPE, (SEQUENCE_HEADER, b"%b%d" % (prefix, sequence))]
        if record.traceparent:
            headers.append(("traceparent", record.traceparent.encode()))
        numbered.append(make(NewRecord, (record.key, record.value, headers, record.timestamp)))
    return numbered


def read_sequence(headers: Sequence[tuple[str, bytes]]) -> tuple[str, int] | None:
    """Return the producer and sequence of a fetched record, or None if it carries none."""
    for name, value in headers:
        if name == SEQUENCE_HEADER:
            producer, _, text = value.rpartition(b":")
            if producer and text.isdigit():
                return producer.decode("ascii", "replace"), int(text)
    return None
