"""Leaves the latest record of each key, at the offset where it stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from shared.log.embedded.records import StoredRecord, repack_records, unpack_records
from shared.log.port import TopicPartition
from shared.postgres.database import Database, Transaction

_NEXT_ROW = """
SELECT first_offset, last_offset, places, payload FROM record_batch
WHERE topic = $1 AND partition = $2 AND last_offset > $3 AND last_offset < $4
ORDER BY last_offset LIMIT 1
"""


class _StoredRow(NamedTuple):
    first_offset: int
    last_offset: int
    records: list[StoredRecord]


async def compact_partition(
    database: Database, partition: TopicPartition, *, tombstones_before_ms: int
) -> int:
    """Remove what a later record of the same key replaced; return how many records went.

    Records without a key stay, and so does the last record of the partition. One transaction, in
    which the partition is locked against others that tidy (they pass it over), not against
    producers and consumers. Memory: one entry per key.
    """
    async with database.transaction() as transaction:
        is_mine = await transaction.fetch_value(
            """
            SELECT pg_try_advisory_xact_lock(
                hashtextextended('tidy ' || current_schema() || '/' || $1::text || '/' || $2::int, 0)
            )
            """,
            *partition,
        )
        if not is_mine:
            return 0
        end = int(
            await transaction.fetch_value(
                "SELECT next_offset FROM partition WHERE topic = $1 AND partition = $2", *partition
            )
        )
        latest: dict[bytes, int] = {}
        async for row in _rows(transaction, partition, end):
            latest.update((record.key, record.offset) for record in row.records if record.key is not None)
        removed = 0
        async for row in _rows(transaction, partition, end):
            kept = [
                record
                for record in row.records
                if record.offset == end - 1
                or record.key is None
                or (
                    latest[record.key] == record.offset
                    and (record.value is not None or record.timestamp >= tombstones_before_ms)
                )
            ]
            if len(kept) < len(row.records):
                removed += len(row.records) - len(kept)
                await _rewrite(transaction, partition, row, kept)
    return removed


async def _rows(transaction: Transaction, partition: TopicPartition, end: int) -> AsyncIterator[_StoredRow]:
    after = -1
    while row := await transaction.fetch_row(_NEXT_ROW, *partition, after, end):
        after = row["last_offset"]
        records = unpack_records(
            partition, first_offset=row["first_offset"], places=row["places"], payload=row["payload"]
        )
        yield _StoredRow(row["first_offset"], row["last_offset"], records)


async def _rewrite(
    transaction: Transaction, partition: TopicPartition, row: _StoredRow, kept: list[StoredRecord]
) -> None:
    """Store what is left of a row under the same offsets; a row of which nothing is left goes."""
    if not kept:
        await transaction.execute(
            "DELETE FROM record_batch WHERE topic = $1 AND partition = $2 AND last_offset = $3",
            *partition,
            row.last_offset,
        )
        return
    places, payload = repack_records(kept, first_offset=row.first_offset)
    await transaction.execute(
        """
        UPDATE record_batch SET places = $4, payload = $5, max_timestamp = $6
        WHERE topic = $1 AND partition = $2 AND last_offset = $3
        """,
        *partition,
        row.last_offset,
        places,
        payload,
        max(record.timestamp for record in kept),
    )
