"""Removes what is older than its topic promises to hold, then has the compacted topics compacted."""

from __future__ import annotations

from typing import NamedTuple

from shared.log.embedded.tidying.compaction import compact_partition
from shared.log.embedded.tidying.turns import has_turn
from shared.log.port import TopicPartition
from shared.postgres.database import Database

# Rows leave from the beginning only, as far as the first one that is young enough; log_start follows
# in the same statement, so that no reader meets a hole it was not told of.
_EXPIRE = """
WITH due AS (
    SELECT p.topic, p.partition, p.next_offset, t.retention_ms
    FROM partition p JOIN topic t ON t.name = p.topic
    WHERE t.retention_ms IS NOT NULL
    ORDER BY p.topic, p.partition
    FOR NO KEY UPDATE OF p
), kept AS (
    SELECT d.topic, d.partition, coalesce(
        (SELECT r.first_offset FROM record_batch r
         WHERE r.topic = d.topic AND r.partition = d.partition AND r.max_timestamp >= $1 - d.retention_ms
         ORDER BY r.last_offset LIMIT 1),
        d.next_offset) AS log_start
    FROM due d
), moved AS (
    UPDATE partition p SET log_start = k.log_start
    FROM kept k
    WHERE p.topic = k.topic AND p.partition = k.partition AND p.log_start < k.log_start
    RETURNING p.topic, p.partition, p.log_start
), removed AS (
    DELETE FROM record_batch r USING moved m
    WHERE r.topic = m.topic AND r.partition = m.partition AND r.last_offset < m.log_start
    RETURNING 1
)
SELECT count(*) FROM removed
"""


class Tidied(NamedTuple):
    """What a round of tidying removed: whole rows by age, single records by compaction."""

    expired_rows: int
    compacted_records: int


async def tidy_topics(database: Database, *, now_ms: int, tombstones_kept_ms: int) -> Tidied:
    """Apply retention to all topics, then compaction to one partition after the other."""
    async with database.transaction() as transaction:
        expired = int(await transaction.fetch_value(_EXPIRE, now_ms)) if await has_turn(transaction) else 0
    async with database.connection() as connection:
        partitions = await connection.fetch(
            """
            SELECT p.topic, p.partition FROM partition p JOIN topic t ON t.name = p.topic
            WHERE t.compacted AND p.next_offset > p.log_start ORDER BY p.topic, p.partition
            """
        )
    compacted = 0
    for row in partitions:
        compacted += await compact_partition(
            database,
            TopicPartition(row["topic"], row["partition"]),
            tombstones_before_ms=now_ms - tombstones_kept_ms,
        )
    return Tidied(expired, compacted)
