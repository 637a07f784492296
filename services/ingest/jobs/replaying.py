"""Sends messages from quarantine round again, after whatever was wrong with them has been put right.

They enter the raw topic as they lay there, under the ids they had: one that took effect meanwhile is
dropped, one that is still of no use comes back to quarantine.
"""

from __future__ import annotations

from typing import Final

from services.ingest.store.quarantine import Quarantined, Waiting, load_waiting, mark_replayed
from shared.contracts.envelope import CONTENT_TYPE
from shared.contracts.topics import RAW, partition_of
from shared.kernel.instants import MILLISECOND, Instant
from shared.log.port import Log, NewRecord, TopicPartition
from shared.postgres.database import Database

_MOST: Final = 500


class Replaying:
    """Replays quarantined messages."""

    def __init__(self, database: Database, *, log: Log, partitions: int) -> None:
        self._database = database
        self._log = log
        self._partitions = partitions

    async def list_waiting(
        self, *, code: str | None = None, after: tuple[Instant, str] = (0, ""), limit: int = _MOST
    ) -> list[Waiting]:
        """Return messages that wait, oldest first; with ``code`` those with this reason only."""
        async with self._database.connection() as connection:
            return await load_waiting(connection, code=code, after=after, limit=limit)

    async def replay(self, *, code: str | None = None) -> int:
        """Send every message that waits now round again, once, and return how many there were.

        What was turned away for its write key stays: it has no source to go round for.

        :raises Unavailable: if the log or the database does not answer; what went may go again.
        """
        producer = self._log.producer(name="ingest-replay")
        await producer.start()
        replayed = 0
        after = (0, "")
        try:
            while waiting := await self.list_waiting(code=code, after=after):
                batches: dict[TopicPartition, list[NewRecord]] = {}
                going = [one for one in waiting if one.can_go_round]
                for message, _ in going:
                    target = TopicPartition(RAW.name, partition_of(message.key or b"", self._partitions))
                    batches.setdefault(target, []).append(_record(message))
                if going:
                    await producer.append(sorted(batches.items()))
                    async with self._database.transaction() as transaction:
                        await mark_replayed(transaction, going)
                replayed += len(going)
                last = waiting[-1].message
                after = (last.received, last.record_id)
        finally:
            await producer.stop()
        return replayed


def _record(message: Quarantined) -> NewRecord:
    headers = [("content-type", CONTENT_TYPE)]
    return NewRecord(message.key, message.record, headers, message.received // MILLISECOND)
