"""Reading ahead: the next batch is fetched and decoded while the one in hand is being committed.

Committing is mostly waiting for the database, reading is mostly work of our own, so the two share a
core well. What is read ahead is believed to follow a batch that commits; if that one does not, the
claim is forgotten, and with it everything that was read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from shared.kernel.errors import Verdict
from shared.log.port import Consumer, Record, TopicPartition
from shared.processor.batch import Batch, BatchReader
from shared.processor.loop.ringing import Ringing
from shared.processor.loop.standing import LoopSettings, Standing
from shared.processor.tables.fence import Claim
from shared.telemetry.metrics import ProcessorMetrics

_PATIENCE_SECONDS: Final = 1.0


class Reading(NamedTuple):
    """A batch, the claim under which it was read, and the records it was read from."""

    batch: Batch
    claim: Claim
    fetched: Mapping[TopicPartition, Sequence[Record]]


class ReadingAhead:
    """Fetches and reads batches for one consumer; make one per stay in the group."""

    def __init__(
        self,
        consumer: Consumer,
        reader: BatchReader,
        ringing: Ringing,
        *,
        standing: Standing,
        metrics: ProcessorMetrics,
        settings: LoopSettings,
    ) -> None:
        self._consumer = consumer
        self._reader = reader
        self._ringing = ringing
        self._standing = standing
        self._metrics = metrics
        self._settings = settings
        self._ahead: asyncio.Task[Reading] | None = None

    @property
    def has_plenty(self) -> bool:
        """Whether the next batch has been read already and is at least half full.

        Then the step is behind, and what it does at once counts for more than what it does first.
        """
        ahead = self._ahead
        if ahead is None or not ahead.done() or ahead.cancelled() or ahead.exception() is not None:
            return False
        return self._is_plenty(ahead.result())

    def _is_plenty(self, reading: Reading) -> bool:
        return sum(len(records) for records in reading.fetched.values()) * 2 >= self._settings.batch_records

    async def take(self, claim: Claim) -> Reading:
        """Return the next batch: what was read ahead, else what is fetched now.

        :raises OffsetOutOfRange: if a position lies outside what the log still holds.
        :raises LogUnavailable: if the log does not answer.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            reading = await ahead
            if reading.claim is claim:
                return reading
        return await self._read(claim)

    def begin(self, reading: Reading) -> None:
        """Read on beyond a batch that is about to be committed, and is at least half full.

        After a smaller one the step is not behind: what comes while it commits is better read after it, in
        one batch, than to wait for a batch of what had come before. A batch that halts a partition is not
        read beyond: what follows the halt is not to be taken. Does nothing if it has begun already.
        """
        if self._ahead is None and not reading.batch.halts and self._is_plenty(reading):
            self._ahead = asyncio.create_task(  # noqa: TID251 - taken or dropped by the loop
                self._read(reading.claim)
            )

    async def drop(self) -> None:
        """Forget what was read ahead; whatever went wrong with it will show again."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await asyncio.wait({ahead}, timeout=_PATIENCE_SECONDS)
            ahead.cancel()
            with contextlib.suppress(asyncio.CancelledError, Verdict):
                await ahead

    async def _read(self, claim: Claim) -> Reading:
        self._ringing.sample()
        with self._metrics.timed("poll"):
            fetched = await self._consumer.fetch(
                max_records=self._settings.batch_records, timeout=self._settings.poll.total_seconds()
            )
        # halts as they are now: a partition may have been resumed since the fetch was asked for
        batch = self._reader.read(fetched, claim, halts=self._standing.halted)
        return Reading(batch, claim, fetched)
