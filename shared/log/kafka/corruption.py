"""Records whose checksum does not match: read what is good, name what is not, skip nothing.

aiokafka raises without saying where, hands out nothing of what it fetched before the damage, and
does so for ever. So once damage is suspected, records are drawn one at a time and partition by
partition until the position of the damage is known. A batch is asked for again a few times, as it
may have been spoilt on its way; damage that stays is reported.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final

from aiokafka.errors import CorruptRecordException
from aiokafka.structs import TopicPartition as KafkaPartition

from shared.log.port import OffsetOutOfRange, Record, TopicPartition

_TRIES: Final = 3
_SUSPICION_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.02


class CorruptRecords(OffsetOutOfRange):
    """What stands at a position cannot be read: its checksum does not match."""

    code = "log.corrupt_records"

    def __init__(self, positions: dict[TopicPartition, int]) -> None:
        super().__init__(positions)
        names = ", ".join(f"{tp.topic}/{tp.partition} at {at}" for tp, at in sorted(self.positions.items()))
        self.message = f"records do not match their checksum: {names}; see the runbook before moving on"


class CorruptionWatch:
    """Reads around damage on behalf of one consumer."""

    def __init__(self) -> None:
        self._suspected_until = 0.0
        self._seen: Counter[tuple[TopicPartition, int]] = Counter()

    @property
    def is_suspected(self) -> bool:
        """Whether records should be drawn through :meth:`fetch`."""
        return bool(self._suspected_until) and asyncio.get_running_loop().time() < self._suspected_until

    def suspect(self) -> None:
        """Be careful for a while; aiokafka has met a checksum that does not match."""
        self._suspected_until = asyncio.get_running_loop().time() + _SUSPICION_SECONDS

    async def fetch(
        self, client: Any, partitions: Collection[TopicPartition], *, max_records: int, timeout: float
    ) -> dict[TopicPartition, Sequence[Record]]:
        """Return good records from these partitions, or nothing after ``timeout`` seconds.

        :raises CorruptRecords: if nothing good is left and the same damage was met three times.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            good: dict[TopicPartition, Sequence[Record]] = {}
            lasting: dict[TopicPartition, int] = {}
            for partition in partitions:
                drawn = sum(map(len, good.values()))
                records, damage = await self._draw(client, partition, max_records=max_records - drawn)
                if records:
                    good[partition] = records
                if damage is not None and self._seen[partition, damage] >= _TRIES:
                    lasting[partition] = damage
            if good:
                return good
            if lasting:
                raise CorruptRecords(lasting)
            if asyncio.get_running_loop().time() >= deadline:
                return {}
            await asyncio.sleep(_POLL_SECONDS)

    async def _draw(
        self, client: Any, partition: TopicPartition, *, max_records: int
    ) -> tuple[list[Record], int | None]:
        """Draw records one at a time, up to the first damage; return its position too."""
        name = KafkaPartition(*partition)
        records: list[Record] = []
        while len(records) < max_records:
            try:
                drawn = await client.getmany(name, timeout_ms=0, max_records=1)
            except CorruptRecordException:
                self.suspect()
                damage: int = await client.position(name)
                self._seen[partition, damage] += 1
                return records, damage
            if not drawn:
                break
            records.extend(drawn[name])
        return records, None
