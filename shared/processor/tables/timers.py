"""Timers: durable rows, read by the owner of their partition and joined to its batch as facts.

A timer rings before the first fact *of its lead*, in log order, that was received after its due
time; otherwise once everything that the log held at its due time has been read. Its row goes away
in the transaction of its effect.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from shared.kernel.changes import Fact, TimerFired, TimerKey
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

_FEW_TIMERS = 200


class DueTimer(NamedTuple):
    """A timer that has come due and waits for its partition's owner."""

    key: str
    partition: int
    name: str
    due: Instant


def ring(group: str, timer: TimerKey, due: Instant) -> Fact:
    """Return the fact that a timer has come due; the same timer and due time give the same id."""
    identity = deterministic_id("timer", group, timer.key, timer.name, str(due))
    return Fact(identity, timer.key, due, TimerFired(timer.name, due), identity)


async def load_timers(transaction: Transaction, *, keys: Collection[str]) -> dict[str, dict[str, Instant]]:
    """Return the set timers of these leads: name to due time.

    Read it after the states: a command in between then shows as a version conflict.
    """
    timers: dict[str, dict[str, Instant]] = {}
    rows = await transaction.fetch("SELECT key, name, due FROM timer WHERE key = ANY($1::text[])", list(keys))
    for row in rows:
        timers.setdefault(row["key"], {})[row["name"]] = row["due"]
    return timers


async def load_ringing(
    transaction: Transaction, *, keys: Collection[str], partitions: Collection[int], before: Instant
) -> dict[str, dict[str, Instant]]:
    """Return those timers of these leads that are due before an instant; their homes are ``partitions``.

    Mostly nothing is due, and one look at the earliest timers tells; only where much is due are the
    leads asked one by one. Read it after the states, as :func:`load_timers`.
    """
    limit = max(_FEW_TIMERS, len(keys))
    rows = await transaction.fetch(
        "SELECT key, name, due FROM timer WHERE partition = ANY($1::int[]) AND due < $2 LIMIT $3",
        list(partitions),
        before,
        limit,
    )
    if len(rows) == limit:
        return await load_timers(transaction, keys=keys)
    timers: dict[str, dict[str, Instant]] = {}
    for row in rows:
        if row["key"] in keys:
            timers.setdefault(row["key"], {})[row["name"]] = row["due"]
    return timers


async def find_due(
    transaction: Transaction, *, until: Mapping[int, Instant], limit: int
) -> tuple[list[DueTimer], Instant | None]:
    """Return timers due by their partition's instant, earliest first, and the earliest due time left over.

    ``until`` maps a partition number to the instant up to which its timers may ring. There are at most
    ``limit``; if there are as many, more may be due.
    """
    rows = await transaction.fetch(
        "SELECT t.key, t.name, t.partition, t.due <= u.instant AS is_due, t.due"
        " FROM unnest($1::int[], $2::bigint[]) AS u(partition, instant) CROSS JOIN LATERAL"
        " (SELECT key, name, partition, due FROM timer WHERE partition = u.partition ORDER BY due LIMIT $3)"
        " AS t ORDER BY t.due, t.key, t.name",
        list(until),
        list(until.values()),
        limit,
    )
    due = [DueTimer(row["key"], row["partition"], row["name"], row["due"]) for row in rows if row["is_due"]]
    left = next((row["due"] for row in rows if not row["is_due"]), None)
    return due[:limit], left


async def save_timers(
    transaction: Transaction, changed: Mapping[TimerKey, Instant | None], *, partitions: Mapping[str, int]
) -> None:
    """Set, move or silence timers; ``partitions`` tells each lead's home partition."""
    silenced = sorted(timer for timer, due in changed.items() if due is None)
    kept = sorted((timer, due) for timer, due in changed.items() if due is not None)
    if silenced:
        await transaction.execute(
            "DELETE FROM timer t USING unnest($1::text[], $2::text[]) AS s(key, name)"
            " WHERE t.key = s.key AND t.name = s.name",
            [timer.key for timer in silenced],
            [timer.name for timer in silenced],
        )
    if kept:
        await transaction.execute(
            "INSERT INTO timer AS t (key, name, partition, due)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[])"
            " ON CONFLICT (key, name) DO UPDATE SET due = excluded.due",
            [timer.key for timer, _ in kept],
            [timer.name for timer, _ in kept],
            [partitions[timer.key] for timer, _ in kept],
            [due for _, due in kept],
        )


def rings_before(timers: Mapping[str, Instant], received: Instant) -> Sequence[tuple[Instant, str]]:
    """Return the timers that ring before a fact received then: due time and name, earliest first."""
    return sorted((due, name) for name, due in timers.items() if due < received)
