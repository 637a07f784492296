"""Topics of the embedded log."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from shared.kernel.errors import Rejected
from shared.log.embedded.arrivals import Arrivals
from shared.log.embedded.availability import availability
from shared.log.embedded.groups.group import TOPICS_LOCK
from shared.log.port import TopicLayout, TopicPartition
from shared.postgres.database import Database, Transaction

_CREATE_TOPICS = """
INSERT INTO topic (name, partitions, compacted, retention_ms)
SELECT * FROM unnest($1::text[], $2::int[], $3::bool[], $4::bigint[])
ON CONFLICT (name) DO NOTHING
RETURNING name
"""

_CREATE_PARTITIONS = """
INSERT INTO partition (topic, partition)
SELECT name, number FROM topic CROSS JOIN LATERAL generate_series(0, partitions - 1) AS number
WHERE name = ANY($1)
"""

# Whoever subscribed a topic that was missing gets a new assignment, with it.
_UNSETTLE_GROUPS = """
WITH concerned AS (
    SELECT g.name FROM consumer_group g
    WHERE EXISTS (SELECT FROM member m WHERE m.consumer_group = g.name AND m.topics && $1::text[])
    ORDER BY g.name
    FOR UPDATE
)
UPDATE consumer_group g SET generation = generation + 1, is_settled = false
FROM concerned c WHERE c.name = g.name
"""


class EmbeddedAdmin:
    """Says which topics there are and creates those that are to be."""

    def __init__(self, database: Database, arrivals: Arrivals) -> None:
        self._database = database
        self._arrivals = arrivals

    async def layouts(self) -> Mapping[str, TopicLayout]:
        """Return every topic that exists. :raises LogUnavailable: if the database does not answer."""
        with availability():
            async with self._database.connection() as connection:
                rows = await connection.fetch("SELECT name, partitions, compacted, retention_ms FROM topic")
        return {
            row["name"]: TopicLayout(
                **dict(row.items()), clears_ms=0 if row["compacted"] else row["retention_ms"]
            )
            for row in rows
        }

    async def create(self, layouts: Sequence[TopicLayout]) -> None:
        """Create all of these topics or none; one that exists with the same count is left alone.

        :raises Rejected: code ``log.partition_count`` if one exists with another count.
        :raises LogUnavailable: if the database does not answer.
        """
        layouts = sorted(layouts, key=lambda layout: layout.name)
        names = [layout.name for layout in layouts]
        with availability():
            async with self._database.transaction() as transaction:
                await transaction.fetch(TOPICS_LOCK.format("pg_advisory_xact_lock"))
                created = await transaction.fetch(
                    _CREATE_TOPICS,
                    names,
                    [layout.partitions for layout in layouts],
                    [layout.compacted for layout in layouts],
                    [layout.retention_ms for layout in layouts],
                )
                await _compare_counts(transaction, layouts)
                new = [row["name"] for row in created]
                await transaction.execute(_CREATE_PARTITIONS, new)
                await transaction.execute(_UNSETTLE_GROUPS, new)
        if new:
            self._arrivals.announce_topics(new)

    async def bounds(self, topics: Collection[str]) -> Mapping[TopicPartition, tuple[int, int]]:
        """Return the first offset still held and the next to be written; missing topics are left out.

        :raises LogUnavailable: if the database does not answer.
        """
        with availability():
            async with self._database.connection() as connection:
                rows = await connection.fetch(
                    "SELECT topic, partition, log_start, next_offset FROM partition WHERE topic = ANY($1)",
                    list(topics),
                )
        return {
            TopicPartition(row["topic"], row["partition"]): (row["log_start"], row["next_offset"])
            for row in rows
        }

    async def stop(self) -> None:
        """Nothing is held between two questions."""


async def _compare_counts(transaction: Transaction, layouts: Sequence[TopicLayout]) -> None:
    rows = await transaction.fetch(
        "SELECT name, partitions FROM topic WHERE name = ANY($1)", [layout.name for layout in layouts]
    )
    present = {row["name"]: row["partitions"] for row in rows}
    other = [
        f"{layout.name} has {present[layout.name]} partitions, not {layout.partitions}"
        for layout in layouts
        if present[layout.name] != layout.partitions
    ]
    if other:
        raise Rejected(
            "; ".join(other) + "; counts are frozen, grow by a new generation of the topic",
            code="log.partition_count",
        )
