"""Replay: a dead letter's untouched bytes through the normal path, once.

A replay is a command with the dead letter's id as its idempotency key: it locks what it needs,
handles the fact, writes to the outbox and marks the letter, all in one transaction. Replayed twice,
also by two people at once, it takes effect once. The fact keeps the id it always had.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from shared.kernel.changes import Fact
from shared.kernel.errors import Rejected, Verdict
from shared.log.port import Headers
from shared.postgres.database import Transaction
from shared.postgres.faults import WriteConflict
from shared.processor.commands import keep_reply, take_key
from shared.processor.fold import Fold, Output
from shared.processor.stage import SharedStage, Stage
from shared.processor.tables import dead_letters, outbox, timers
from shared.processor.tables.dead_letters import DeadLetter, load_letter
from shared.processor.transaction import Bench, VersionConflict, announce_rung, save_folded

_ATTEMPTS = 20
_DONE = b"true"


class Replayed(StrEnum):
    """What became of one replay."""

    APPLIED = "applied"
    BEFORE = "replayed before"
    REFUSED = "refused again"


class ReplayResult(NamedTuple):
    """The answer for one dead letter; ``code`` says why it was refused."""

    id: str
    result: Replayed
    code: str = ""


class LetterUnknown(Rejected):
    """There is no dead letter with this id; `leadmill dlq list` shows those there are."""

    code = "dlq.letter_unknown"


class _LetterRecord(NamedTuple):
    """A dead letter in the shape of the record it was."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Replays:
    """Replays the dead letters of one stage."""

    def __init__(self, stage: Stage[Any] | SharedStage, bench: Bench) -> None:
        self._stage = stage
        self._bench = bench

    async def replay(self, letter_id: str) -> ReplayResult:
        """Replay one dead letter.

        :raises LetterUnknown: if there is none with this id.
        :raises Unavailable: if the database does not answer; ask again.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return await self._attempt(letter_id)
            except (WriteConflict, VersionConflict):
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _attempt(self, letter_id: str) -> ReplayResult:
        database = self._bench.database
        key = f"replay/{letter_id}"
        try:
            async with database.transaction() as transaction:
                letter = await load_letter(transaction, letter_id)
                if letter is None:
                    raise LetterUnknown
                done = await take_key(
                    transaction, idempotency_key=key, digest=b"replay", received=self._bench.clock.now()
                )
                if done is not None:
                    return ReplayResult(letter_id, Replayed.BEFORE)
                output = await self._apply(transaction, letter)
                await transaction.execute(
                    "UPDATE dead_letter SET replayed = clock_timestamp() WHERE id = $1", letter_id
                )
                await keep_reply(transaction, idempotency_key=key, reply=_DONE)
                batches = await outbox.write(transaction, output.by_partition())
                await outbox.notify_others(transaction, batches, channel=outbox.channel_of(database.schema))
        except LetterUnknown:
            raise
        except Rejected as error:
            return ReplayResult(letter_id, Replayed.REFUSED, error.reason)
        return ReplayResult(letter_id, Replayed.APPLIED)

    async def _apply(self, transaction: Transaction, letter: DeadLetter) -> Output:
        record = _LetterRecord(*letter[1:4], letter.timestamp, letter.key, letter.value, letter.headers)
        fact = self._stage.read(record)
        if fact is None:
            return Output()
        if isinstance(self._stage, SharedStage):
            return await self._apply_shared(transaction, self._stage, fact)
        return await self._fold(transaction, self._stage, fact)

    async def _fold(self, transaction: Transaction, stage: Stage[Any], fact: Fact) -> Output:
        loaded = await stage.load(transaction, {fact.key: [fact]}, lock=True)
        ringing = await timers.load_timers(transaction, keys=[fact.key]) if stage.sets_timers else {}
        fold = Fold(stage, self._bench.announcer, loaded, ringing)
        fold.learn(fact)
        folded = fold.finish()
        await save_folded(transaction, stage, folded)
        return folded.output

    async def _apply_shared(self, transaction: Transaction, stage: SharedStage, fact: Fact) -> Output:
        output = Output()
        for decision in await stage.apply(transaction, [fact]):
            if decision.error is not None:
                raise decision.error
            failed = announce_rung(stage.group, self._bench.announcer, decision, output)
            await dead_letters.save(transaction, failed)
            output.add(self._bench.announcer.announce(decision.emissions, fact))
        return output


async def replay_all(replays: Replays, letter_ids: Sequence[str]) -> list[ReplayResult]:
    """Replay dead letters one after the other, in the order given; a bug in one is named, not hidden."""
    results = []
    for letter_id in letter_ids:
        try:
            results.append(await replays.replay(letter_id))
        except Verdict:
            raise
        except Exception as error:  # noqa: BLE001 - the handler still fails on it; the letter stays
            results.append(ReplayResult(letter_id, Replayed.REFUSED, type(error).__name__))
    return results
