"""The way into the raw topic: requests that come together are appended together.

One append is under way at a time; what arrives meanwhile goes with the next, and with one goes at most half
of all that is under way: clients that wait for their answers would else march in step, and nothing would be
worked on while they all wait for the log. A request is answered once the log has its records (acks=all).
If the log does not answer within a second, they go to the spill, and so does everything after them until the
spill is drained, because what one visitor does must stay in order. The last part of the spill is kept for
those who cannot send again: a browser that submits a form never does. Without a spill, or without room in
it, the answer is *unavailable*.

Records of the raw topic have no sequence: edges are stateless, so a record that was appended twice is
dropped by its id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from shared.contracts.topics import RAW, partition_of
from shared.kernel.errors import Unavailable
from shared.log.port import Log, LogUnavailable, NewRecord, Producer, RecordTooLarge, TopicPartition
from shared.log.spill import Spill, SpillFull, SpillReserved
from shared.telemetry.logging import get_logger

_DRAINED_AT_ONCE: Final = 500
_NEVER_PARTED: Final = 32
"""Records that are too few to be parted: each append has its price."""
_DRAIN_SECONDS: Final = 10.0
_LONGEST_PAUSE: Final = 2.0
_REFUSED_SECONDS: Final = 10.0
_RESERVED_SECONDS: Final = 5.0

logger = get_logger(__name__)


class EdgeBusy(Unavailable):
    """More is waiting for the log than this process may hold; send it again shortly."""

    code = "edge.busy"


class SpillMeter(Protocol):
    """Counts what happens here; never blocks, never raises."""

    def spilled(self, count: int) -> None:
        """Count records that went to the spill."""
        ...

    def drained(self, count: int) -> None:
        """Count records that came back out of it."""
        ...

    def spill_is(self, *, is_in_use: bool, size: int) -> None:
        """Say whether records go to the spill instead of the log now, and how many bytes it has."""
        ...


@dataclass(slots=True)
class _Waiting:
    records: Sequence[NewRecord]
    is_last_chance: bool
    kept: asyncio.Future[None]


class RawLog:
    """Appends to the raw topic; run it, and let requests call :meth:`append`.

    ``most_waiting`` bounds the records that wait in memory; ``largest_record`` is what the log takes,
    in bytes, so that nothing goes to the spill that the log would refuse afterwards.
    """

    def __init__(
        self,
        *,
        log: Log,
        partitions: int,
        meter: SpillMeter,
        spill: Spill | None = None,
        patience: timedelta = timedelta(seconds=1),
        most_waiting: int = 50_000,
        largest_record: int = 900_000,
    ) -> None:
        self._log = log
        self._partitions = partitions
        self._meter = meter
        self._spill = spill
        self._patience = patience.total_seconds()
        self._most_waiting = most_waiting
        self._largest_record = largest_record
        self._waiting: list[_Waiting] = []
        self._count = 0
        self._last_count = 0
        self._has_begun = asyncio.Event()
        self._wake = asyncio.Event()
        self._producer: Producer | None = None
        self._spilling = asyncio.Event()
        self._spill_lock = asyncio.Lock()
        self._is_stopping = False
        self._is_reserved = False
        self._refused: Unavailable | None = None
        self._refused_at = 0.0

    @property
    def is_spilling(self) -> bool:
        """True while records go to the disk instead of the log."""
        return self._spilling.is_set()

    async def check(self) -> None:
        """Return if what comes in is kept.

        :raises Unavailable: why it is not, for ten seconds after something was refused.
        """
        now = asyncio.get_running_loop().time()
        if self._refused is not None and now - self._refused_at < _REFUSED_SECONDS:
            raise self._refused

    async def append(self, records: Sequence[NewRecord], *, is_last_chance: bool = False) -> None:
        """Return once the log, or the spill, has every record for good.

        ``is_last_chance`` marks what whoever sent it will not send again.

        :raises EdgeBusy: if too much is waiting.
        :raises LogUnavailable: if the log does not answer and there is no spill.
        :raises SpillReserved: if what room the spill has is for what will not be sent again.
        :raises SpillFull: if there is no room in the spill either.
        :raises RecordTooLarge: if a record is larger than the log takes.
        """
        if self._is_stopping or self._count + len(records) > self._most_waiting:
            raise EdgeBusy
        if self._is_reserved and not is_last_chance:
            raise _reserved()
        if not self._has_begun.is_set():
            await self._begin()
        for record in records:
            if len(record.value or b"") > self._largest_record:
                raise RecordTooLarge
        waiting = _Waiting(records, is_last_chance, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._count += len(records)
        self._wake.set()
        await waiting.kept

    async def _begin(self) -> None:
        """Wait for :meth:`run`, but not for long: a process whose schema is behind holds it back."""
        try:
            async with asyncio.timeout(self._patience):
                await self._has_begun.wait()
        except TimeoutError:
            raise EdgeBusy from None

    async def run(self) -> None:
        """Work until :meth:`stop`; what waits then is still appended."""
        if self._spill is not None:
            await asyncio.to_thread(self._spill.open)
            if not self._spill.is_empty:
                self._spilling.set()
            await self._look_at(self._spill)
        self._has_begun.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                draining = tasks.create_task(self._drain()) if self._spill is not None else None
                await self._write()
                if draining is not None:
                    draining.cancel()
        finally:
            self._fail(self._take_all(), LogUnavailable())
            await self._abandon_producer()
            if self._spill is not None:
                await asyncio.to_thread(self._spill.close)

    def stop(self) -> None:
        """End once everything that waits has been answered."""
        self._is_stopping = True
        self._wake.set()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self.is_spilling:
                if waiting := self._take_all():
                    await self._keep_on_disk(waiting)
            elif waiting := self._take_share():
                await self._append_together(waiting)
            if self._waiting:
                self._wake.set()
            elif self._is_stopping:
                return

    def _take_all(self) -> list[_Waiting]:
        waiting, self._waiting = self._waiting, []
        self._count = self._last_count = 0
        return waiting

    def _take_share(self) -> list[_Waiting]:
        """Take who came first, up to half of what waits and what was just appended, which comes again."""
        share = max(_NEVER_PARTED, (self._count + self._last_count + 1) // 2)
        taken = count = 0
        while count < share and taken < len(self._waiting):
            count += len(self._waiting[taken].records)
            taken += 1
        waiting, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._count -= count
        self._last_count = count
        return waiting

    async def _append_together(self, waiting: list[_Waiting]) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._send([record for one in waiting for record in one.records])
        except RecordTooLarge as error:
            await self._abandon_producer()
            if len(waiting) == 1:
                self._fail(waiting, error)
                return
            for one in waiting:
                await self._append_together([one])
        except (Unavailable, TimeoutError) as error:
            await self._abandon_producer()
            if self._spill is None:
                self._refuse(waiting, LogUnavailable(code=_reason_of(error)))
                return
            logger.warning("spilling")
            self._spilling.set()
            await self._keep_on_disk(waiting)
        else:
            self._take_as_kept(waiting)

    async def _send(self, records: Sequence[NewRecord]) -> None:
        batches: dict[int, list[NewRecord]] = {}
        for record in records:
            batches.setdefault(partition_of(record.key or b"", self._partitions), []).append(record)
        if self._producer is None:
            producer = self._log.producer(name="ingest-edge")
            self._producer = producer
            await producer.start()
        await self._producer.append(
            [(TopicPartition(RAW.name, number), batches[number]) for number in sorted(batches)]
        )

    async def _keep_on_disk(self, waiting: list[_Waiting]) -> None:
        assert self._spill is not None
        async with self._spill_lock:
            is_late = not self.is_spilling  # drained while we stood in line
            if not is_late:
                await self._spill_together(self._spill, waiting)
                await self._look_at(self._spill)
        if is_late:
            await self._append_together(waiting)

    async def _spill_together(self, spill: Spill, waiting: Sequence[_Waiting]) -> None:
        """Keep all of them on disk, or if there is no room for all, as many last chances as fit."""
        records = [record for one in waiting for record in one.records]
        last_chances = [one for one in waiting if one.is_last_chance]
        only_last_chances = len(last_chances) == len(waiting)
        try:
            await asyncio.to_thread(spill.append, records, may_use_reserve=only_last_chances)
        except (SpillReserved, SpillFull) as error:
            if last_chances and not only_last_chances:
                self._fail([one for one in waiting if not one.is_last_chance], _reserved())
                await self._spill_together(spill, last_chances)
            elif last_chances and len(waiting) > 1:
                middle = len(waiting) // 2
                await self._spill_together(spill, waiting[:middle])
                await self._spill_together(spill, waiting[middle:])
            elif isinstance(error, SpillReserved):
                self._fail(waiting, _reserved())
            else:
                self._refuse(waiting, error)
        except Unavailable:
            self._refuse(waiting, LogUnavailable())
        else:
            self._meter.spilled(len(records))
            self._take_as_kept(waiting)

    async def _look_at(self, spill: Spill) -> None:
        size, has_only_reserve = await asyncio.to_thread(lambda: (spill.size(), spill.has_only_reserve))
        self._is_reserved = self.is_spilling and has_only_reserve
        self._meter.spill_is(is_in_use=self.is_spilling, size=size)

    async def _drain(self) -> None:
        assert self._spill is not None
        pause = 0.1
        while True:
            await self._spilling.wait()
            async with self._spill_lock:
                records = await asyncio.to_thread(self._spill.read, limit=_DRAINED_AT_ONCE)
                if not records:
                    self._spilling.clear()
                    logger.info("spill_drained")
                await self._look_at(self._spill)
                if not records:
                    continue
            try:
                async with asyncio.timeout(_DRAIN_SECONDS):
                    await self._send(records)
            except (Unavailable, TimeoutError):
                await self._abandon_producer()
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = 0.1
            self._spill.forget()
            self._meter.drained(len(records))

    async def _abandon_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Unavailable):
                await producer.stop()

    def _take_as_kept(self, waiting: Sequence[_Waiting]) -> None:
        self._refused = None
        for one in waiting:
            if not one.kept.done():
                one.kept.set_result(None)

    def _refuse(self, waiting: Sequence[_Waiting], error: Unavailable) -> None:
        self._refused, self._refused_at = error, asyncio.get_running_loop().time()
        self._fail(waiting, error)

    @staticmethod
    def _fail(waiting: Sequence[_Waiting], error: Exception) -> None:
        for one in waiting:
            if not one.kept.done():
                one.kept.set_exception(error)


def _reserved() -> SpillReserved:
    return SpillReserved(retry_after=_RESERVED_SECONDS)


def _reason_of(error: Exception) -> str | None:
    return error.reason if isinstance(error, LogUnavailable) else None
