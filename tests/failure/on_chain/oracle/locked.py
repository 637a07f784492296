"""The oracle of services whose rows lie under locks: pure handlers folded in the order of the commits.

There is one desk, on which everything lies at all times, so it also shows whether the store locks and
loads what a batch needs. Transactions that share a row waited for each other's locks, so the order in
which the server committed is the order in which they saw each other's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from shared.kernel.changes import Fact, Ruling, TimerKey
from shared.kernel.errors import Rejected, Verdict
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from shared.processor.locked import Desk, LockedStage
from shared.processor.tables.timers import ring
from tests.failure.on_services.oracle.inputs import Expected, Reader, bury
from tests.failure.on_services.oracle.saying import Saying
from tests.failure.on_services.oracle.tables import compare_maps
from tests.failure.oracle.comparison import Differences
from tests.failure.oracle.journal import Entry

D = TypeVar("D", bound=Desk)


@dataclass(frozen=True, slots=True)
class CommandTaken:
    """A command that took effect: about which lead, what, and when it was received."""

    lead: str
    command: object
    received: Instant


@dataclass(slots=True, kw_only=True)
class LockedExpected(Expected, Generic[D]):
    """What a service should have made of its topics and commands."""

    desk: D
    timers: dict[str, dict[str, Instant]] = field(default_factory=dict)
    replies: dict[str, object] = field(default_factory=dict)
    rung: int = 0


class LockedReplay(Generic[D]):
    """Replays the journal of a stage; call :meth:`run` once. ``commands`` are by idempotency key."""

    def __init__(
        self,
        log: Mapping[TopicPartition, Sequence[Record]],
        *,
        stage: LockedStage[D],
        handle: Callable[[D, Fact], Ruling],
        leads_of: Callable[[D, Fact], Iterable[str]],
        desk: D,
        commands: Mapping[str, CommandTaken],
    ) -> None:
        self.expected = LockedExpected(desk=desk)
        self._commands = commands
        self._reader = Reader(log)
        self._stage = stage
        self._handler = handle
        self._leads_of = leads_of
        self._saying = Saying(stage.name)
        self._to_ring: list[tuple[str, str, Instant]] = []

    def run(self, entries: Sequence[Entry]) -> LockedExpected[D]:
        """Fold every transaction, in this order."""
        for entry in entries:
            self._saying, self._to_ring = Saying(self._stage.name), list(entry.rung)
            if entry.command:
                self._take(entry)
            elif entry.beside:
                self.follow(entry)
            else:
                self._batch(entry)
            self.expected.close(entry, self._saying)
        return self.expected

    def follow(self, entry: Entry) -> None:
        """Do to the desk what was done beside the loop; most services do nothing there."""
        self.expected.faults.append(f"unexplained: {entry.beside} was done beside the loop")

    def _take(self, entry: Entry) -> None:
        taken = self._commands.get(entry.command)
        if taken is None:
            self.expected.faults.append(f"unexplained: command {entry.command} was never given")
            return
        if entry.command in self.expected.replies:
            self.expected.faults.append(f"double: command {entry.command} took effect twice")
        identity = deterministic_id("command", self._stage.name, entry.command)
        fact = Fact(identity, taken.lead, taken.received, taken.command)
        try:
            reply = self._learn(fact)
        except Rejected as error:
            self.expected.faults.append(f"command: {entry.command} took effect, should be refused: {error}")
        else:
            self.expected.replies[entry.command] = msgspec.json.decode(msgspec.json.encode(reply))

    def _batch(self, entry: Entry) -> None:
        learned: list[tuple[Fact, Record]] = []
        for _, record, is_repeat in self._reader.records(entry):
            self.expected.repeats += is_repeat
            try:
                fact = None if is_repeat else self._stage.read(record)
            except Verdict as error:
                self._saying.bury(bury(record, error))
            else:
                if fact is not None:
                    learned.append((fact, record))
        for fact, record in learned:
            try:
                self._learn(fact)
            except Exception as error:  # noqa: BLE001 - whatever the handler does, it does only to this record
                self._saying.bury(bury(record, error))
        while self._to_ring:
            key, name, due = self._to_ring[0]
            self._ring_before(key, due + 1)
            if self._to_ring[:1] == [(key, name, due)]:
                self.expected.faults.append(f"timer: {name} of {key} rang for {due}, which was not set")
                self._to_ring.pop(0)

    def _learn(self, fact: Fact) -> object:
        for lead in self._leads_of(self.expected.desk, fact):
            self._ring_before(lead, fact.received)
        ruling = self._handle(fact)
        self._saying.add(ruling.emissions, fact)
        return ruling.reply

    def _ring_before(self, lead: str, instant: Instant) -> None:
        """Ring what is due before an instant, the earliest first; the journal must say the same."""
        timers = self.expected.timers.get(lead, {})
        while timers and (earliest := min((due, name) for name, due in timers.items()))[0] < instant:
            due, name = earliest
            del timers[name]
            self.expected.rung += 1
            if self._to_ring[:1] == [(lead, name, due)]:
                self._to_ring.pop(0)
            else:
                self.expected.faults.append(f"timer: {name} of {lead}, due {due}, ought to have rung")
            fact = ring(self._stage.name, TimerKey(lead, name), due)
            self._saying.add(self._handle(fact).emissions, fact)

    def _handle(self, fact: Fact) -> Ruling:
        desk = self.expected.desk
        desk.begin_fact()
        try:
            ruling = self._handler(desk, fact)
        except BaseException:
            desk.undo_fact()
            raise
        for timer, due in ruling.timers.items():
            timers = self.expected.timers.setdefault(timer.key, {})
            if due is None:
                timers.pop(timer.name, None)
            else:
                timers[timer.name] = due
        return ruling


async def compare_timers(
    database: Database, timers: Mapping[str, Mapping[str, Instant]], differences: Differences
) -> None:
    """Compare the clocks that are set: which, of whom, and when they ring."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT key, name, due FROM timer")
    compare_maps(
        "timer",
        {f"{row['key']} {row['name']}": row["due"] for row in rows},
        {f"{key} {name}": due for key, set_ in timers.items() for name, due in set_.items()},
        differences,
    )
