"""Sends messages from quarantine round again, after whatever was wrong with them has been put right.

They enter the raw topic as they lay there, under the ids they had: one that took effect meanwhile is
dropped, one that is still of no use comes back to quarantine. A request that was turned away before it got
there goes through the front door again, as its source or as one that is named.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final, Protocol

from services.ingest.domain.admission.quarantine import Choice, Quarantined, Replayed, Waiting
from services.ingest.domain.admission.samples import Sample
from services.ingest.store.quarantine import (
    count_waiting,
    is_source,
    load_waiting,
    mark_replayed,
)
from shared.contracts.envelope import CONTENT_TYPE
from shared.contracts.topics import RAW, partition_of
from shared.kernel.errors import Rejected
from shared.kernel.instants import MILLISECOND, Instant
from shared.log.port import Log, NewRecord, Producer, TopicPartition
from shared.postgres.database import Database

_PIECE: Final = 500
_EVERYTHING: Final = Choice()


class SourceUnknown(Rejected):
    """There is no source of this name; `leadmill key add` makes one."""

    code = "source.unknown"


class MessageUnknown(Rejected):
    """No message that waits in quarantine has this id; see `leadmill quarantine list`."""

    code = "quarantine.unknown"


class Resend(Protocol):
    """Sends a request through the front door again; ``services.ingest.api.desk.resending`` does."""

    async def __call__(
        self, sample: Sample, *, source: str, received: Instant, record_id: str
    ) -> Sequence[NewRecord]:
        """Return the records that it gives. :raises Verdict: if it is refused again."""
        ...


class Replaying:
    """Replays quarantined messages; one replay at a time."""

    def __init__(self, database: Database, *, log: Log, partitions: int, resend: Resend) -> None:
        self._database = database
        self._log = log
        self._partitions = partitions
        self._resend = resend
        self._turn = asyncio.Lock()

    async def list_waiting(
        self,
        *,
        choice: Choice = _EVERYTHING,
        after: tuple[Instant, str] = (0, ""),
        limit: int = _PIECE,
    ) -> list[Waiting]:
        """Return messages that wait, oldest first, of those that were chosen."""
        async with self._database.connection() as connection:
            return await load_waiting(connection, choice=choice, after=after, limit=limit)

    async def find_waiting(self, record_id: str) -> Waiting:
        """Return one message. :raises MessageUnknown: if none that waits has this id."""
        found = await self.list_waiting(choice=Choice(ids=frozenset({record_id})))
        if not found:
            raise MessageUnknown
        return found[0]

    async def count_waiting(self) -> Sequence[tuple[str, str, int]]:
        """Return source, reason and how many messages wait, of each of them."""
        async with self._database.connection() as connection:
            return await count_waiting(connection)

    async def replay(
        self, *, choice: Choice = _EVERYTHING, as_source: str | None = None, limit: int | None = None
    ) -> Replayed:
        """Send every message that waits now and was chosen round again, once; ``limit`` is the most.

        Requests that were turned away go as ``as_source``, else as the source they had; those of nobody
        stay, and those of which only the beginning was kept.

        :raises SourceUnknown: if there is no source of the name.
        :raises Unavailable: if the log or the database does not answer; what went may go again.
        """
        if as_source is not None:
            async with self._database.connection() as connection:
                if not await is_source(connection, as_source):
                    raise SourceUnknown
        async with self._turn:
            return await self._replay(choice, as_source, limit)

    async def _replay(self, choice: Choice, as_source: str | None, limit: int | None) -> Replayed:
        producer = self._log.producer(name="ingest-replay")
        await producer.start()
        went = stayed = 0
        refused: Counter[str] = Counter()
        after = (0, "")
        try:
            while limit is None or went + stayed + refused.total() < limit:
                room = _PIECE if limit is None else min(_PIECE, limit - went - stayed - refused.total())
                waiting = await self.list_waiting(choice=choice, after=after, limit=room)
                if not waiting:
                    break
                going = []
                for one in waiting:
                    try:
                        records = await self._records_of(one, as_source)
                    except Rejected as error:
                        refused[error.reason] += 1
                        continue
                    if records is None:
                        stayed += 1
                    else:
                        going.append((one, records))
                await self._send(producer, going)
                went += len(going)
                last = waiting[-1].message
                after = (last.received, last.record_id)
        finally:
            await producer.stop()
        return Replayed(went, stayed, dict(refused))

    async def _records_of(self, waiting: Waiting, as_source: str | None) -> Sequence[NewRecord] | None:
        """Return what a message gives when it goes round, None if it cannot.

        :raises Rejected: if it is refused again.
        """
        message = waiting.message
        if message.key is not None:
            return [_record(message)]
        source, sample = as_source or message.source, waiting.sample
        if not source or sample is None or sample.is_cut:
            return None
        return await self._resend(
            sample, source=source, received=message.received, record_id=message.record_id
        )

    async def _send(self, producer: Producer, going: Sequence[tuple[Waiting, Sequence[NewRecord]]]) -> None:
        batches: dict[TopicPartition, list[NewRecord]] = {}
        for _, records in going:
            for record in records:
                target = TopicPartition(RAW.name, partition_of(record.key or b"", self._partitions))
                batches.setdefault(target, []).append(record)
        if batches:
            await producer.append(sorted(batches.items()))
        if going:
            async with self._database.transaction() as transaction:
                await mark_replayed(transaction, [one for one, _ in going])


def _record(message: Quarantined) -> NewRecord:
    headers = [("content-type", CONTENT_TYPE)]
    return NewRecord(message.key, message.record, headers, message.received // MILLISECOND)
