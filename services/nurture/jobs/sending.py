"""Sends what the ledger holds: claim and commit, send, record. Never twice, whatever dies when.

::

    planned ─claim, commit─► sending ─── the mail server takes it ──► sent
                                │ ────── it refuses for good ───────► failed
                                │ ────── it cannot now ─────────────► planned, after a while
                                └─ no word before the lease is over ► unconfirmed

Results are recorded as commands, so that the events about them have their numbers and their order.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple, Protocol

from services.nurture.domain.engagements import BOUNCE, BOUNCES, engagement
from services.nurture.domain.learnt import RecordResults, Result
from services.nurture.domain.messages import FAILED, SENT, UNCONFIRMED
from services.nurture.jobs.letters import Letter, Letters
from services.nurture.metrics import NurtureMetrics
from services.nurture.store.desk_rows import WAKING
from services.nurture.store.engagements import keep_engagements
from services.nurture.store.sending import (
    Claimed,
    Patience,
    claim_due,
    find_lost,
    find_unsendable,
    put_back,
)
from shared.delivery.outcomes import Accepted, Deferred, Outcome, Refused, Unknown
from shared.kernel.clock import Clock
from shared.kernel.errors import BUG_CODE, Rejected, Unavailable
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from shared.postgres.database import Database
from shared.telemetry.logging import get_logger

PATIENCE: Final = Patience(timedelta(seconds=5), timedelta(minutes=15))

_AT_ONCE: Final = 100
_AFTER_A_FAULT: Final = 1.0

logger = get_logger(__name__)


class Line(Protocol):
    """A way to hand messages over; ``shared.delivery.mail.MailLine`` is one."""

    async def send(self, message: bytes, *, sender: str, recipient: str) -> Outcome:
        """Hand one message over."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class RunsCommands(Protocol):
    """Carries commands out; ``shared.processor.commands.Commands`` does."""

    async def run(self, *, key: str, command: object, received: Instant, idempotency_key: str) -> Any:
        """Carry out a command once for each idempotency key."""
        ...


class Pace(NamedTuple):
    """How much at a time, for how long it is ours, and how often to look without being woken."""

    batch: int
    lease: timedelta
    longest_send: timedelta
    poll: timedelta
    patience: Patience = PATIENCE


class _Deferral(NamedTuple):
    """Messages of one claim that were not handed over, and why."""

    claim: str
    fault: str
    messages: Sequence[str]


class Sending:
    """One sender. Any number may run, in any number of processes."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        commands: RunsCommands,
        letters: Letters,
        line: Line | None,
        sender: str,
        pace: Pace,
        metrics: NurtureMetrics,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        """Without a ``line`` nothing is sent; what is too late or was lost is recorded all the same.

        Before each turn ``may_send`` is asked; while it says no, messages wait.
        """
        self._database = database
        self._clock = clock
        self._commands = commands
        self._letters = letters
        self._line = line
        self._sender = sender
        self._pace = pace
        self._metrics = metrics
        self._may_send = may_send
        self._unrecorded: list[Result] = []
        self._deferred: list[_Deferral] = []
        self._bounced: list[str] = []
        self._woken = asyncio.Event()
        self._is_stopping = False
        self.beat = 0.0
        """The event loop's time of the last turn."""

    def stop(self) -> None:
        """Stop after the message at hand; what was claimed and not begun is put back."""
        self._is_stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Send until told to stop; a conversation that has begun is finished, and recorded."""
        loop = asyncio.get_running_loop()
        pause = self._pace.poll.total_seconds()
        while not self._is_stopping and not _is_cancelled():
            self.beat = loop.time()
            self._woken.clear()
            try:
                await self._database.listen(WAKING, self._woken.set)
                wait = 0.0 if await self.turn() else pause
            except Unavailable as error:
                logger.warning("sending_put_off", code=error.reason)
                wait = _AFTER_A_FAULT
            if wait and not self._is_stopping:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._woken.wait()

    async def turn(self) -> bool:
        """Do what there is to do now, a batch at most; tell whether there was anything.

        :raises Unavailable: if the database does not answer; results that are not recorded are kept.
        """
        await self._put_back()
        await self._keep_bounces()
        await self._record(())
        if not self._may_send():
            return False
        now = self._clock.now()
        async with self._database.connection() as connection:
            found = await find_lost(connection, limit=_AT_ONCE)
            found += await find_unsendable(connection, now=now, limit=_AT_ONCE)
        await self._record(found)
        if self._line is None:
            return bool(found)
        claim = secrets.token_hex(8)
        begun = asyncio.get_running_loop().time()
        async with self._database.transaction() as transaction:
            claimed = await claim_due(
                transaction, claim=claim, lease=self._pace.lease, now=now, limit=self._pace.batch
            )
        if not claimed:
            return bool(found)
        last = begun + (self._pace.lease - self._pace.longest_send).total_seconds()
        await self._send_all(self._line, claim, claimed, until=last)
        return True

    async def _send_all(self, line: Line, claim: str, claimed: Sequence[Claimed], *, until: float) -> None:
        """Send each; whatever was not begun, or could not be taken now, is put back."""
        loop = asyncio.get_running_loop()
        results: list[Result] = []
        deferred: dict[str, list[str]] = {}
        fault = ""
        try:
            for one in claimed:
                self.beat = loop.time()
                if fault or self._is_stopping or _is_cancelled() or loop.time() > until:
                    deferred.setdefault(fault or "nurture.interrupted", []).append(one.message.id)
                    continue
                outcome = await self._send(line, one)
                if isinstance(outcome, Deferred):
                    deferred.setdefault(outcome.code, []).append(one.message.id)
                    fault = outcome.code if outcome.code == "mail.unreachable" else ""
                else:
                    results.append(_result(one, outcome))
        finally:
            self._bounced += [one.message for one in results if one.reason in BOUNCES]
            self._unrecorded += results
            await line.close()
            self._deferred += [_Deferral(claim, code, messages) for code, messages in deferred.items()]
        await self._put_back()
        await self._keep_bounces()
        await self._record(())

    async def _keep_bounces(self) -> None:
        """Keep that mailboxes do not exist, so that it is told at the front door; then the results."""
        acts = [engagement(message, BOUNCE, at=self._clock.now()) for message in self._bounced]
        if acts:
            async with self._database.transaction() as transaction:
                await keep_engagements(transaction, acts)
        self._bounced.clear()

    async def _send(self, line: Line, one: Claimed) -> Outcome:
        try:
            letter: Letter = self._letters.write(one.message, one.contact, at=self._clock.now())
        except Rejected as error:
            self._metrics.attempted("unwritten")
            logger.warning("letter_unwritten", message=one.message.id, code=error.reason)
            return Refused(error.reason)
        except Exception:  # a bug of ours hurts only this message
            self._metrics.attempted("unwritten")
            logger.exception("letter_failed", message=one.message.id)
            return Refused(BUG_CODE)
        outcome = await line.send(letter.content, sender=self._sender, recipient=letter.recipient)
        self._metrics.attempted(type(outcome).__name__.lower())
        if not isinstance(outcome, Accepted):
            logger.warning("letter_not_accepted", message=one.message.id, code=outcome.code)
        return outcome

    async def _put_back(self) -> None:
        """Put back what was not handed over, first what could not be put back before."""
        while self._deferred:
            one = self._deferred[0]
            async with self._database.connection() as connection:
                await put_back(
                    connection,
                    claim=one.claim,
                    messages=one.messages,
                    fault=one.fault,
                    patience=self._pace.patience,
                )
            del self._deferred[0]

    async def _record(self, results: Sequence[Result]) -> None:
        """Record results, first those that could not be recorded before."""
        self._unrecorded += results
        while self._unrecorded:
            piece = self._unrecorded[:_AT_ONCE]
            try:
                await self._run(piece)
            except Rejected as error:
                logger.exception("results_refused", code=error.reason)
                await self._record_singly(piece)
            del self._unrecorded[: len(piece)]

    async def _record_singly(self, results: Sequence[Result]) -> None:
        for result in results:
            try:
                await self._run([result])
            except Rejected as error:
                logger.exception("result_refused", message=result.message, code=error.reason)

    async def _run(self, results: Sequence[Result]) -> None:
        named = [f"{one.message}:{one.state}" for one in results]
        await self._commands.run(
            key=results[0].lead,
            command=RecordResults(tuple(results)),
            received=self._clock.now(),
            idempotency_key=deterministic_id("nurture_results", *named),
        )


def _result(one: Claimed, outcome: Accepted | Refused | Unknown) -> Result:
    message, lead = one.message.id, one.message.lead
    match outcome:
        case Accepted():
            return Result(message, lead, SENT)
        case Refused(code):
            return Result(message, lead, FAILED, code)
        case Unknown(code):
            return Result(message, lead, UNCONFIRMED, code)


def _is_cancelled() -> bool:
    """Tell whether this task was cancelled; what awaits an answer may swallow that if one just came."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
