"""Routing's oracle: its pure handlers folded over all it read and was told, in the order of the commits.

There is one desk, on which everything lies at all times, so it also shows whether the store locks and
loads what a batch needs. Transactions that share a lead, a team or a rep waited for each other's locks,
so the order in which the server committed is the order in which they saw each other's rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from services.routing.bootstrap import NAME, build_stage
from services.routing.domain.assignment.turns import TeamTurns
from services.routing.domain.commands import Command
from services.routing.domain.desk import Desk
from services.routing.domain.lead import Lead
from services.routing.domain.people import Rep, renew
from services.routing.domain.profiles import Profile
from services.routing.domain.rows import Said as SaidRow
from services.routing.domain.shelf import Shelf
from services.routing.handlers.routing import RoutingHandlers, leads_of
from services.routing.store.documents import read_rulebook
from shared.kernel.changes import Fact, Ruling, TimerKey
from shared.kernel.errors import Rejected, Verdict
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from shared.processor.tables.timers import ring
from tests.engine.tally import PARTITIONS
from tests.failure.on_services.oracle.ingest import compare_maps
from tests.failure.on_services.oracle.inputs import Expected, Reader, bury
from tests.failure.on_services.oracle.saying import Saying
from tests.failure.on_services.worker import CONFIG
from tests.failure.oracle.comparison import Differences
from tests.failure.oracle.journal import Entry

_TABLES: Final[Mapping[str, type[msgspec.Struct]]] = {
    "lead": Lead,
    "profile": Profile,
    "rep": Rep,
    "team": TeamTurns,
}


@dataclass(frozen=True, slots=True)
class CommandTaken:
    """A command that took effect: about which lead, what, and when it was received."""

    lead: str
    command: Command
    received: Instant


@dataclass(slots=True, kw_only=True)
class RoutingExpected(Expected):
    """What routing should have made of its topics and commands."""

    desk: Desk
    timers: dict[str, dict[str, Instant]] = field(default_factory=dict)
    rung: int = 0


class RoutingReplay:
    """Replays routing's journal; call :meth:`run` once. ``commands`` are by idempotency key."""

    def __init__(
        self, log: Mapping[TopicPartition, Sequence[Record]], commands: Mapping[str, CommandTaken]
    ) -> None:
        rulebook = read_rulebook(CONFIG)
        people = rulebook.people
        desk = Desk(
            reps=Shelf({one.rep: renew(None, one) for one in people.reps}),
            teams=Shelf({one.team: TeamTurns(team=one.team, members=one.members) for one in people.teams}),
        )
        self.expected = RoutingExpected(desk=desk)
        self._commands = commands
        self._reader = Reader(log)
        self._stage = build_stage(rulebook, partitions=PARTITIONS)
        self._handlers = RoutingHandlers(rulebook)
        self._saying = Saying(NAME)
        self._to_ring: list[tuple[str, str, Instant]] = []

    def run(self, entries: Sequence[Entry]) -> RoutingExpected:
        """Fold every transaction, in this order."""
        for entry in entries:
            self._saying, self._to_ring = Saying(NAME), list(entry.rung)
            if entry.command:
                self._take(entry)
            else:
                self._batch(entry)
            self.expected.close(entry, self._saying)
        return self.expected

    def _take(self, entry: Entry) -> None:
        taken = self._commands.get(entry.command)
        if taken is None:
            self.expected.faults.append(f"unexplained: command {entry.command} was never given")
            return
        identity = deterministic_id("command", NAME, entry.command)
        fact = Fact(identity, taken.lead, taken.received, taken.command)
        try:
            self._learn(fact)
        except Rejected as error:
            self.expected.faults.append(f"command: {entry.command} took effect, should be refused: {error}")

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

    def _learn(self, fact: Fact) -> None:
        for lead in leads_of(self.expected.desk, fact):
            self._ring_before(lead, fact.received)
        self._saying.add(self._handle(fact).emissions, fact)

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
            fact = ring(NAME, TimerKey(lead, name), due)
            self._saying.add(self._handle(fact).emissions, fact)

    def _handle(self, fact: Fact) -> Ruling:
        desk = self.expected.desk
        desk.begin_fact()
        try:
            ruling = self._handlers.handle(desk, fact)
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


async def compare_routing(database: Database, expected: RoutingExpected, differences: Differences) -> None:
    """Compare routing's tables, row by row, with what its handlers say."""
    desk = expected.desk
    shelves: Mapping[str, Mapping[str, object]] = {
        "lead": desk.leads,
        "profile": desk.profiles,
        "rep": desk.reps,
        "team": desk.teams,
    }
    async with database.connection() as connection:
        for table, shape in _TABLES.items():
            rows = await connection.fetch(f"SELECT id, state FROM {table} WHERE state IS NOT NULL")
            found = {row["id"]: msgspec.json.decode(row["state"], type=shape) for row in rows}
            compare_maps(table, found, dict(shelves[table]), differences)
        timers = await connection.fetch("SELECT key, name, due FROM timer")
        said = await connection.fetch("SELECT lead, number, event, kind, at, cause, assignment, by FROM said")
    compare_maps(
        "timer",
        {f"{row['key']} {row['name']}": row["due"] for row in timers},
        {f"{key} {name}": due for key, set_ in expected.timers.items() for name, due in set_.items()},
        differences,
    )
    compare_maps(
        "said",
        {f"{row['lead']} {row['number']}": tuple(row)[2:] for row in said},
        {
            f"{row.lead} {row.number}": (
                *(row.event, row.kind, row.at, row.cause, row.assignment or None, row.by or None),
            )
            for row in desk.rows
            if isinstance(row, SaidRow)
        },
        differences,
    )
