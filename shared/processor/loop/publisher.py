"""The publisher: says what was committed, in commit order, while the next batch is worked on.

Only the owner of a partition number publishes into it, strictly by sequence. What a batch has just
committed arrives through :meth:`Publisher.offer` and is sent from memory if it continues the
sequence; what others wrote (HTTP commands, other workers, a predecessor) is found by the gap, by a
notice or by a poll, and read from the outbox. Rows are deleted only once the log has acknowledged
them, so a sequence that is missing below one that is there has been published already.

Deleting need not be durable: a row that comes back after a crash of the database is published
again, and consumers drop it by its sequence. A revoked worker may still publish and delete; the
consumers' marks make that harmless.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Sequence

from shared.kernel.errors import Unavailable
from shared.log.port import Log, Producer, TopicPartition
from shared.postgres.database import Database
from shared.processor.fold import Tripwire
from shared.processor.tables import outbox
from shared.processor.tables.outbox import OutboxSight, RecordBatch
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import ProcessorMetrics

_POLL_SECONDS = 0.25
_RECORDS_PER_FLUSH = 20_000
_MOST_BATCHES_IN_MEMORY = 64

logger = get_logger(__name__)


class Publisher:
    """Publishes the outbox rows of the partition numbers it was given."""

    def __init__(
        self,
        *,
        name: str,
        log: Log,
        database: Database,
        metrics: ProcessorMetrics,
        tripwire: Tripwire,
    ) -> None:
        self._name = name
        self._log = log
        self._database = database
        self._metrics = metrics
        self._tripwire = tripwire
        self._producer: Producer | None = None
        self._owned: frozenset[int] = frozenset()
        self._next: dict[TopicPartition, int] = {}
        self._offered: list[RecordBatch] = []
        self._must_look = False
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()
        self.oldest_unpublished: float | None = None

    @property
    def backlog(self) -> int:
        """How many committed batches wait in memory or are on their way."""
        return len(self._offered) + self._flushing.locked()

    def offer(self, batches: Sequence[RecordBatch]) -> None:
        """Take over batches that have just been committed; those of others' partitions are left."""
        if not batches:
            return
        self._offered.extend(batch for batch in batches if batch.target.partition in self._owned)
        if self.oldest_unpublished is None:
            self.oldest_unpublished = asyncio.get_running_loop().time()
        self._wake.set()

    def notice(self) -> None:
        """Look into the outbox soon: somebody else has written there."""
        self._must_look = True
        self._wake.set()

    @property
    def has_room(self) -> bool:
        """False while the log has taken too little of what was committed."""
        return len(self._offered) <= _MOST_BATCHES_IN_MEMORY * max(1, len(self._owned))

    def release(self) -> None:
        """Own nothing any more; batches in memory stay in the outbox for the next owner."""
        self._owned = frozenset()
        self._next.clear()
        self._offered.clear()

    async def take_over(self, partitions: Collection[int]) -> None:
        """Own these partition numbers, after publishing what predecessors left in their outbox.

        :raises Unavailable: if the database or the log does not answer; nothing is owned then.
        """
        async with self._flushing:
            self.release()
            self._owned = frozenset(partitions)
            try:
                await self._flush(await self._find_unpublished())
            except Unavailable:
                self.release()
                await self._abandon_producer()
                raise

    async def run(self) -> None:
        """Publish until cancelled; a log or a database that is away is waited for."""
        time = asyncio.get_running_loop().time
        pause = _POLL_SECONDS
        looked = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            self._wake.clear()
            try:
                async with self._flushing:
                    await self._flush(self._take_offered())
                    if self._must_look or time() - looked >= _POLL_SECONDS:
                        self._must_look, looked = False, time()
                        await self._flush(await self._find_unpublished())
                pause = _POLL_SECONDS
            except Unavailable as error:
                logger.warning("publishing_paused", code=error.reason)
                await self._abandon_producer()
                self._must_look = True
                pause = min(pause * 2, 5.0)

    async def drain(self) -> None:
        """Publish everything that is known of; for an orderly stop.

        :raises Unavailable: if the log or the database is away; what is left stays in the outbox.
        """
        async with self._flushing:
            await self._flush(self._take_offered())
            await self._flush(await self._find_unpublished())

    async def stop(self) -> None:
        """Let go of the producer without waiting for answers that do not come."""
        await self._abandon_producer()

    def _take_offered(self) -> list[RecordBatch]:
        """Return what continues the sequence from memory; a gap asks for a look at the outbox."""
        offered, self._offered = self._offered, []
        following = dict(self._next)
        ready = []
        for batch in offered:
            expected = following.get(batch.target)
            if batch.first == expected:
                ready.append(batch)
                following[batch.target] = batch.following
            elif expected is None or batch.first > expected:
                self._must_look = True
        return ready

    async def _find_unpublished(self) -> list[RecordBatch]:
        """Return what waits in the outbox of the owned partitions, and step over what does not."""
        if not self._owned:
            return []
        async with self._database.connection() as connection:
            sight = await outbox.look(connection, partitions=sorted(self._owned))
            wanted = [
                (target, first) for target, first in sight.waiting if first >= self._next.get(target, 0)
            ]
            batches = await outbox.read(connection, wanted) if wanted else []
        await self._forget_published(sight)
        waits = {target for target, _ in wanted}
        for target, following in sight.next_sequences.items():
            if target not in waits:
                self._next[target] = max(self._next.get(target, 0), following)
        return batches

    async def _forget_published(self, sight: OutboxSight) -> None:
        """Delete rows that the log has acknowledged but whose deletion did not happen then."""
        stale = [
            RecordBatch(target, first, ())
            for target, first in sight.waiting
            if first < self._next.get(target, 0)
        ]
        if stale:
            async with self._database.transaction(durable=False) as transaction:
                await outbox.delete(transaction, stale)

    async def _flush(self, batches: Sequence[RecordBatch]) -> None:
        for start, end in _flushes(batches):
            await self._publish(batches[start:end])
        if not self._offered:
            self.oldest_unpublished = None

    async def _publish(self, batches: Sequence[RecordBatch]) -> None:
        producer = await self._connected_producer()
        numbered = [(batch.target, outbox.number(batch, producer=self._name)) for batch in batches]
        self._tripwire("before_publish")
        with self._metrics.timed("publish"):
            await producer.append(numbered)
        self._tripwire("after_publish")
        for batch in batches:
            self._next[batch.target] = batch.following
            self._metrics.sent(batch.target.topic, len(batch.records))
        async with self._database.transaction(durable=False) as transaction:
            await outbox.delete(transaction, batches)
        self._tripwire("after_delete")

    async def _connected_producer(self) -> Producer:
        if self._producer is None:
            producer = self._log.producer(name=self._name)
            await producer.start()
            self._producer = producer
        return self._producer

    async def _abandon_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            self._metrics.producer_rebuilt()
            await producer.stop()


def _flushes(batches: Sequence[RecordBatch]) -> list[tuple[int, int]]:
    """Cut into runs of batches that together hold no more records than one flush should."""
    runs: list[tuple[int, int]] = []
    start = 0
    records = 0
    for index, batch in enumerate(batches):
        if records and records + len(batch.records) > _RECORDS_PER_FLUSH:
            runs.append((start, index))
            start, records = index, 0
        records += len(batch.records)
    if start < len(batches):
        runs.append((start, len(batches)))
    return runs
