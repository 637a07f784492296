"""The loop: fetch, decode, load, fold, commit, publish. Every stateful step of every service.

One batch is one PostgreSQL transaction: the fence and the marks first, then states under their
version check, timers, dead letters, and last the sequences with the outgoing record batches. What
was committed is published by :mod:`shared.processor.loop.publisher` while the next batch is under way.

The log's group only shares out partitions. A rebalance callback sets flags and waits, within a
deadline, for the open transaction; claiming, seeking and publishing what a predecessor left happen
in this task, and nothing new is taken before they have succeeded. Whatever fails, the way back is
the same: forget what is in memory, make sure of the claim, read positions and marks, seek.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.log.port import Consumer, Log, OffsetOutOfRange, TopicPartition
from shared.postgres.database import Database
from shared.processor.batch import Account, Batch, BatchReader
from shared.processor.fold import Announcer, Tripwire
from shared.processor.loop.claiming import Claiming
from shared.processor.loop.gauges import Gauges
from shared.processor.loop.publisher import Publisher
from shared.processor.loop.reading_ahead import Reading, ReadingAhead
from shared.processor.loop.ringing import Ringing
from shared.processor.loop.standing import LoopSettings, Standing
from shared.processor.replay import Replays
from shared.processor.stage import SharedStage, Stage
from shared.processor.tables import dead_letters, fence, outbox
from shared.processor.tables.dead_letters import Halt
from shared.processor.tables.outbox import RecordBatch
from shared.processor.transaction import Bench, Journal, commit, no_journal, step_of
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import ProcessorMetrics
from shared.telemetry.tracing import Tracing

S = TypeVar("S")

logger = get_logger(__name__)


class Worker(Generic[S]):
    """One member of a service's group; run it until it is stopped."""

    def __init__(
        self,
        *,
        stage: Stage[S] | SharedStage,
        log: Log,
        database: Database,
        clock: Clock,
        metrics: ProcessorMetrics,
        member: str,
        settings: LoopSettings | None = None,
        tripwire: Tripwire = lambda _: None,
        journal: Journal = no_journal,
    ) -> None:
        self.settings = settings or LoopSettings()
        self.standing = Standing()
        self._stage = stage
        self._log = log
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._member = member
        self._tripwire = tripwire
        self.publisher = Publisher(
            name=stage.name, log=log, database=database, metrics=metrics, tripwire=tripwire
        )
        announcer = Announcer(
            source=f"/leadmill/{stage.name}",
            partitions=self.settings.partitions,
            max_record_bytes=self.settings.max_record_bytes,
        )
        self._bench = Bench(
            announcer=announcer,
            database=database,
            clock=clock,
            metrics=metrics,
            tripwire=tripwire,
            journal=journal,
        )
        self._step = step_of(stage, self._bench)
        self._reader = BatchReader(stage, metrics, flood=self.settings.flood)
        self._ringing = Ringing(database, clock, limit=self.settings.batch_records)
        self._rings = stage.sets_timers
        self._claim = fence.Claim()
        self._held: Sequence[RecordBatch] = ()
        self._claiming = Claiming(stage, log=log, database=database, partitions=self.settings.partitions)
        self._gauges = Gauges(self.standing, metrics=metrics, clock=clock, group=stage.group)
        self._claims_wanted = False
        self._raises_epoch = False
        self._is_stopping = False
        self._publishing: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._halts_looked = 0.0
        self._reported = 0.0

    def trace_with(self, tracing: Tracing) -> None:
        """Record a span for each fact that belongs to a sampled trace, below the request it came from."""
        self._gauges.trace_with(tracing)

    def replays(self) -> Replays:
        """Return what replays this worker's dead letters; it need not run for that."""
        return Replays(self._stage, self._bench)

    async def run(self) -> None:
        """Work until :meth:`stop`; whatever is away is waited for, with growing pauses."""
        pause = 0.1
        self._publishing = publishing = asyncio.create_task(self.publisher.run())  # noqa: TID251 - ends here
        try:
            while not self._is_stopping:
                joined = asyncio.get_running_loop().time()
                try:
                    await self._claiming.check_topics()
                    await self._work_as_member()
                except fence.Fenced:
                    self._metrics.fence_conflict()
                    logger.warning("fenced", group=self._stage.group)
                except Unavailable as error:
                    self.standing.waits_for = error.reason
                    logger.warning("waiting", group=self._stage.group, code=error.reason)
                if asyncio.get_running_loop().time() - joined > 10:
                    pause = 0.1
                if not self._is_stopping:
                    await self._rest(pause)
                    pause = min(pause * 2, self.settings.longest_pause.total_seconds())
        finally:
            publishing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await publishing
            await self.publisher.stop()

    def stop(self) -> None:
        """End after the batch in hand; :meth:`run` then publishes, leaves the group and returns."""
        self._is_stopping = True

    async def _rest(self, seconds: float) -> None:
        """Pause with jitter, in steps, so that a stop does not wait for it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds * random.uniform(0.5, 1.0)
        while not self._is_stopping and loop.time() < end:
            self._beat()
            await asyncio.sleep(min(0.1, max(0.0, end - loop.time())))

    def _beat(self) -> None:
        self.standing.beat = asyncio.get_running_loop().time()
        self._metrics.beat()

    async def _work_as_member(self) -> None:
        consumer = self._log.consumer(group=self._stage.group, topics=self._stage.topics, member=self._member)
        ahead = ReadingAhead(
            consumer,
            self._reader,
            self._ringing,
            standing=self.standing,
            metrics=self._metrics,
            settings=self.settings,
        )
        self._forget()
        try:
            await consumer.start(on_assigned=self._on_assigned, on_revoked=self._on_revoked)
            while not self._is_stopping:
                self._beat()
                await self._turn(consumer, ahead)
            await self._finish(consumer)
        finally:
            self.publisher.release()
            self.standing.is_claimed = False
            try:
                await ahead.drop()
            finally:
                await consumer.stop()

    async def _on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        self._metrics.rebalanced(len(partitions))
        self.standing.assigned = partitions
        self.standing.progress = asyncio.get_running_loop().time()
        self._forget()
        self._claims_wanted = self._raises_epoch = True

    async def _on_revoked(self, partitions: frozenset[TopicPartition]) -> None:
        self._forget()
        self._claims_wanted = False
        self.standing.assigned = frozenset()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.revoke_deadline.total_seconds()):
                await self._idle.wait()

    def _forget(self) -> None:
        """Believe nothing any more; the next turn makes sure of the claim first, and reads the outbox."""
        self._claim = fence.Claim()
        self._held = ()
        self.standing.is_claimed = False

    async def _turn(self, consumer: Consumer, ahead: ReadingAhead) -> None:
        """Do one thing: claim, or fetch and process a batch, or wait for what is away."""
        if self._publishing is not None and self._publishing.done():
            self._publishing.result()  # it never ends by itself: this raises what ended it
        try:
            self._idle.clear()
            if self._claims_wanted:
                await ahead.drop()
                await self._make_claim(consumer)
            elif self.standing.is_claimed:
                await self._look_for_resumed(consumer)
            self._idle.set()
            reading = await ahead.take(self._claim)
            if self.standing.is_claimed and reading.claim is self._claim:
                self._idle.clear()
                await self._process(consumer, reading, ahead)
                self.standing.waits_for = None
        except OffsetOutOfRange as error:
            await self._halt_lost(consumer, error)
        except fence.Fenced:
            raise
        except Unavailable as error:
            self._idle.set()
            await ahead.drop()
            await self._wait_out(consumer, error)
        finally:
            self._idle.set()

    async def _wait_out(self, consumer: Consumer, error: Unavailable) -> None:
        """Something is away: stay in the group with everything paused, then start from the claim."""
        logger.warning("paused", group=self._stage.group, code=error.reason)
        self.standing.waits_for = error.reason
        had_assignment = bool(self.standing.assigned)
        epochs = dict(self._claim.epochs)
        self._forget()
        if had_assignment:
            self._claims_wanted = True
            self._raises_epoch = self._raises_epoch or not epochs
            self._claim.epochs = epochs
        consumer.pause(self.standing.assigned)
        end = asyncio.get_running_loop().time() + error.retry_after * random.uniform(0.25, 1.0)
        while not self._is_stopping and (left := end - asyncio.get_running_loop().time()) > 0:
            self._beat()
            with contextlib.suppress(Unavailable, OffsetOutOfRange):
                await consumer.fetch(max_records=1, timeout=min(left, 0.25))
            await asyncio.sleep(0.05)

    async def _make_claim(self, consumer: Consumer) -> None:
        """Fence off predecessors, read what they committed, publish what they left, then seek."""
        partitions = self.standing.assigned
        numbers = sorted({tp.partition for tp in partitions})
        self._tripwire("before_claim")
        if self._raises_epoch:
            epochs = await self._claiming.take(numbers)
        else:
            epochs = await self._claiming.make_sure(self._claim.epochs)
        self._tripwire("during_claim")
        await self.publisher.take_over(numbers)
        await self._database.listen(outbox.channel_of(self._database.schema), self.publisher.notice)
        claim, halts = await self._claiming.read(partitions, epochs)
        if self.standing.assigned != partitions:
            return
        self._claim = claim
        self._set_halts(halts)
        self._claims_wanted = self._raises_epoch = False
        # what was away is back: the watchdog's patience begins here, not at the last commit before
        self.standing.progress = asyncio.get_running_loop().time()
        self.standing.is_claimed = True
        self.standing.waits_for = None
        self._ringing.forget()
        consumer.seek(claim.positions)
        stopped = [tp for tp, halt in self.standing.halted.items() if not halt.resumed]
        consumer.resume([tp for tp in claim.positions if tp not in stopped])
        consumer.pause(stopped)
        self._tripwire("after_claim")

    async def _process(self, consumer: Consumer, reading: Reading, ahead: ReadingAhead) -> None:
        batch, claim, _ = reading
        if self._rings:
            batch.until = self._ringing.until(consumer.watermarks(), batch.positions_after(claim))
            batch.due = await self._ringing.find(batch.until)
        self._gauges.watch_lag(consumer, claim, self.publisher, is_idle=batch.is_empty)
        if batch.is_empty:
            self._offer_held()
            return
        if not await self._wait_for_room():
            return
        begun = asyncio.get_running_loop().time()
        account = await commit(
            self._step, batch, claim, self._metrics, meanwhile=lambda: self._use_the_wait(ahead, reading)
        )
        self._believe(batch, claim)
        seconds = asyncio.get_running_loop().time() - begun
        self._gauges.measure(reading, seconds)
        self._ringing.measure(len(account.rung), seconds, records=len(batch.learned))
        self._held = account.batches
        if not ahead.has_plenty:
            self._offer_held()
        self._tripwire("after_offer")
        await self._after_commit(consumer, batch, account)

    def _use_the_wait(self, ahead: ReadingAhead, reading: Reading) -> None:
        """The database is busy with this batch: read the next one, publish the last one."""
        ahead.begin(reading)
        self._offer_held()

    def _offer_held(self) -> None:
        """Publish what was committed. While plenty is there to be read, it waits for the next transaction."""
        held, self._held = self._held, ()
        self.publisher.offer(held)

    async def _wait_for_room(self) -> bool:
        """Hold the batch back while too much waits to be published; False if it must be dropped."""
        while not self.publisher.has_room:
            self.standing.waits_for = "log.backlog"
            self._beat()
            await asyncio.sleep(0.05)
            if self._is_stopping or not self.standing.is_claimed:
                return False
        return True

    def _believe(self, batch: Batch, claim: fence.Claim) -> None:
        """The batch is committed: what it moved is now what is known."""
        claim.positions.update(batch.positions_after(claim))
        self._reader.learn(batch)
        self.standing.progress = asyncio.get_running_loop().time()

    async def _after_commit(self, consumer: Consumer, batch: Batch, account: Account) -> None:
        self._ringing.learn(account.earliest_timer)
        if batch.halts or batch.passed_halts:
            halts = {tp: halt for tp, halt in self.standing.halted.items() if tp not in batch.passed_halts}
            self._set_halts(halts | {halt.target: halt for halt in batch.halts})
            consumer.pause([halt.target for halt in batch.halts])
            for halt in batch.halts:
                logger.error(
                    "halted", topic=halt.target.topic, partition=halt.target.partition, code=halt.code
                )
        if self.standing.progress - self._reported > 1:
            self._reported = self.standing.progress
            await consumer.report(self._claim.positions)

    def _set_halts(self, halts: Mapping[TopicPartition, Halt]) -> None:
        self.standing.halted = dict(halts)
        self._metrics.halted(is_halted=any(not halt.resumed for halt in halts.values()))

    async def _look_for_resumed(self, consumer: Consumer) -> None:
        """Once a second, see whether somebody has resumed a halted partition."""
        stopped = {tp for tp, halt in self.standing.halted.items() if not halt.resumed}
        now = asyncio.get_running_loop().time()
        if not stopped or now - self._halts_looked < 1:
            return
        self._halts_looked = now
        halts = await self._claiming.read_halts(self._claim.epochs)
        self._set_halts(halts)
        back = [tp for tp in stopped if tp not in halts or halts[tp].resumed]
        if back:
            consumer.seek({tp: self._claim.positions[tp] for tp in back})
            consumer.resume(back)
            logger.info("resumed", group=self._stage.group, partitions=len(back))

    async def _halt_lost(self, consumer: Consumer, error: OffsetOutOfRange) -> None:
        """Records were removed before they were read: halt these partitions and name them."""
        halts = [
            Halt(tp, error.reason, at, "records were removed before they were read")
            for tp, at in error.positions.items()
        ]
        async with self._database.transaction() as transaction:
            await dead_letters.save_halts(transaction, group=self._stage.group, halts=halts)
        self._set_halts({**self.standing.halted, **{halt.target: halt for halt in halts}})
        consumer.pause([halt.target for halt in halts])
        logger.error("halted", code=error.reason, partitions=len(halts))

    async def _finish(self, consumer: Consumer) -> None:
        """An orderly stop: say what was committed, tell the log how far we are."""
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(self.settings.revoke_deadline.total_seconds()):
                await self.publisher.drain()
                await consumer.report(self._claim.positions)
