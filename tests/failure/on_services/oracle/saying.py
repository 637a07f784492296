"""What a service should have said, and whether the log holds exactly that, in that order.

Nothing of the engine is used but its rules: an event's id follows from its cause, its partition from
its key; of what says the latest only the last per key and transaction is said, after everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from shared.contracts.declarations import DECLARED, Event
from shared.contracts.envelope import decode_envelope, decode_event, encode_event, event_id, type_of
from shared.contracts.events.dead_letters import DeadLettered
from shared.contracts.topics import DEAD_LETTERS, partition_of
from shared.kernel.changes import Emission, Fact
from shared.log.port import Record, TopicPartition
from tests.engine.tally import PARTITIONS
from tests.failure.oracle.comparison import Differences
from tests.failure.oracle.replay import Buried, Said, sequence_of


class Latest(NamedTuple):
    """Where a record goes of which only the last per key counts."""

    target: TopicPartition
    key: bytes


@dataclass(slots=True)
class Saying:
    """What one transaction says."""

    service: str
    records: dict[TopicPartition, list[Said | Buried]] = field(default_factory=dict)
    buried: list[Buried] = field(default_factory=list)
    events: int = 0
    _latest: dict[Latest, Said] = field(default_factory=dict)

    def add(self, emissions: Sequence[Emission], fact: Fact) -> None:
        """Say what one fact brought about."""
        for ordinal, emission in enumerate(emissions):
            self.events += 1
            event = cast(Event | None, emission.event)
            key = emission.key.encode()
            value = b"" if event is None else self._encode(event, emission, fact, ordinal)
            said = Said(key, value, fact.received // 1000)
            topic = emission.topic or DECLARED.of_struct(type(event)).topics[0].name  # type: ignore[arg-type]
            target = TopicPartition(topic, partition_of(key, PARTITIONS))
            if emission.latest_only:
                self._latest.pop(Latest(target, key), None)
                self._latest[Latest(target, key)] = said
            else:
                self.records.setdefault(target, []).append(said)

    def bury(self, letter: Buried) -> None:
        """Say that a record could not be used."""
        self.buried.append(letter)

    def finish(self) -> dict[TopicPartition, list[Said | Buried]]:
        """Return everything, in the order in which it is said."""
        for (target, _), said in self._latest.items():
            self.records.setdefault(target, []).append(said)
        for letter in self.buried:
            target = TopicPartition(DEAD_LETTERS[self.service].name, letter.partition)
            self.records.setdefault(target, []).append(letter)
        return self.records

    def _encode(self, event: Event, emission: Emission, fact: Fact, ordinal: int) -> bytes:
        return encode_event(
            event,
            id=event_id(fact.id, type_of(event), ordinal),
            source=f"/leadmill/{self.service}",
            subject=emission.subject,
            occurred=emission.occurred,
            received=fact.received,
            partition_key=emission.key,
            causation_id=fact.id,
            correlation_id=fact.correlation or fact.id,
            traceparent=fact.traceparent or emission.traceparent,
        )


def compare_said(
    expected: Mapping[TopicPartition, Sequence[Said | Buried]],
    log: Mapping[TopicPartition, Sequence[Record]],
    *,
    service: str,
    topics: Sequence[str],
    differences: Differences,
) -> int:
    """Compare what a service said, record by record; returns how many repeats were dropped."""
    repeats = 0
    for tp in sorted(tp for tp in {*expected, *log} if tp.topic in topics):
        repeats += _compare_partition(tp, expected.get(tp, ()), log.get(tp, ()), service, differences)
    return repeats


def _compare_partition(
    tp: TopicPartition,
    said: Sequence[Said | Buried],
    records: Sequence[Record],
    service: str,
    differences: Differences,
) -> int:
    name = f"{tp.topic}/{tp.partition}"
    first_seen: dict[int, Record] = {}
    highest = repeats = 0
    for record in records:
        numbered = sequence_of(record)
        if numbered is None or numbered[0] != service:
            differences.add("unexplained", f"{name} offset {record.offset} carries no sequence of {service}")
            continue
        sequence = numbered[1]
        before = first_seen.get(sequence)
        if before is not None:
            repeats += 1
            if (before.key, before.value, before.timestamp) != (record.key, record.value, record.timestamp):
                differences.add("double", f"{name} sequence {sequence} was said twice with different content")
            continue
        first_seen[sequence] = record
        if sequence < highest:
            differences.add("reordered", f"{name} sequence {sequence} first appears after {highest}")
        highest = max(highest, sequence)
    for sequence, wanted in enumerate(said, 1):
        found = first_seen.pop(sequence, None)
        if found is None:
            differences.add("lost", f"{name} sequence {sequence} is not in the log")
        elif (is_said := _as_said(found)) != wanted:
            differences.add("different", f"{name} sequence {sequence} is {is_said}, should be {wanted}")
    for sequence in sorted(first_seen):
        differences.add("unexplained", f"{name} sequence {sequence} was never committed")
    return repeats


def _as_said(record: Record) -> Said | Buried:
    if record.topic not in {topic.name for topic in DEAD_LETTERS.values()}:
        return Said(record.key or b"", record.value or b"", record.timestamp)
    letter = decode_event(decode_envelope(record.value or b""))
    assert isinstance(letter, DeadLettered)
    return Buried(
        letter.topic, letter.partition, letter.offset, letter.code, letter.attempts, letter.key, letter.value
    )
