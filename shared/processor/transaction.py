"""One batch, one transaction, entirely or not at all.

For a stage with a state per lead, loading and folding happen before the transaction; the version
check inside it tells if a command came in between, and then the batch forgets what it loaded and
is handled again. For a stage with shared rows everything happens inside.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Generic, Protocol, TypeVar

from shared.kernel.changes import Fact, TimerKey
from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected, Unavailable
from shared.kernel.instants import Instant
from shared.log.port import TopicPartition
from shared.postgres.database import Database, Transaction
from shared.postgres.faults import WriteConflict
from shared.processor.batch import Account, Batch
from shared.processor.fold import Announcer, Fold, Folded, Output, Said, TimerRecord, Tripwire
from shared.processor.stage import Decision, Loaded, Outcome, Reading, SharedStage, Stage
from shared.processor.tables import dead_letters, fence, outbox, receipts, timers
from shared.processor.tables.dead_letters import DeadLetter, describe
from shared.processor.tables.outbox import RecordBatch
from shared.processor.tables.timers import ring
from shared.telemetry.metrics import ProcessorMetrics

S = TypeVar("S")

Journal = Callable[[Transaction, Account], Awaitable[None]]
"""Called as the last thing inside a transaction, with what it does."""


Meanwhile = Callable[[], None]
"""Starts work that suits the time in which the database is busy."""


def nothing_meanwhile() -> None:
    """Start nothing."""


class VersionConflict(Unavailable):
    """A command changed one of these leads meanwhile; the batch is handled again."""

    code = "processor.version_conflict"


async def no_journal(transaction: Transaction, account: Account) -> None:
    """Keep no journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every transaction of a worker is made with."""

    announcer: Announcer
    database: Database
    clock: Clock
    metrics: ProcessorMetrics
    tripwire: Tripwire = lambda _: None
    journal: Journal = no_journal


class Step(Protocol):
    """Commits batches."""

    async def attempt(
        self, batch: Batch, claim: fence.Claim, meanwhile: Meanwhile = nothing_meanwhile
    ) -> Account:
        """Commit a batch, or undo it. :raises WriteConflict: if it is to be tried again."""
        ...


def step_of(stage: Stage[S] | SharedStage, bench: Bench) -> Step:
    """Return the step that suits the kind of stage."""
    return SharedStep(stage, bench) if isinstance(stage, SharedStage) else FoldingStep(stage, bench)


async def commit(
    step: Step,
    batch: Batch,
    claim: fence.Claim,
    metrics: ProcessorMetrics,
    *,
    meanwhile: Meanwhile = nothing_meanwhile,
) -> Account:
    """Commit the batch, trying again after conflicts with other writers.

    ``meanwhile`` is called just before the database gets most of its work, once per attempt.

    :raises Fenced: if another worker owns one of the partitions; nothing was done.
    :raises CommitUnknown: if the answer to COMMIT was lost.
    :raises Unavailable: if the database went away; nothing was done.
    """
    while True:
        try:
            return await step.attempt(batch, claim, meanwhile)
        except (VersionConflict, WriteConflict):
            metrics.version_conflict()
            await asyncio.sleep(random.uniform(0, 0.01))


class _Frame:
    """What both kinds of step do at the beginning and at the end of a transaction."""

    def __init__(self, stage: Reading, bench: Bench) -> None:
        self._reading = stage
        self.bench = bench

    async def open(self, transaction: Transaction, batch: Batch, claim: fence.Claim) -> None:
        """The fence, positions and marks, in one statement."""
        numbers = (
            {due.partition for due in batch.due}
            | batch.numbers
            | {halt.target.partition for halt in batch.halts}
        )
        await fence.advance(
            transaction,
            group=self._reading.group,
            epochs={number: claim.epochs[number] for number in numbers},
            moves=batch.moves,
            marks=batch.marks,
        )
        self.bench.tripwire("inside_transaction")

    async def close(
        self,
        transaction: Transaction,
        batch: Batch,
        claim: fence.Claim,
        *,
        output: Output,
        buried: Sequence[DeadLetter],
        account: Account,
    ) -> None:
        """Dead letters, halts, receipts, and last the sequences with the outgoing record batches."""
        dead = [*batch.dead, *buried]
        failed = self.bench.clock.now()
        await dead_letters.save(transaction, dead)
        for letter in dead:
            target = TopicPartition(self._reading.dead_letters, letter.partition)
            output.add([(target, dead_letters.announce(letter, failed=failed), False)])
        if batch.halts:
            await dead_letters.save_halts(transaction, group=self._reading.group, halts=batch.halts)
        if batch.passed_halts:
            await dead_letters.forget_halts(
                transaction, group=self._reading.group, targets=sorted(batch.passed_halts)
            )
        if self._reading.keeps_receipts:
            await receipts.save_receipts(
                transaction,
                group=self._reading.group,
                moves=batch.moves,
                tallies=batch.tallies,
                opened=claim.receipts,
            )
        account.batches = await outbox.write(transaction, output.by_partition())
        await self._tell_other_owners(transaction, account.batches, claim)
        await self.bench.journal(transaction, account)
        self.bench.tripwire("before_commit")

    async def _tell_other_owners(
        self, transaction: Transaction, batches: Sequence[RecordBatch], claim: fence.Claim
    ) -> None:
        foreign = [batch for batch in batches if batch.target.partition not in claim.epochs]
        if foreign:
            await outbox.notify_others(
                transaction, foreign, channel=outbox.channel_of(self.bench.database.schema)
            )

    def count(self, dead: Sequence[DeadLetter]) -> None:
        """Count dead letters by topic and code."""
        for letter in dead:
            self.bench.metrics.dead_letter(letter.topic, letter.code)


class FoldingStep(Generic[S]):
    """A state per lead: load, fold, then write under the version check."""

    def __init__(self, stage: Stage[S], bench: Bench) -> None:
        self._stage = stage
        self._bench = bench
        self._frame = _Frame(stage, bench)

    async def attempt(
        self, batch: Batch, claim: fence.Claim, meanwhile: Meanwhile = nothing_meanwhile
    ) -> Account:
        """See :class:`Step`."""
        folded = await self._fold(batch)
        batch.recount(buried=folded.dead)
        self._bench.tripwire("before_transaction")
        account = Account(
            moves=batch.moves,
            rung=folded.rung,
            earliest_timer=min((due for due in folded.timers.values() if due is not None), default=None),
        )
        with self._bench.metrics.timed("transaction"):
            async with self._bench.database.transaction() as transaction:
                await self._frame.open(transaction, batch, claim)
                meanwhile()
                await save_folded(transaction, self._stage, folded)
                await self._frame.close(
                    transaction, batch, claim, output=folded.output, buried=folded.dead, account=account
                )
        self._bench.tripwire("after_commit")
        self._frame.count([*batch.dead, *folded.dead])
        self._bench.metrics.timers_fired(len(folded.rung))
        return account

    async def _fold(self, batch: Batch) -> Folded[S]:
        facts: dict[str, list[Fact]] = {due.key: [] for due in batch.due}
        for fact, _ in batch.learned:
            facts.setdefault(fact.key, []).append(fact)
        fold = await self._prepare(batch, facts)
        with self._bench.metrics.timed("fold"):
            await fold.run(batch.learned)
            for due in batch.due:
                fold.ring_due(due.key, batch.until[due.partition] + 1)
        return fold.finish()

    async def _prepare(self, batch: Batch, facts: Mapping[str, Sequence[Fact]]) -> Fold[S]:
        """Load what the facts need: the states first, then what may ring (a command shows as a conflict)."""
        stage, bench = self._stage, self._bench
        loaded: Mapping[str, Loaded[S]] = {}
        ringing: Mapping[str, Mapping[str, Instant]] = {}
        if facts:
            with bench.metrics.timed("load"):
                async with bench.database.connection() as connection:
                    loaded = await stage.load(connection, facts)
                    if stage.sets_timers:
                        ringing = await timers.load_ringing(
                            connection,
                            keys=facts,
                            partitions={bench.announcer.home_of(key) for key in facts},
                            before=self._horizon(batch),
                        )
        return Fold(stage, bench.announcer, loaded, ringing)

    def _horizon(self, batch: Batch) -> Instant:
        """Return an instant before which everything that may ring in this batch is due."""
        last = max((fact.received for fact, _ in batch.learned), default=0)
        return max(last, max((batch.until[due.partition] for due in batch.due), default=0) + 1)


async def save_folded(transaction: Transaction, stage: Stage[S], folded: Folded[S]) -> None:
    """Write states under their version check, then timers.

    :raises VersionConflict: if a command has changed one of these leads since they were loaded.
    """
    if folded.writes and await stage.save(transaction, folded.writes) != len(folded.writes):
        raise VersionConflict
    if folded.timers:
        await timers.save_timers(transaction, folded.timers, partitions=folded.homes)


class SharedStep:
    """Shared rows: lock, load, decide and write, all inside the transaction."""

    def __init__(self, stage: SharedStage, bench: Bench) -> None:
        self._stage = stage
        self._bench = bench
        self._frame = _Frame(stage, bench)

    async def attempt(
        self, batch: Batch, claim: fence.Claim, meanwhile: Meanwhile = nothing_meanwhile
    ) -> Account:
        """See :class:`Step`."""
        self._bench.tripwire("before_transaction")
        account = Account(moves=batch.moves)
        facts = [fact for fact, _ in batch.learned]
        facts += [ring(self._stage.group, TimerKey(due.key, due.name), due.due) for due in batch.due]
        with self._bench.metrics.timed("transaction"):
            async with self._bench.database.transaction() as transaction:
                await self._frame.open(transaction, batch, claim)
                meanwhile()
                decisions = await self._stage.apply(transaction, facts) if facts else ()
                output, buried = self._announce(batch, facts, decisions)
                account.rung = rung_of(decisions)
                account.earliest_timer = min(
                    (one.next_due for one in decisions if one.next_due is not None), default=None
                )
                await self._frame.close(
                    transaction, batch, claim, output=output, buried=buried, account=account
                )
        self._bench.tripwire("after_commit")
        self._frame.count([*batch.dead, *buried])
        self._bench.metrics.timers_fired(len(account.rung))
        return account

    def _announce(
        self, batch: Batch, facts: Sequence[Fact], decisions: Sequence[Decision]
    ) -> tuple[Output, list[DeadLetter]]:
        """Turn decisions into records, and count them where they came from."""
        output = Output()
        buried: list[DeadLetter] = []
        duplicates: Counter[TopicPartition] = Counter()
        quarantined: Counter[TopicPartition] = Counter()
        records = [record for _, record in batch.learned]
        for fact, record, decision in zip_longest(facts, records, decisions):
            buried += announce_rung(self._stage.group, self._bench.announcer, decision, output)
            error = decision.error
            said: list[Said] = []
            try:
                said = self._bench.announcer.announce(decision.emissions, fact)
            except Rejected as refused:
                error = refused
            if record is not None and error is not None:
                buried.append(describe(record, group=self._stage.group, error=error, attempts=1))
                continue
            output.add(said)
            if record is not None and decision.outcome is not Outcome.PROCESSED:
                count = duplicates if decision.outcome is Outcome.DUPLICATE else quarantined
                count[TopicPartition(record.topic, record.partition)] += 1
        batch.recount(duplicates=duplicates, quarantined=quarantined, buried=buried)
        return output, buried


def rung_of(decisions: Sequence[Decision]) -> list[tuple[TimerKey, Instant]]:
    """Return the timers that rang, in order, with their due times."""
    return [(rung.timer, rung.fact.received) for decision in decisions for rung in decision.rung]


def announce_rung(group: str, announcer: Announcer, decision: Decision, output: Output) -> list[DeadLetter]:
    """Put what a decision's timers made the service say into ``output``; return those that failed."""
    buried = []
    for rung in decision.rung:
        error = rung.error
        try:
            output.add(announcer.announce(rung.emissions, rung.fact))
        except Rejected as refused:
            error = refused
        if error is not None:
            record = TimerRecord.of(rung.timer, announcer.home_of(rung.fact.key), rung.fact.received)
            buried.append(describe(record, group=group, error=error, attempts=1))
    return buried
