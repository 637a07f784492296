"""One member of a group, reading from the embedded log.

A fetch asks for all partitions at once, in one statement that also reads their ends. What it
answered beyond ``max_records`` waits in memory, partition by partition, for the next fetch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from shared.log.embedded.arrivals import POLL, Arrivals, Bell, wait_for
from shared.log.embedded.availability import availability
from shared.log.embedded.groups.group import Group
from shared.log.embedded.groups.membership import Membership
from shared.log.embedded.reading import Reading
from shared.log.port import AssignmentCallback, LogUnavailable, Record, TopicPartition, Watermark
from shared.postgres.database import Database

_REPORT = """
INSERT INTO progress (consumer_group, topic, partition, next_offset, reported_at)
SELECT $1, *, clock_timestamp() FROM unnest($2::text[], $3::int[], $4::bigint[])
ON CONFLICT (consumer_group, topic, partition)
DO UPDATE SET next_offset = excluded.next_offset, reported_at = excluded.reported_at
"""


class EmbeddedConsumer:
    """Reads the partitions its group gives it, each from where it was told to."""

    def __init__(
        self,
        database: Database,
        arrivals: Arrivals,
        *,
        group: str,
        topics: Sequence[str],
        member: str,
        lease: float,
        idle_limit: float,
    ) -> None:
        self._database = database
        self._group = group
        self._bell = Bell(group=group, topics=topics)
        self._membership = Membership(
            Group(database, name=group, member=member, topics=topics, lease=lease),
            arrivals=arrivals,
            bell=self._bell,
            lease=lease,
            idle_limit=idle_limit,
        )
        self._reading = Reading(database)

    async def start(self, *, on_assigned: AssignmentCallback, on_revoked: AssignmentCallback) -> None:
        """Join the group. :raises LogUnavailable: if the database does not answer."""

        async def begin(partitions: frozenset[TopicPartition]) -> None:
            self._reading = Reading(self._database, partitions)
            await on_assigned(partitions)

        async def end(partitions: frozenset[TopicPartition]) -> None:
            self._reading = Reading(self._database)
            await on_revoked(partitions)

        await self._membership.start(on_assigned=begin, on_revoked=end)

    async def fetch(self, *, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Record]]:
        """Return up to ``max_records`` records, or an empty mapping after ``timeout`` seconds.

        A failure of a callback is raised here, as it was.

        :raises OffsetOutOfRange: if a position lies outside what is still held.
        :raises LogUnavailable: if the database does not answer; the consumer can be used again.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        while True:
            self._membership.check()
            is_rung = self._bell.records.is_set()
            self._bell.records.clear()
            if self._membership.is_current:
                reading = self._reading
                with availability():
                    if is_rung or not await reading.is_at_rest():
                        await reading.refill(max_records)
                if reading is self._reading:
                    taken = reading.take(max_records)
                    if taken:
                        return taken
            remaining = until - loop.time()
            if remaining <= 0:
                return {}
            is_woken = await wait_for(self._bell.records, min(remaining, POLL))
            if not is_woken and loop.time() >= until:
                return {}  # whoever asks again looks first

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read on from these offsets; partitions no longer assigned are passed over."""
        self._reading.seek(positions)
        self._bell.records.set()

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Fetch nothing from these partitions until they are resumed; membership goes on."""
        self._reading.pause(partitions)

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        """Fetch from these partitions again."""
        self._reading.resume(partitions)
        self._bell.records.set()

    def watermarks(self) -> Mapping[TopicPartition, Watermark]:
        """Return the ends of the assigned partitions as the latest fetch answers told them."""
        return self._reading.watermarks()

    async def report(self, positions: Mapping[TopicPartition, int]) -> None:
        """Note how far this group is, for lag tools only; a database that is away is no failure."""
        reported = sorted(positions.items())
        try:
            with availability():
                async with self._database.transaction(durable=False) as transaction:
                    await transaction.execute(
                        _REPORT,
                        self._group,
                        [partition.topic for partition, _ in reported],
                        [partition.partition for partition, _ in reported],
                        [position for _, position in reported],
                    )
        except LogUnavailable:
            return

    async def stop(self) -> None:
        """Leave the group within two seconds, without calling back."""
        self._reading = Reading(self._database)
        await self._membership.stop()
