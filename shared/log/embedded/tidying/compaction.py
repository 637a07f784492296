"""Leaves the latest record of each key, at the offset where it stands.

Rows that follow each other are also put together on this occasion: a log that is written one record
at a time would else be read one row at a time for good.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from shared.log.embedded.records import StoredRecord, repack_records, unpack_records
from shared.log.embedded.tidying.turns import has_turn
from shared.log.port import TopicPartition
from shared.postgres.database import Database, Transaction

# A stretch is as many rows as make one good row. Tombstones are not due before they are old enough,
# and there is nothing to do where nothing was appended since the last time.
_STRETCH = """
SELECT first_offset, last_offset, places, payload
FROM (
    SELECT *, sum(octet_length(payload)) OVER (
        ORDER BY last_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
    FROM (
        SELECT first_offset, last_offset, places, payload FROM record_batch
        WHERE topic = $1 AND partition = $2 AND last_offset > $3 AND last_offset < $4
        ORDER BY last_offset LIMIT 500
    ) following
) counted
WHERE coalesce(bytes_before, 0) < 1048576
ORDER BY last_offset
"""

_DUE = """
SELECT next_offset FROM partition
WHERE topic = $1 AND partition = $2 AND (next_offset > compacted_to OR oldest_tombstone < $3)
"""

_DONE = "UPDATE partition SET compacted_to = $3, oldest_tombstone = $4 WHERE topic = $1 AND partition = $2"


class _Stretch(NamedTuple):
    rows: int
    first_offset: int
    first_row: int
    last_row: int
    records: list[StoredRecord]


class _Survivors:
    """Says which records stay; learns the latest offset of each key first."""

    def __init__(self, *, end: int, tombstones_before_ms: int) -> None:
        self._latest: dict[bytes, int] = {}
        self._end = end
        self._tombstones_before_ms = tombstones_before_ms
        self.oldest_tombstone: int | None = None

    def learn(self, records: list[StoredRecord]) -> None:
        self._latest.update((record.key, record.offset) for record in records if record.key is not None)

    def among(self, records: list[StoredRecord]) -> list[StoredRecord]:
        return [record for record in records if self._stays(record)]

    def _stays(self, record: StoredRecord) -> bool:
        if record.key is None or record.offset == self._end - 1:
            return True
        if self._latest[record.key] != record.offset:
            return False
        if record.value is not None:
            return True
        if record.timestamp < self._tombstones_before_ms:
            return False
        if self.oldest_tombstone is None or record.timestamp < self.oldest_tombstone:
            self.oldest_tombstone = record.timestamp
        return True


async def compact_partition(
    database: Database, partition: TopicPartition, *, tombstones_before_ms: int
) -> int:
    """Remove what a later record of the same key replaced; return how many records went.

    Records without a key stay, and so does the last record of the partition. One transaction, beside
    which producers and consumers go on; who else is tidying makes this one do nothing. Memory: one
    entry per key.
    """
    async with database.transaction() as transaction:
        if not await has_turn(transaction):
            return 0
        end = await transaction.fetch_value(_DUE, *partition, tombstones_before_ms)
        if end is None:
            return 0
        survivors = _Survivors(end=end, tombstones_before_ms=tombstones_before_ms)
        async for stretch in _stretches(transaction, partition, end):
            survivors.learn(stretch.records)
        removed = 0
        async for stretch in _stretches(transaction, partition, end):
            kept = survivors.among(stretch.records)
            removed += len(stretch.records) - len(kept)
            if stretch.rows > 1 or len(kept) < len(stretch.records):
                await _replace(transaction, partition, stretch, kept)
        await transaction.execute(_DONE, *partition, end, survivors.oldest_tombstone)
    return removed


async def _stretches(
    transaction: Transaction, partition: TopicPartition, end: int
) -> AsyncIterator[_Stretch]:
    after = -1
    while rows := await transaction.fetch(_STRETCH, *partition, after, end):
        after = rows[-1]["last_offset"]
        records = [
            record
            for row in rows
            for record in unpack_records(
                partition, first_offset=row["first_offset"], places=row["places"], payload=row["payload"]
            )
        ]
        yield _Stretch(len(rows), rows[0]["first_offset"], rows[0]["last_offset"], after, records)


async def _replace(
    transaction: Transaction, partition: TopicPartition, stretch: _Stretch, kept: list[StoredRecord]
) -> None:
    """Put one row in the place of a stretch; where nothing is left, none."""
    await transaction.execute(
        "DELETE FROM record_batch WHERE topic = $1 AND partition = $2 AND last_offset BETWEEN $3 AND $4",
        *partition,
        stretch.first_row,
        stretch.last_row,
    )
    if not kept:
        return
    places, payload = repack_records(kept, first_offset=stretch.first_offset)
    await transaction.execute(
        """
        INSERT INTO record_batch (topic, partition, first_offset, last_offset, max_timestamp, places, payload)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        *partition,
        stretch.first_offset,
        stretch.last_row,
        max(record.timestamp for record in kept),
        places,
        payload,
    )
