"""Read back everything a run left behind, and say what differs from the replay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.dead_letters import DeadLettered
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from tests.engine.tally import DEAD, LATEST, TOTALS, Latest, TallyState
from tests.failure.oracle.replay import Buried, Expected, Said, sequence_of

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class Differences:
    """What differs, each with the kind before its colon."""

    lines: list[str] = field(default_factory=list)

    def add(self, kind: str, what: str) -> None:
        """Add one difference."""
        self.lines.append(f"{kind}: {what}")

    @property
    def kinds(self) -> Counter[str]:
        """How many of each kind."""
        return Counter(line.partition(":")[0] for line in self.lines)


def compare_log(
    expected: Expected, log: Mapping[TopicPartition, Sequence[Record]], differences: Differences
) -> int:
    """Compare every output topic, record by record; returns how many repeats were dropped."""
    repeats = 0
    for tp in sorted(
        set(expected.said) | {tp for tp in log if tp.topic in {TOTALS.name, LATEST.name, DEAD.name}}
    ):
        repeats += _compare_partition(tp, expected.said.get(tp, []), log.get(tp, ()), differences)
    _compare_latest(expected, log, differences)
    return repeats


def _compare_partition(
    tp: TopicPartition, said: Sequence[Said | Buried], records: Sequence[Record], differences: Differences
) -> int:
    name = f"{tp.topic}/{tp.partition}"
    first_seen: dict[int, Record] = {}
    highest = repeats = 0
    for record in records:
        numbered = sequence_of(record)
        if numbered is None or numbered[0] != "tally":
            differences.add("unexplained", f"{name} offset {record.offset} carries no sequence of tally")
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
        elif _as_said(found) != wanted:
            differences.add(
                "different", f"{name} sequence {sequence} is {_as_said(found)}, should be {wanted}"
            )
    for sequence in sorted(first_seen):
        differences.add("unexplained", f"{name} sequence {sequence} was never committed")
    return repeats


def _as_said(record: Record) -> Said | Buried:
    if record.topic != DEAD.name:
        return Said(record.key or b"", record.value or b"", record.timestamp)
    letter = decode_event(decode_envelope(record.value or b""))
    assert isinstance(letter, DeadLettered)
    return Buried(
        letter.topic, letter.partition, letter.offset, letter.code, letter.attempts, letter.key, letter.value
    )


def _compare_latest(
    expected: Expected, log: Mapping[TopicPartition, Sequence[Record]], differences: Differences
) -> None:
    """In the raw order, repeats included: the last record of each key is its latest state."""
    last: dict[bytes, Record] = {}
    for tp, records in log.items():
        if tp.topic == LATEST.name:
            last.update({record.key or b"": record for record in records})
    for key, state in expected.states.items():
        record = last.pop(key.encode(), None)
        if record is None:
            differences.add("lost", f"{LATEST.name} has nothing of {key}")
            continue
        said = decode_event(decode_envelope(record.value or b""))
        assert isinstance(said, Latest)
        if said.count != state.count:
            differences.add(
                "stale",
                f"{LATEST.name}/{record.partition} ends {key} with {said.count}, should be {state.count}",
            )
    for unknown in last:
        differences.add("unexplained", f"{LATEST.name} has something of {unknown!r}")


async def compare_tables(
    database: Database, expected: Expected, *, group: str, differences: Differences
) -> None:
    """Compare states with their versions, timers, dead letters and replies."""
    async with database.connection() as connection:
        states = await connection.fetch("SELECT key, version, payload FROM tally")
        timers = await connection.fetch("SELECT key, name, due FROM timer")
        letters = await connection.fetch(
            'SELECT topic, partition, "offset", code, attempts, record_key, record_value FROM dead_letter'
            " WHERE consumer_group = $1",
            group,
        )
        replies = await connection.fetch("SELECT idempotency_key, reply FROM command")
    stored = {
        row["key"]: (row["version"], msgspec.msgpack.decode(row["payload"], type=TallyState))
        for row in states
        if row["payload"] is not None
    }
    wanted = {key: (expected.versions.get(key, 0), state) for key, state in expected.states.items()}
    _compare_maps("state", stored, wanted, differences)
    set_timers = {(row["key"], row["name"]): row["due"] for row in timers}
    still_set = {(key, name): due for key, named in expected.timers.items() for name, due in named.items()}
    _compare_maps("timer", set_timers, still_set, differences)
    buried = Counter(Buried(*row) for row in letters)
    for letter, count in (Counter(expected.buried) - buried).items():
        differences.add("dead_letter", f"missing {count} of {letter}")
    for letter, count in (buried - Counter(expected.buried)).items():
        differences.add("dead_letter", f"{count} too many of {letter}")
    told = {row["idempotency_key"]: msgspec.json.decode(row["reply"] or b"null") for row in replies}
    _compare_maps("command", told, expected.replies, differences)


def _compare_maps(kind: str, found: Mapping[K, V], wanted: Mapping[K, V], differences: Differences) -> None:
    for key in sorted(set(found) | set(wanted), key=repr):
        if found.get(key) != wanted.get(key):
            differences.add(kind, f"{key} is {found.get(key)}, should be {wanted.get(key)}")


async def compare_receipts(
    database: Database,
    *,
    group: str,
    bounds: Iterable[tuple[TopicPartition, int, int]],
    differences: Differences,
) -> None:
    """Receipts abut, start and end where the log did, and their counts sum; positions are at the end."""
    async with database.connection() as connection:
        receipts = await connection.fetch("SELECT * FROM receipt WHERE consumer_group = $1", group)
        stored = await connection.fetch(
            "SELECT topic, partition, next FROM position WHERE consumer_group = $1", group
        )
    positions = {TopicPartition(row["topic"], row["partition"]): row["next"] for row in stored}
    for tp, start, end in bounds:
        rows = sorted(
            (
                row["first_offset"],
                row["next_offset"],
                row["processed"] + row["duplicate"] + row["quarantined"] + row["dead"],
            )
            for row in receipts
            if (row["topic"], row["partition"]) == tp
        )
        at = start
        for first, following, count in rows:
            if first != at or count != following - first:
                differences.add(
                    "receipt",
                    f"{tp.topic}/{tp.partition} {first} to {following} counts {count}, expected from {at}",
                )
            at = following
        if at != end:
            differences.add("receipt", f"{tp.topic}/{tp.partition} ends at {at}, the log at {end}")
        if positions.get(tp) != end:
            differences.add(
                "position", f"{tp.topic}/{tp.partition} is at {positions.get(tp)}, the log at {end}"
            )
