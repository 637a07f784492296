"""Appends to the embedded log: one statement, which is a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence

from shared.log.embedded.arrivals import Arrivals
from shared.log.embedded.availability import availability
from shared.log.embedded.records import pack_records
from shared.log.port import LogUnavailable, NewRecord, TopicPartition
from shared.postgres.database import Database, Row

# The partitions' rows are locked in order (no two appends can wait for each other) and stay locked
# until the statement's own commit. Where a partition is missing, nothing at all is appended.
_APPEND = """
WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[]) AS w(topic, partition, records)
), locked AS MATERIALIZED (
    SELECT p.topic, p.partition, p.next_offset, w.records
    FROM partition p JOIN wanted w ON w.topic = p.topic AND w.partition = p.partition
    ORDER BY p.topic, p.partition
    FOR NO KEY UPDATE OF p
), complete AS MATERIALIZED (
    SELECT count(*) = cardinality($1) AS is_complete FROM locked
), moved AS (
    UPDATE partition p SET next_offset = l.next_offset + l.records
    FROM locked l, complete
    WHERE p.topic = l.topic AND p.partition = l.partition AND l.records > 0 AND is_complete
), stored AS (
    INSERT INTO record_batch (topic, partition, first_offset, last_offset, max_timestamp, payload)
    SELECT l.topic, l.partition, l.next_offset + r.place, l.next_offset + r.place + r.records - 1,
           r.max_timestamp, r.payload
    FROM unnest($4::text[], $5::int[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bytea[])
         AS r(topic, partition, place, records, max_timestamp, payload)
    JOIN locked l ON l.topic = r.topic AND l.partition = r.partition
    CROSS JOIN complete
    WHERE is_complete
)
SELECT topic, partition, next_offset FROM locked
"""


class EmbeddedProducer:
    """Appends record batches; acknowledged means that PostgreSQL has them on disk."""

    def __init__(self, database: Database, arrivals: Arrivals, *, name: str) -> None:
        self._database = database
        self._arrivals = arrivals
        self._name = name

    async def start(self) -> None:
        """Ask for an answer. :raises LogUnavailable: if there is none."""
        with availability():
            async with self._database.connection() as connection:
                await connection.fetch_value("SELECT 1")

    async def append(self, batches: Sequence[tuple[TopicPartition, Sequence[NewRecord]]]) -> list[int]:
        """Append every batch, or none of them, and return the first offset of each.

        :raises LogUnavailable: if the database did not say that everything is stored, or if a
            partition does not exist.
        :raises RecordTooLarge: if a record exceeds what the log takes; nothing was appended.
        """
        if not batches:
            return []
        totals: dict[TopicPartition, int] = {}
        places: list[int] = []
        rows: list[tuple[str, int, int, int, int, bytes]] = []
        for partition, records in batches:
            place = totals.get(partition, 0)
            places.append(place)
            for packed in pack_records(records):
                rows.append((*partition, place, *packed))
                place += packed.records
            totals[partition] = place
        starts = await self._store(totals, rows)
        if rows:
            self._arrivals.announce_records({partition.topic for partition in totals})
        return [starts[partition] + place for (partition, _), place in zip(batches, places, strict=True)]

    async def _store(
        self, totals: dict[TopicPartition, int], rows: Sequence[tuple[str, int, int, int, int, bytes]]
    ) -> dict[TopicPartition, int]:
        columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * 6
        with availability():
            async with self._database.connection() as connection:
                drawn: Sequence[Row] = await connection.fetch(
                    _APPEND,
                    [partition.topic for partition in totals],
                    [partition.partition for partition in totals],
                    list(totals.values()),
                    *columns,
                )
        starts = {TopicPartition(row["topic"], row["partition"]): int(row["next_offset"]) for row in drawn}
        missing = totals.keys() - starts.keys()
        if missing:
            names = ", ".join(f"{topic}/{number}" for topic, number in sorted(missing))
            raise LogUnavailable(f"the log has no {names}; run `leadmill topics apply`")
        return starts

    async def stop(self) -> None:
        """Nothing is held between two appends."""
