"""The oracle: tally's pure handler folded over the inputs in the journaled order, in plain dictionaries.

Nothing of the engine is used here, only its rules as the design states them: what has been seen of
a producer is a repeat; a timer rings before the first fact of its lead received after its due
time, else when its batch says so; what cannot be read or handled is a dead letter; a late record of
the compacted topic is answered with the latest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from shared.contracts.declarations import Event
from shared.contracts.envelope import decode_envelope, decode_event, encode_event, event_id, type_of
from shared.contracts.topics import partition_of
from shared.kernel.changes import Emission, Fact, TimerFired
from shared.kernel.errors import Verdict, code_of
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from shared.log.port import Record, TopicPartition
from tests.engine.tally import DEAD, LATEST, PARTITIONS, TOTALS, Add, Counted, SayLatest, TallyState, handle
from tests.failure.oracle.journal import Entry


class Said(NamedTuple):
    """A record that should lie in the log: key, value, timestamp in milliseconds."""

    key: bytes
    value: bytes
    timestamp: int


class Buried(NamedTuple):
    """A dead letter, without the times at which it was written."""

    topic: str
    partition: int
    offset: int
    code: str
    attempts: int
    key: bytes | None
    value: bytes | None


class CommandTaken(NamedTuple):
    """A command as its caller gave it."""

    key: str
    amount: int
    received: Instant


@dataclass(slots=True)
class Inputs:
    """What the run was given. ``log`` holds the raw records read, per partition, from ``starts`` on.

    ``acknowledged`` tells when the log had confirmed a record of the feeder's, by partition and
    offset, in microseconds.
    """

    group: str
    starts: Mapping[TopicPartition, int]
    log: Mapping[TopicPartition, Sequence[Record]]
    commands: Mapping[str, CommandTaken]
    acknowledged: Mapping[tuple[TopicPartition, int], Instant] = field(default_factory=dict)


@dataclass(slots=True)
class Expected:
    """What the inputs amount to."""

    states: dict[str, TallyState] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    said: dict[TopicPartition, list[Said | Buried]] = field(default_factory=dict)
    buried: list[Buried] = field(default_factory=list)
    replies: dict[str, int] = field(default_factory=dict)
    timers: dict[str, dict[str, Instant]] = field(default_factory=dict)
    events: int = 0
    repeats: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """The transaction that is being replayed: what it says, in the order in which a batch says it."""

    entry: Entry
    to_ring: list[tuple[str, str, int]]
    unreadable: list[Buried] = field(default_factory=list)
    unusable: list[Buried] = field(default_factory=list)
    output: dict[TopicPartition, list[Said | Buried]] = field(default_factory=dict)
    latest: dict[tuple[TopicPartition, bytes], Said] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)


class Replay:
    """Replays a journal; call :meth:`run` once."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self.expected = Expected()
        self._seen: set[tuple[TopicPartition, str, int]] = set()
        self._rung_late: dict[str, Instant] = {}
        self._open: _Open

    def run(self, entries: Sequence[Entry]) -> Expected:
        """Fold every transaction, in this order."""
        for entry in entries:
            self._open = _Open(entry, list(entry.rung))
            if entry.command:
                self._command(entry)
            else:
                self._batch(entry)
            self._end(entry)
        return self.expected

    def _end(self, entry: Entry) -> None:
        expected = self.expected
        for key in self._open.touched:
            expected.versions[key] = expected.versions.get(key, 0) + 1
        for (target, _), said in self._open.latest.items():
            self._open.output.setdefault(target, []).append(said)
        for letter in (*self._open.unreadable, *self._open.unusable):
            self._open.output.setdefault(TopicPartition(DEAD.name, letter.partition), []).append(letter)
            expected.buried.append(letter)
        drawn = {target: len(records) for target, records in self._open.output.items()}
        journaled = {target: count for target, (_, count) in entry.drawn.items()}
        if drawn != journaled:
            expected.faults.append(
                f"different: transaction {entry.transaction} of {entry.writer} drew {journaled},"
                f" should be {drawn}"
            )
        for target, records in self._open.output.items():
            expected.said.setdefault(target, []).extend(records)

    # --- one transaction ---------------------------------------------------------------------------

    def _command(self, entry: Entry) -> None:
        taken = self._inputs.commands.get(entry.command)
        if taken is None:
            self.expected.faults.append(f"unexplained: command {entry.command} was never given")
            return
        identity = deterministic_id("command", "tally", entry.command)
        self._fact(Fact(identity, taken.key, taken.received, Add(taken.amount)), None)
        self.expected.replies[entry.command] = self.expected.states[taken.key].count

    def _batch(self, entry: Entry) -> None:
        for tp in sorted(entry.moves):
            start, end = entry.moves[tp]
            first = self._inputs.starts[tp]
            for record in self._inputs.log.get(tp, ())[start - first : end - first]:
                self._record(tp, record)
        for key, name, due in list(self._open.to_ring):
            if self.expected.timers.get(key, {}).get(name) != due:
                self.expected.faults.append(f"timer: {name} of {key} rang for {due}, which was not set")
                continue
            self._ring(key, name, due)
            self._rung_late[key] = due

    def _record(self, tp: TopicPartition, record: Record) -> None:
        is_repeat = self._is_repeat(tp, record)
        self.expected.repeats += is_repeat
        if tp.topic == LATEST.name:
            if is_repeat:
                key = (record.key or b"").decode()
                self._fact(
                    Fact(f"heal-{tp.partition}-{record.offset}", key, record.timestamp * 1000, SayLatest()),
                    record,
                )
            return
        if is_repeat:
            return
        try:
            envelope = decode_envelope(record.value or b"")
            event = decode_event(envelope)
        except Verdict as error:
            self._open.unreadable.append(_bury(record, error))
            return
        assert isinstance(event, Counted)
        acknowledged = self._inputs.acknowledged.get((tp, record.offset))
        rung = self._rung_late.get(event.key)
        if acknowledged is not None and rung is not None and acknowledged < rung:
            self.expected.faults.append(
                f"timer: {event.key}'s rang for {rung} before {tp.topic}/{tp.partition} was read to offset"
                f" {record.offset}, which the log had confirmed by then"
            )
        self._fact(Fact(envelope.id, event.key, envelope.received, event, envelope.correlationid), record)

    def _is_repeat(self, tp: TopicPartition, record: Record) -> bool:
        numbered = sequence_of(record)
        if numbered is None:
            return False
        if (tp, *numbered) in self._seen:
            return True
        self._seen.add((tp, *numbered))
        return False

    # --- one fact ----------------------------------------------------------------------------------

    def _fact(self, fact: Fact, record: Record | None) -> None:
        timers = self.expected.timers.get(fact.key)
        while timers and (due := min((at, name) for name, at in timers.items()))[0] < fact.received:
            at, name = due
            self._expect_rung(fact.key, name, at)
            self._ring(fact.key, name, at)
        try:
            self._fold(fact)
        except Exception as error:
            if record is None:
                raise
            self._open.unusable.append(_bury(record, error))

    def _expect_rung(self, key: str, name: str, at: Instant) -> None:
        if (key, name, at) in self._open.to_ring:
            self._open.to_ring.remove((key, name, at))
        else:
            self.expected.faults.append(
                f"timer: {name} of {key}, due {at}, did not ring before a later fact"
                f" in transaction {self._open.entry.transaction}"
            )

    def _ring(self, key: str, name: str, due: Instant) -> None:
        del self.expected.timers[key][name]
        identity = deterministic_id("timer", self._inputs.group, key, name, str(due))
        self._fold(Fact(identity, key, due, TimerFired(name, due), identity))
        self._open.touched.add(key)

    def _fold(self, fact: Fact) -> None:
        expected = self.expected
        changes = handle(
            expected.states.get(fact.key, TallyState()), fact, with_timers=True, with_latest=True
        )
        if changes.state is not None:
            expected.states[fact.key] = changes.state
            self._open.touched.add(fact.key)
        for name, due in changes.timers.items():
            if due is not None:
                expected.timers.setdefault(fact.key, {})[name] = due
        if changes.emissions:
            self._open.touched.add(fact.key)
        for ordinal, emission in enumerate(changes.emissions):
            self._say(fact, emission, ordinal)

    def _say(self, fact: Fact, emission: Emission, ordinal: int) -> None:
        self.expected.events += 1
        event = cast(Event, emission.event)
        value = encode_event(
            event,
            id=event_id(fact.id, type_of(event), ordinal),
            source="/leadmill/tally",
            subject=emission.subject,
            occurred=emission.occurred,
            received=fact.received,
            partition_key=emission.key,
            causation_id=fact.id,
            correlation_id=fact.correlation or fact.id,
        )
        said = Said(emission.key.encode(), value, fact.received // 1000)
        topic = LATEST.name if type(event).__name__ == "Latest" else TOTALS.name
        target = TopicPartition(topic, partition_of(emission.key, PARTITIONS))
        if emission.latest_only:
            self._open.latest.pop((target, said.key), None)
            self._open.latest[target, said.key] = said
        else:
            self._open.output.setdefault(target, []).append(said)


def sequence_of(record: Record) -> tuple[str, int] | None:
    """Return a record's producer and sequence."""
    for name, value in record.headers:
        if name == "sequence":
            producer, _, number = value.decode().rpartition(":")
            return producer, int(number)
    return None


def _bury(record: Record, error: Exception) -> Buried:
    attempts = 1 if isinstance(error, Verdict) else 2
    return Buried(
        record.topic, record.partition, record.offset, code_of(error), attempts, record.key, record.value
    )
