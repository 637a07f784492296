"""What a service hands to the processor: how to read, load, decide and save.

There are two kinds. A :class:`Stage` keeps one state per lead; the processor loads the states of a
batch, lets the pure handler fold the facts, and saves under a version check. A
:class:`SharedStage` works on rows that several partitions share (identifiers, teams, reps): it
locks, loads, decides and writes inside the transaction and keeps nothing in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

import msgspec

from shared.kernel.changes import Changes, Emission, Fact, TimerFired, TimerKey
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.log.port import Record
from shared.postgres.database import Transaction

S = TypeVar("S")


class Loaded(NamedTuple, Generic[S]):
    """A state as it was loaded; ``version`` 0 stands for a lead that has no row yet."""

    version: int
    state: S


class Write(msgspec.Struct, Generic[S], frozen=True, gc=False):
    """A state to be saved as ``version``, over ``version`` - 1, with the rows to append."""

    key: str
    partition: int
    version: int
    state: S
    rows: Sequence[object]


class Outcome(StrEnum):
    """What became of a record; the names of the columns of a receipt."""

    PROCESSED = "processed"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    DEAD = "dead"


class Rung(NamedTuple):
    """A timer that rang: its fact, what it made the service say, and why its handler failed if it did."""

    fact: Fact
    emissions: Sequence[Emission] = ()
    error: Rejected | None = None

    @property
    def timer(self) -> TimerKey:
        """Whose timer it was."""
        event = self.fact.event
        assert isinstance(event, TimerFired)
        return TimerKey(self.fact.key, event.name)


class Decision(NamedTuple):
    """A shared stage's answer to one fact. ``error`` goes with ``Outcome.DEAD``.

    ``rung`` are the timers that rang before it; for a timer's own fact, it itself is among them if it
    was still set. ``next_due`` is the earliest due time that was set on the way. ``reply`` is what a
    command's caller is told.
    """

    outcome: Outcome
    emissions: Sequence[Emission] = ()
    error: Rejected | None = None
    rung: Sequence[Rung] = ()
    next_due: Instant | None = None
    reply: object = None


class Reading(Protocol):
    """What both kinds of stage tell about themselves.

    ``name`` is the service and its producer's name; ``topics`` are read, ``outputs`` written.
    ``mirrors`` are the compacted topics of its own that it reads back, so that a record which a
    stopped worker published late is answered with the latest. ``dead_letters`` is the topic of its
    dead letters. ``keeps_receipts`` asks for a receipt
    of every range of offsets.
    """

    @property
    def name(self) -> str:
        """The service, and the name of its producer."""
        ...

    @property
    def group(self) -> str:
        """The consumer group."""
        ...

    @property
    def topics(self) -> Sequence[str]:
        """The topics it reads."""
        ...

    @property
    def outputs(self) -> Sequence[str]:
        """The topics it writes, dead letters aside."""
        ...

    @property
    def mirrors(self) -> Sequence[str]:
        """The compacted topics of its own that it reads back."""
        ...

    @property
    def dead_letters(self) -> str:
        """The topic of its dead letters."""
        ...

    @property
    def keeps_receipts(self) -> bool:
        """True if every range of offsets is to have a receipt."""
        ...

    def read(self, record: Record) -> Fact | None:
        """Return the fact in a record, or None if it says nothing to this service.

        :raises Rejected: if the record can never be used.
        """
        ...

    def heal(self, record: Record) -> Fact | None:
        """Return the fact that makes the handler say the latest again, for a late mirror record."""
        ...


class Stage(Reading, Protocol[S]):
    """One state per lead, folded by a pure handler."""

    @property
    def sets_timers(self) -> bool:
        """True if handlers set timers; without it none are loaded."""
        ...

    def begin(self, key: str) -> S:
        """Return the state of a lead that nothing is known of."""
        ...

    async def load(
        self, transaction: Transaction, facts: Mapping[str, Sequence[Fact]], *, lock: bool = False
    ) -> Mapping[str, Loaded[S]]:
        """Return the states of these leads; the facts tell what else must be at hand.

        With ``lock`` the rows stay locked until commit, also that of a lead which has none yet.
        """
        ...

    def handle(self, state: S, fact: Fact) -> Changes[S]:
        """Fold one fact; pure. :raises Rejected: if the fact can never be used."""
        ...

    async def save(self, transaction: Transaction, writes: Sequence[Write[S]]) -> int:
        """Store the states whose stored version is still the expected one; return how many."""
        ...


@runtime_checkable
class SharedStage(Reading, Protocol):
    """Rows shared between partitions: everything happens inside the transaction."""

    @property
    def sets_timers(self) -> bool:
        """True if handlers set timers; without it none are looked for."""
        ...

    async def apply(self, transaction: Transaction, facts: Sequence[Fact]) -> Sequence[Decision]:
        """Lock, load, decide and write; return one decision per fact, in order.

        Facts are events, commands, and at the end the timers that have come due.

        Locks are taken in the order identifiers, leads, teams, reps, each by id.

        :raises WriteConflict: if the set of rows to lock was too small; it is tried again.
        """
        ...
