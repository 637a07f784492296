"""Fold a batch: facts in log order through the pure handler, events and timers out.

Every fact is handled by itself and emits its own events, so that cutting the input differently
changes nothing; only events that say *the latest* (``latest_only``) are kept once per key. A fact
that cannot be used leaves the state as it was before it. Work is cut into slices, because the
event loop also answers HTTP and keeps the worker in its group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from shared.contracts.declarations import DECLARED, Event
from shared.contracts.envelope import encode_event, event_id, type_of
from shared.contracts.topics import partition_of
from shared.kernel.changes import Emission, Fact, TimerKey
from shared.kernel.errors import Rejected, Verdict
from shared.kernel.instants import Instant
from shared.log.port import Record, TopicPartition
from shared.processor.stage import Loaded, Stage, Write
from shared.processor.tables.dead_letters import DeadLetter, describe
from shared.processor.tables.outbox import OutboxRecord
from shared.processor.tables.timers import ring, rings_before

S = TypeVar("S")

_SLICE_SECONDS = 0.02
_FACTS_BETWEEN_LOOKS = 32
_ATTEMPTS_AT_A_BUG = 2
_MOST_HOMES = 20_000


Learned = tuple[Fact, Record | None]
"""A fact on its way into the fold, with the record it came in."""


class TimerRecord(NamedTuple):
    """A timer in the shape of a record, for the dead letter of one whose handler failed."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()

    @classmethod
    def of(cls, timer: TimerKey, partition: int, due: Instant) -> TimerRecord:
        """Return the stand-in record; its offset is the due time."""
        return cls(f"timer:{timer.name}", partition, due, due // 1000, timer.key.encode(), None)


Said = tuple[TopicPartition, OutboxRecord, bool]
"""Where a record goes, the record, and whether it replaces what was said before under its key."""


class Announcer:
    """Turns emissions into records: ids from the cause, partition from the key."""

    def __init__(self, *, source: str, partitions: int, max_record_bytes: int) -> None:
        self._source = source
        self._partitions = partitions
        self._max_record_bytes = max_record_bytes
        self._targets: dict[tuple[type | str, int], TopicPartition] = {}
        self._homes: dict[str, tuple[bytes, int]] = {}

    def home_of(self, key: str) -> int:
        """Return the partition number that a key lives in, in every co-partitioned topic."""
        return (self._homes.get(key) or self._find_home(key))[1]

    def _find_home(self, key: str) -> tuple[bytes, int]:
        if len(self._homes) >= _MOST_HOMES:
            self._homes.clear()
        encoded = key.encode()
        home = self._homes[key] = (encoded, partition_of(encoded, self._partitions))
        return home

    def announce(self, emissions: Sequence[Emission], fact: Fact) -> list[Said]:
        """Return the records that say what one fact brought about, all of them or none.

        :raises Rejected: code ``contract.too_large`` if the log would not take one.
        """
        said: list[Said] = []
        timestamp = fact.received // 1000
        for ordinal, emission in enumerate(emissions):
            event: Any = emission.event
            key, number = self._homes.get(emission.key) or self._find_home(emission.key)
            kind = emission.topic or type(event)
            target = self._targets.get((kind, number)) or self._target(kind, number)
            traceparent = fact.traceparent or emission.traceparent
            value = None if event is None else self._encode(event, emission, fact, ordinal)
            said.append((target, OutboxRecord(key, value, timestamp, traceparent), emission.latest_only))
        return said

    def _encode(self, event: Event, emission: Emission, fact: Fact, ordinal: int) -> bytes:
        value = encode_event(
            event,
            id=event_id(fact.id, type_of(event), ordinal),
            source=self._source,
            subject=emission.subject,
            occurred=emission.occurred,
            received=fact.received,
            partition_key=emission.key,
            causation_id=fact.id,
            correlation_id=fact.correlation or fact.id,
            traceparent=fact.traceparent or emission.traceparent,
        )
        if len(value) > self._max_record_bytes:
            raise Rejected("an event would be larger than the log takes", code="contract.too_large")
        return value

    def _target(self, kind: type | str, number: int) -> TopicPartition:
        topic = kind if isinstance(kind, str) else DECLARED.of_struct(kind).topics[0].name
        target = self._targets[(kind, number)] = TopicPartition(topic, number)
        return target


@dataclass(slots=True)
class Output:
    """The records of a batch, per partition, in the order they were said."""

    records: dict[TopicPartition, list[OutboxRecord]] = field(default_factory=dict)
    latest: dict[tuple[TopicPartition, bytes | None], OutboxRecord] = field(default_factory=dict)

    def add(self, said: Sequence[Said]) -> None:
        """Append records, or let them replace what was said before under the same key."""
        for target, record, latest_only in said:
            if latest_only:
                self.latest.pop((target, record.key), None)
                self.latest[(target, record.key)] = record
            elif (records := self.records.get(target)) is not None:
                records.append(record)
            else:
                self.records[target] = [record]

    def by_partition(self) -> Mapping[TopicPartition, Sequence[OutboxRecord]]:
        """Return everything to be written."""
        for (target, _), record in self.latest.items():
            self.records.setdefault(target, []).append(record)
        self.latest.clear()
        return self.records


@dataclass(slots=True)
class Folded(Generic[S]):
    """What a batch amounts to."""

    output: Output = field(default_factory=Output)
    writes: list[Write[S]] = field(default_factory=list)
    timers: dict[TimerKey, Instant | None] = field(default_factory=dict)
    homes: dict[str, int] = field(default_factory=dict)
    dead: list[DeadLetter] = field(default_factory=list)
    rung: list[tuple[TimerKey, Instant]] = field(default_factory=list)


class Fold(Generic[S]):
    """Folds facts over loaded states; make one per batch, use it once.

    ``timers`` need only hold what is due before the last of the facts.
    """

    def __init__(
        self,
        stage: Stage[S],
        announcer: Announcer,
        loaded: Mapping[str, Loaded[S]],
        timers: Mapping[str, Mapping[str, Instant]],
    ) -> None:
        self._stage = stage
        self._announcer = announcer
        self._loaded = loaded
        self._states: dict[str, S] = {}
        self._rows: dict[str, list[object]] = {}
        self._timers = {key: dict(set_timers) for key, set_timers in timers.items()}
        self.folded: Folded[S] = Folded()
        self._output = self.folded.output

    async def run(self, learned: Sequence[Learned]) -> None:
        """Handle every fact in order, giving way to other tasks every 20 ms."""
        time = asyncio.get_running_loop().time
        slice_end = time() + _SLICE_SECONDS
        learn = self.learn
        for count, (fact, record) in enumerate(learned):
            if count % _FACTS_BETWEEN_LOOKS == 0 and time() > slice_end:
                await asyncio.sleep(0)
                slice_end = time() + _SLICE_SECONDS
            try:
                learn(fact)
            except Exception as error:
                if record is None:
                    raise
                self.folded.dead.append(self._bury(record, error))

    def _bury(self, record: Record, error: Exception) -> DeadLetter:
        attempts = 1 if isinstance(error, Verdict) else _ATTEMPTS_AT_A_BUG
        return describe(record, group=self._stage.group, error=error, attempts=attempts)

    def ring_due(self, key: str, until: Instant) -> None:
        """Let every timer of a lead that is due before ``until`` ring, earliest first."""
        timers = self._timers.get(key)
        while timers and (due := rings_before(timers, until)):
            # whatever the handler makes of it: a command may have set this very timer anew meanwhile
            self._states[key] = self._state_of(key)
            instant, name = due[0]
            del timers[name]
            timer = TimerKey(key, name)
            self.folded.timers[timer] = None
            self.folded.rung.append((timer, instant))
            try:
                self._handle(ring(self._stage.group, timer, instant))
            except Exception as error:  # noqa: BLE001 - a timer that fails hurts only itself, too
                home = self._announcer.home_of(key)
                self.folded.dead.append(self._bury(TimerRecord.of(timer, home, instant), error))

    def learn(self, fact: Fact) -> object:
        """Ring what is due before the fact, then handle it; returns the handler's reply."""
        if fact.key in self._timers:
            self.ring_due(fact.key, fact.received)
        return self._handle(fact)

    def _handle(self, fact: Fact) -> object:
        key = fact.key
        state = self._state_of(key)
        try:
            changes = self._stage.handle(state, fact)
        except Verdict:
            raise
        except Exception:  # noqa: BLE001 - a bug is tried once more, and buried by the caller
            changes = self._stage.handle(state, fact)
        after, emissions, timers = changes.state, changes.emissions, changes.timers
        if emissions:
            self._output.add(self._announcer.announce(emissions, fact))
        # what is said rests on this state, even if it stays as it is: its version must hold at commit
        if after is not None or emissions or timers or changes.rows:
            self._states[key] = state if after is None else after
            if changes.rows:
                self._rows.setdefault(key, []).extend(changes.rows)
            if timers:
                for name, due in timers.items():
                    self._set_timer(key, name, due)
        return changes.reply

    def _state_of(self, key: str) -> S:
        state = self._states.get(key)
        if state is None:
            before = self._loaded.get(key)
            state = before.state if before is not None else self._stage.begin(key)
        return state

    def _set_timer(self, key: str, name: str, due: Instant | None) -> None:
        timers = self._timers.setdefault(key, {})
        if due is None:
            timers.pop(name, None)  # one that is due later was not loaded and is silenced all the same
        else:
            timers[name] = due
        self.folded.timers[TimerKey(key, name)] = due

    def finish(self) -> Folded[S]:
        """Return everything that has to be written; call it once, at the end."""
        folded = self.folded
        home_of, loaded, rows = self._announcer.home_of, self._loaded, self._rows
        for key in sorted(self._states):
            before = loaded.get(key)
            version = (before.version if before is not None else 0) + 1
            folded.writes.append(Write(key, home_of(key), version, self._states[key], rows.get(key, ())))
        for timer in folded.timers:
            folded.homes[timer.key] = home_of(timer.key)
        return folded


Tripwire = Callable[[str], None]
"""Called with a name at each point where a process may die; tests end it there."""
