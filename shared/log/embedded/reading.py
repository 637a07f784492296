"""What is read of the partitions that one assignment gave: positions, buffers, ends.

Made anew with each assignment, so that nothing of an earlier one can be read on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from shared.log.embedded.records import StoredRecord, unpack_records
from shared.log.port import OffsetOutOfRange, Record, TopicPartition, Watermark
from shared.postgres.database import Database, Row

_MAX_BYTES = 16 * 1_048_576
"""About as much as one fetch brings; at least one row in any case."""

_FEWEST_ROWS = 64
"""So many rows of each partition are looked at, even if many partitions share a small fetch."""

# A partition without a position is asked for its end alone. Rows are chosen by rank across all
# partitions, so that a long backlog in one of them does not starve the others.
_FETCH = """
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[]) AS a(topic, partition, position)
), candidate AS (
    SELECT b.*, b.last_offset - greatest(b.first_offset, a.position) + 1 AS records,
           row_number() OVER (PARTITION BY b.topic, b.partition ORDER BY b.last_offset) AS rank
    FROM asked a CROSS JOIN LATERAL (
        SELECT topic, partition, first_offset, last_offset, places, payload
        FROM record_batch r
        WHERE r.topic = a.topic AND r.partition = a.partition AND r.last_offset >= a.position
        ORDER BY r.last_offset
        LIMIT $4
    ) b
), counted AS (
    SELECT *, sum(records) OVER earlier AS records_before,
           sum(octet_length(payload)) OVER earlier AS bytes_before
    FROM candidate
    WINDOW earlier AS (ORDER BY rank, topic, partition ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT p.topic, p.partition, p.log_start, p.next_offset, c.first_offset, c.last_offset, c.places, c.payload
FROM asked a
JOIN partition p ON p.topic = a.topic AND p.partition = a.partition
LEFT JOIN counted c ON c.topic = a.topic AND c.partition = a.partition
    AND coalesce(c.records_before, 0) < $5 AND coalesce(c.bytes_before, 0) < $6
ORDER BY p.topic, p.partition, c.last_offset
"""

_UNCHANGED = """
SELECT count(*) FROM unnest($1::text[], $2::int[], $3::bigint[]) AS a(topic, partition, next_offset)
JOIN partition p USING (topic, partition, next_offset)
"""


class Reading:
    """Reads one assignment; partitions that do not belong to it are passed over."""

    def __init__(self, database: Database, partitions: Collection[TopicPartition] = ()) -> None:
        self._database = database
        self._partitions = sorted(partitions)
        self._next: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._buffers: dict[TopicPartition, list[StoredRecord]] = {}
        self._watermarks: dict[TopicPartition, Watermark] = {}
        self._is_read = False

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read on from here and forget what was buffered."""
        self._is_read = False
        for partition in self._partitions:
            if partition in positions:
                self._next[partition] = positions[partition]
                self._buffers.pop(partition, None)

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Neither ask for nor hand out records of these."""
        self._paused.update(partitions)

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        """Ask for and hand out records of these again."""
        self._is_read = False
        self._paused.difference_update(partitions)

    def watermarks(self) -> dict[TopicPartition, Watermark]:
        """Return the ends that were read last."""
        return dict(self._watermarks)

    def _is_open(self, partition: TopicPartition) -> bool:
        return partition in self._next and partition not in self._paused

    async def is_at_rest(self) -> bool:
        """Return whether all is read and handed out and nothing has come; the ends are then as fresh as now.

        A small part of the price of a refill, which whoever waits for records would pay again and again.
        """
        if not self._is_all_read():
            return False
        asked, ends = self._partitions, self._watermarks
        async with self._database.connection() as connection:
            unchanged = await connection.fetch_value(
                _UNCHANGED,
                [partition.topic for partition in asked],
                [partition.partition for partition in asked],
                [ends[partition].end for partition in asked],
            )
        if unchanged < len(asked) or not self._is_all_read():  # somebody may have sought meanwhile
            return False
        answered_at = asyncio.get_running_loop().time()
        self._watermarks = {tp: Watermark(mark.end, answered_at) for tp, mark in ends.items()}
        return True

    def _is_all_read(self) -> bool:
        return self._is_read

    async def refill(self, max_records: int) -> None:
        """Bring the buffers up to at least ``max_records``, as far as there are any, and read the ends.

        :raises OffsetOutOfRange: if a position lies outside what is still held.
        """
        missing = max_records - sum(len(buffer) for tp, buffer in self._buffers.items() if self._is_open(tp))
        if missing <= 0 or not self._partitions:
            return
        asked = {tp: self._next[tp] for tp in self._partitions if self._is_open(tp)}
        rows_each = min(missing, max(_FEWEST_ROWS, -(-missing // max(len(asked), 1))))
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                _FETCH,
                [partition.topic for partition in self._partitions],
                [partition.partition for partition in self._partitions],
                [asked.get(partition) for partition in self._partitions],
                rows_each,
                missing,
                _MAX_BYTES,
            )
        answered_at = asyncio.get_running_loop().time()
        self._receive(rows, {tp: at for tp, at in asked.items() if self._next.get(tp) == at}, answered_at)

    def _receive(self, rows: Sequence[Row], asked: Mapping[TopicPartition, int], answered_at: float) -> None:
        """Buffer an answer; ``asked`` are the positions that have not been moved since the question."""
        outside: dict[TopicPartition, int] = {}
        self._is_read = False
        for row in rows:
            partition = TopicPartition(row["topic"], row["partition"])
            self._watermarks[partition] = Watermark(row["next_offset"], answered_at)
            position = asked.get(partition)
            if position is None:
                continue
            if not row["log_start"] <= position <= row["next_offset"]:
                outside[partition] = position
            elif row["payload"] is not None:
                self._keep(partition, row, position)
        if outside:
            raise OffsetOutOfRange(outside)
        self._is_read = len(self._watermarks) == len(self._partitions) and all(
            self._next[tp] == self._watermarks[tp].end for tp in self._partitions if self._is_open(tp)
        )

    def _keep(self, partition: TopicPartition, row: Row, position: int) -> None:
        records = unpack_records(
            partition, first_offset=row["first_offset"], places=row["places"], payload=row["payload"]
        )
        if row["first_offset"] < position:
            records = [record for record in records if record.offset >= position]
        self._buffers.setdefault(partition, []).extend(records)
        self._next[partition] = row["last_offset"] + 1

    def take(self, max_records: int) -> dict[TopicPartition, Sequence[Record]]:
        """Hand out up to ``max_records`` of what is buffered; who was served goes to the end of the line."""
        taken: dict[TopicPartition, Sequence[Record]] = {}
        for partition in list(self._buffers):
            if not self._is_open(partition):
                continue
            buffer = self._buffers.pop(partition)
            if len(buffer) > max_records:
                self._buffers[partition] = buffer[max_records:]
                del buffer[max_records:]
            if buffer:
                taken[partition] = buffer
                max_records -= len(buffer)
        return taken
