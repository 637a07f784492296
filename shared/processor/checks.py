"""What the engine can check about itself on live data; ``leadmill audit`` adds the answers up.

A check never repairs. It counts what it looked at and names every breach by an id that a person can
look up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.log.port import Log, TopicPartition
from shared.postgres.database import Database, Transaction
from shared.processor.tables.fence import Mark

_MOST_NAMED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer of one check: what it promises, how many things it looked at, what breaks it."""

    check: str
    looked_at: int
    breaches: Sequence[str] = field(default_factory=tuple)

    @property
    def holds(self) -> bool:
        """True if nothing breaks the promise."""
        return not self.breaches


class Progress(NamedTuple):
    """What is still under way in one service: unread records, unpublished batches, the next timer."""

    unread: int
    unpublished: int
    next_due: int | None

    @property
    def is_drained(self) -> bool:
        """True if everything that is known has had its effect; timers aside."""
        return self.unread == 0 and self.unpublished == 0


async def measure_progress(database: Database, log: Log, *, group: str, topics: Sequence[str]) -> Progress:
    """Return what a service still has to do, as the log and its database tell."""
    admin = await log.admin()
    try:
        bounds = await admin.bounds(topics)
    finally:
        await admin.stop()
    return await compare_progress(database, group=group, bounds=bounds)


async def compare_progress(
    database: Database, *, group: str, bounds: Mapping[TopicPartition, tuple[int, int]]
) -> Progress:
    """Return what a service still has to do up to these ends of its topics."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT topic, partition, next, NULL::bigint AS batches, NULL::bigint AS due FROM position"
            " WHERE consumer_group = $1 UNION ALL"
            " SELECT NULL, NULL, NULL, (SELECT count(*) FROM outbox), (SELECT min(due) FROM timer)",
            group,
        )
    *moved, rest = rows
    positions = {TopicPartition(row["topic"], row["partition"]): row["next"] for row in moved}
    unread = sum(max(0, end - positions.get(tp, start)) for tp, (start, end) in bounds.items())
    return Progress(unread, rest["batches"], rest["due"])


async def load_sequences(database: Database) -> dict[TopicPartition, int]:
    """Return the highest sequence that was drawn, per partition of the log; 0 where none was."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT topic, partition, next FROM sequence")
    return {TopicPartition(row["topic"], row["partition"]): row["next"] - 1 for row in rows}


async def load_all_marks(database: Database, *, group: str) -> dict[Mark, int]:
    """Return the highest sequence that a group has seen of each producer."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT topic, partition, producer, sequence FROM mark WHERE consumer_group = $1", group
        )
    return {(row["topic"], row["partition"], row["producer"]): row["sequence"] for row in rows}


def compare_sequences(
    *,
    producer: str,
    noted: Mapping[TopicPartition, int],
    consumer: str,
    marks: Mapping[Mark, int],
    topics: Sequence[str],
) -> Finding:
    """Check that a consumer has seen everything that a producer had said when it was noted."""
    breaches = []
    looked_at = 0
    for target, sequence in sorted(noted.items()):
        if target.topic not in topics or sequence == 0:
            continue
        looked_at += sequence
        seen = marks.get((target.topic, target.partition, producer), 0)
        if seen < sequence:
            breaches.append(
                f"{target.topic}/{target.partition}: sequences {seen + 1} to {sequence} of {producer}"
                f" have not reached {consumer}"
            )
    return Finding(
        check=f"what {producer} said has reached {consumer}", looked_at=looked_at, breaches=breaches
    )


async def check_outbox(database: Database, *, service: str) -> Finding:
    """Check that everything that was committed has been published."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT topic, partition, first_sequence, records FROM outbox ORDER BY 1, 2, 3 LIMIT $1",
            _MOST_NAMED,
        )
    breaches = [
        f"{row['topic']}/{row['partition']}: {row['records']} records from {row['first_sequence']} on wait"
        for row in rows
    ]
    return Finding(check=f"{service}: the outbox is empty", looked_at=len(rows), breaches=breaches)


async def check_dead_letters(database: Database, *, service: str) -> Finding:
    """Check that no partition waits for a person, and count dead letters not yet replayed."""
    async with database.connection() as connection:
        halts = await connection.fetch(
            'SELECT topic, partition, code, "offset" FROM halt WHERE resumed IS NULL'
        )
        waiting = await connection.fetch_value("SELECT count(*) FROM dead_letter WHERE replayed IS NULL")
    breaches = [
        f"{row['topic']}/{row['partition']} halted at {row['offset']}: {row['code']}" for row in halts
    ]
    return Finding(
        check=f"{service}: no partition is halted", looked_at=waiting + len(halts), breaches=breaches
    )


async def find_buried(
    connection: Transaction, places: Sequence[tuple[str, int, int]]
) -> set[tuple[str, int, int]]:
    """Return those of these records (topic, partition, offset) that became dead letters."""
    if not places:
        return set()
    rows = await connection.fetch(
        'SELECT d.topic, d.partition, d."offset" FROM dead_letter d'
        " JOIN unnest($1::text[], $2::int[], $3::bigint[]) AS p(topic, partition, place)"
        ' ON d.topic = p.topic AND d.partition = p.partition AND d."offset" = p.place',
        [topic for topic, _, _ in places],
        [partition for _, partition, _ in places],
        [offset for _, _, offset in places],
    )
    return {(row[0], row[1], row[2]) for row in rows}


async def check_receipts(database: Database, *, service: str, group: str) -> Finding:
    """Check that receipts abut up to the position and that their counts sum to their length."""
    async with database.connection() as connection:
        receipts = await connection.fetch(
            "SELECT * FROM receipt WHERE consumer_group = $1 ORDER BY topic, partition, first_offset", group
        )
        positions = await connection.fetch(
            "SELECT topic, partition, next FROM position WHERE consumer_group = $1", group
        )
    expected: dict[TopicPartition, int] = {}
    breaches = []
    looked_at = 0
    for row in receipts:
        tp = TopicPartition(row["topic"], row["partition"])
        name = f"{tp.topic}/{tp.partition} offsets {row['first_offset']} to {row['next_offset'] - 1}"
        length = row["next_offset"] - row["first_offset"]
        counted = row["processed"] + row["duplicate"] + row["quarantined"] + row["dead"]
        looked_at += counted
        if counted != length:
            breaches.append(f"{name}: {length} records lie there and {counted} are accounted for")
        if expected.get(tp, row["first_offset"]) != row["first_offset"]:
            breaches.append(f"{name}: the receipt before ends at {expected[tp] - 1}")
        expected[tp] = row["next_offset"]
    for row in positions:
        tp = TopicPartition(row["topic"], row["partition"])
        if tp in expected and expected[tp] != row["next"]:
            name = f"{tp.topic}/{tp.partition}"
            breaches.append(f"{name}: receipts end at {expected[tp] - 1}, the position is {row['next']}")
    return Finding(check=f"{service}: every record has a receipt", looked_at=looked_at, breaches=breaches)
