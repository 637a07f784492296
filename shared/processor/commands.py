"""Commands: what a person or a system asks for over HTTP, as a batch of one.

A command takes the same path as a batch, but neither checks nor raises the fence's epoch: it locks
its lead, lets the timers that were due before it ring, handles, raises the lead's version (by which
the loop notices it) and writes to the outbox, whose owner publishes. Its place among the facts is
its commit. Its idempotency key is stored in its own transaction, so that a repeat, also after an
answer that was lost, gets the reply of the first time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from shared.kernel.changes import Fact, TimerKey
from shared.kernel.clock import Clock
from shared.kernel.errors import BUG_CODE, Rejected
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from shared.postgres.database import Database, Transaction
from shared.postgres.faults import CommitUnknown, WriteConflict
from shared.processor.batch import Account
from shared.processor.fold import Announcer, Fold, Output
from shared.processor.stage import SharedStage, Stage
from shared.processor.tables import dead_letters, outbox, timers
from shared.processor.tables.outbox import RecordBatch
from shared.processor.transaction import (
    Bench,
    Journal,
    VersionConflict,
    announce_rung,
    no_journal,
    rung_of,
    save_folded,
)
from shared.telemetry.metrics import ProcessorMetrics

S = TypeVar("S")

_ATTEMPTS = 50


class KeyReused(Rejected):
    """This idempotency key was used for another request; choose a new key."""

    code = "command.key_reused"


def commands_of(
    stage: Stage[S] | SharedStage,
    *,
    database: Database,
    clock: Clock,
    metrics: ProcessorMetrics,
    partitions: int,
    max_record_bytes: int,
    journal: Journal = no_journal,
) -> Commands[S]:
    """Return what carries out commands of a stage, in a process with or without its worker.

    What they say is published by the owner of the partition, who is told of it.
    """
    announcer = Announcer(
        source=f"/leadmill/{stage.name}", partitions=partitions, max_record_bytes=max_record_bytes
    )
    bench = Bench(announcer=announcer, database=database, clock=clock, metrics=metrics, journal=journal)
    return Commands(stage, bench)


class Commands(Generic[S]):
    """Runs commands of one stage; ``published`` is told what to publish if the owner is near."""

    def __init__(
        self,
        stage: Stage[S] | SharedStage,
        bench: Bench,
        *,
        published: Callable[[list[RecordBatch]], None] = lambda _: None,
    ) -> None:
        self._stage = stage
        self._bench = bench
        self._published = published

    async def run(self, *, key: str, command: object, received: Instant, idempotency_key: str) -> Any:
        """Carry out ``command`` on the lead ``key`` and return the handler's reply, as plain data.

        ``received`` is stored as the command's time and is its ``now``. A repeated idempotency key
        with the same command returns the first reply and does nothing.

        :raises Rejected: if the handler refuses, or the key was used for another command.
        :raises Unavailable: if the database does not answer; ask again with the same key.
        """
        digest = blake2b(
            msgspec.msgpack.encode([key, type(command).__name__, command]), digest_size=16
        ).digest()
        fact = Fact(deterministic_id("command", self._stage.name, idempotency_key), key, received, command)
        for attempt in range(_ATTEMPTS):
            try:
                return await self._attempt(fact, digest, idempotency_key)
            except (WriteConflict, VersionConflict, CommitUnknown):
                if attempt == _ATTEMPTS - 1:
                    raise
                self._bench.metrics.version_conflict()
                await asyncio.sleep(random.uniform(0, 0.02))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _attempt(self, fact: Fact, digest: bytes, idempotency_key: str) -> Any:
        database: Database = self._bench.database
        async with database.transaction() as transaction:
            done = await take_key(
                transaction, idempotency_key=idempotency_key, digest=digest, received=fact.received
            )
            if done is not None:
                return msgspec.json.decode(done)
            answer = await self._carry_out(transaction, fact)
            reply = msgspec.json.encode(answer.reply)
            await keep_reply(transaction, idempotency_key=idempotency_key, reply=reply)
            batches = await outbox.write(transaction, answer.output.by_partition())
            await outbox.notify_others(transaction, batches, channel=outbox.channel_of(database.schema))
            await self._bench.journal(
                transaction, Account(command=idempotency_key, fact=fact, batches=batches, rung=answer.rung)
            )
        self._published(batches)
        return msgspec.json.decode(reply)

    async def _carry_out(self, transaction: Transaction, fact: Fact) -> _Answer:
        if isinstance(self._stage, SharedStage):
            return await self._decide(transaction, self._stage, fact)
        stage = self._stage
        loaded = await stage.load(transaction, {fact.key: [fact]}, lock=True)
        ringing = await timers.load_timers(transaction, keys=[fact.key]) if stage.sets_timers else {}
        fold = Fold(stage, self._bench.announcer, loaded, ringing)
        reply = fold.learn(fact)
        folded = fold.finish()
        await save_folded(transaction, stage, folded)
        return _Answer(reply, folded.output, folded.rung)

    async def _decide(self, transaction: Transaction, stage: SharedStage, fact: Fact) -> _Answer:
        output = Output()
        (decision,) = await stage.apply(transaction, [fact])
        if decision.error is not None:
            if decision.error.reason == BUG_CODE:
                raise RuntimeError("a command could not be handled") from decision.error
            raise decision.error
        failed = announce_rung(stage.group, self._bench.announcer, decision, output)
        await dead_letters.save(transaction, failed)
        output.add(self._bench.announcer.announce(decision.emissions, fact))
        return _Answer(decision.reply, output, rung_of([decision]))


class _Answer(NamedTuple):
    """What a command came to: its reply, what is said, and the timers that rang before it."""

    reply: object
    output: Output
    rung: Sequence[tuple[TimerKey, Instant]]


async def take_key(
    transaction: Transaction, *, idempotency_key: str, digest: bytes, received: Instant
) -> bytes | None:
    """Take an idempotency key for this transaction; return the stored reply if it was taken before.

    :raises KeyReused: if it was taken for something else.
    """
    taken = await transaction.execute(
        "INSERT INTO command (idempotency_key, digest, received) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        idempotency_key,
        digest,
        received,
    )
    if taken:
        return None
    row = await transaction.fetch_row(
        "SELECT digest, reply FROM command WHERE idempotency_key = $1", idempotency_key
    )
    if row is None:
        raise WriteConflict
    if row["digest"] != digest:
        raise KeyReused
    reply: bytes = row["reply"]
    return reply


async def keep_reply(transaction: Transaction, *, idempotency_key: str, reply: bytes) -> None:
    """Store what a repeat of the same key is to be answered."""
    await transaction.execute(
        "UPDATE command SET reply = $2 WHERE idempotency_key = $1", idempotency_key, reply
    )
