"""A stage for rows that several partitions share, put together from a service's rooms.

The rows of a batch lie on a *desk*: locked in the order leads, teams, reps, each by id, loaded inside
the transaction, changed in memory by pure handlers, one fact after the other, and saved before the
sequences are drawn. A fact that fails leaves the desk as it was before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from shared.contracts.envelope import Envelope, decode_envelope
from shared.contracts.topics import partition_of
from shared.kernel.changes import Fact, Ruling, TimerFired
from shared.kernel.errors import BUG_CODE, Duplicate, Rejected, Verdict
from shared.log.port import Record
from shared.postgres.database import Transaction
from shared.processor.stage import Decision, Outcome, Rung
from shared.processor.tables.clocks import Clocks
from shared.telemetry.logging import get_logger

_SLICE_SECONDS: Final = 0.02

logger = get_logger(__name__)


class Desk(Protocol):
    """The rows of one batch; a service has its own, with what its handlers need on it."""

    @property
    def leads(self) -> Collection[str]:
        """The leads whose rows are locked."""
        ...

    def begin_fact(self) -> None:
        """From here on :meth:`undo_fact` comes back to here."""
        ...

    def undo_fact(self) -> None:
        """Make everything as it was when the fact in hand began."""
        ...


D = TypeVar("D", bound=Desk)


def _say_nothing(_record: Record) -> None:
    """Return no fact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedStage(Generic[D]):
    """Implements :class:`shared.processor.stage.SharedStage` with the functions it was given.

    ``open_desk`` locks and loads what the facts need, and raises WriteConflict if that was too little.
    ``leads_of`` names the leads whose timers ring before a fact. ``handler`` is pure but for the desk;
    what it raises as Rejected becomes a dead letter, or a command's refusal. Without
    ``interpret_tombstone`` a record without a value says nothing.
    """

    name: str
    group: str
    topics: Sequence[str]
    outputs: Sequence[str]
    dead_letters: str
    partitions: int
    interpret: Callable[[Envelope], Fact | None]
    open_desk: Callable[[Transaction, Sequence[Fact]], Awaitable[D]]
    leads_of: Callable[[D, Fact], Iterable[str]]
    handler: Callable[[D, Fact], Ruling]
    save_desk: Callable[[Transaction, D], Awaitable[None]]
    mirrors: Sequence[str] = ()
    sets_timers: bool = True
    keeps_receipts: bool = False
    interpret_tombstone: Callable[[Record], Fact | None] = _say_nothing

    def read(self, record: Record) -> Fact | None:
        """Decode a record's envelope and interpret it, or its tombstone.

        :raises Rejected: if it keeps no contract.
        """
        if record.value is None:
            return self.interpret_tombstone(record)
        return self.interpret(decode_envelope(record.value))

    def heal(self, record: Record) -> Fact | None:
        """Say nothing again: a stage of this kind has no compacted topics of its own."""
        return None

    async def apply(self, transaction: Transaction, facts: Sequence[Fact]) -> Sequence[Decision]:
        """Lock, load, decide and write; see :class:`shared.processor.stage.SharedStage`."""
        desk = await self.open_desk(transaction, facts)
        leads = desk.leads if self.sets_timers else ()
        clocks = await Clocks.load(transaction, group=self.group, leads=leads)
        decisions = []
        time = asyncio.get_running_loop().time
        slice_end = time() + _SLICE_SECONDS
        for fact in facts:
            if time() > slice_end:
                await asyncio.sleep(0)
                slice_end = time() + _SLICE_SECONDS
            decisions.append(self._decide(desk, clocks, fact))
        await self.save_desk(transaction, desk)
        await clocks.save(transaction, home_of=self._home_of)
        return decisions

    def _home_of(self, lead: str) -> int:
        return partition_of(lead, self.partitions)

    def _decide(self, desk: D, clocks: Clocks, fact: Fact) -> Decision:
        event = fact.event
        if isinstance(event, TimerFired):
            rung = self._ring(desk, clocks, fact.key, event.due + 1)
            return Decision(Outcome.PROCESSED, rung=rung, next_due=clocks.next_due)
        rung = [
            one for lead in self.leads_of(desk, fact) for one in self._ring(desk, clocks, lead, fact.received)
        ]
        try:
            ruling = self._handle(desk, clocks, fact)
        except Duplicate:
            return Decision(Outcome.DUPLICATE, rung=rung)
        except Rejected as error:
            return Decision(Outcome.DEAD, error=error, rung=rung)
        return Decision(
            Outcome.PROCESSED, ruling.emissions, rung=rung, next_due=clocks.next_due, reply=ruling.reply
        )

    def _ring(self, desk: D, clocks: Clocks, lead: str, before: int) -> list[Rung]:
        rung = []
        for fact in clocks.ring_before(lead, before):
            try:
                rung.append(Rung(fact, self._handle(desk, clocks, fact).emissions))
            except Rejected as error:
                rung.append(Rung(fact, error=error))
        return rung

    def _handle(self, desk: D, clocks: Clocks, fact: Fact) -> Ruling:
        """Let the handler decide; a bug of ours hurts only the fact that met it."""
        desk.begin_fact()
        try:
            ruling = self.handler(desk, fact)
        except Verdict:
            desk.undo_fact()
            raise
        except Exception as error:
            desk.undo_fact()
            logger.exception("fact_failed", service=self.name, fact=fact.id)
            raise Rejected("the fact could not be handled; report the bug", code=BUG_CODE) from error
        clocks.change(ruling.timers)
        return ruling
