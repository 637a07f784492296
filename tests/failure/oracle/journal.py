"""The journal: one row per transaction, written inside it, and the order it proves.

The order of commits is taken from the sequences that were drawn and from the input ranges that were
moved over, never from transaction ids or clocks: per partition both are chains. If the chains of
several partitions contradict each other, nothing was serial, and the run fails.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from shared.log.port import TopicPartition
from shared.postgres.database import Database, Transaction
from shared.processor.batch import Account
from shared.processor.transaction import Journal

DDL: Final = (
    "CREATE TABLE journal (transaction bigint PRIMARY KEY, writer text NOT NULL, command text NOT NULL,"
    " payload bytea NOT NULL)"
)


class _Payload(msgspec.Struct, array_like=True):
    moves: list[tuple[str, int, int, int]]
    rung: list[tuple[str, str, int]]
    drawn: list[tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction: what it read, which timers rang, which sequences it drew.

    ``beside`` is what was done without the loop and without a command, in the words of who noted it;
    ``xid`` is the server's own number of the transaction, 0 if it is not known.
    """

    transaction: int
    writer: str
    command: str
    moves: Mapping[TopicPartition, tuple[int, int]]
    rung: Sequence[tuple[str, str, int]]
    drawn: Mapping[TopicPartition, tuple[int, int]]
    beside: Sequence[tuple[str, str]] = ()
    xid: int = 0


@dataclass(slots=True)
class Ordered:
    """The journal in commit order; ``faults`` tells what is wrong with it."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def journal_of(writer: str) -> Journal:
    """Return the function that writes ``writer``'s rows."""

    async def write(transaction: Transaction, account: Account) -> None:
        payload = _Payload(
            moves=[(*tp, start, end) for tp, (start, end) in account.moves.items()],
            rung=[(timer.key, timer.name, due) for timer, due in account.rung],
            drawn=[(*batch.target, batch.first, len(batch.records)) for batch in account.batches],
        )
        await transaction.execute(
            "INSERT INTO journal VALUES (pg_current_xact_id()::text::bigint, $1, $2, $3)",
            writer,
            account.command,
            msgspec.msgpack.encode(payload),
        )

    return write


async def load_journal(database: Database) -> list[Entry]:
    """Return every row."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT transaction, writer, command, payload FROM journal")
    entries = []
    for row in rows:
        payload = msgspec.msgpack.decode(row["payload"], type=_Payload)
        entries.append(
            Entry(
                transaction=row["transaction"],
                writer=row["writer"],
                command=row["command"],
                moves={
                    TopicPartition(topic, part): (start, end) for topic, part, start, end in payload.moves
                },
                rung=payload.rung,
                drawn={
                    TopicPartition(topic, part): (first, count) for topic, part, first, count in payload.drawn
                },
                xid=row["transaction"],
            )
        )
    return entries


def order(entries: Sequence[Entry], *, starts: Mapping[TopicPartition, int]) -> Ordered:
    """Put transactions into commit order; ``starts`` are the offsets at which the run began."""
    ordered = Ordered()
    after: list[set[int]] = [set() for _ in entries]
    waits_for = [0] * len(entries)
    for chain in _chains(entries, ordered.faults, starts):
        for earlier, later in itertools.pairwise(chain):
            if later not in after[earlier]:
                after[earlier].add(later)
                waits_for[later] += 1
    ready = [(entries[index].transaction, index) for index, count in enumerate(waits_for) if not count]
    heapq.heapify(ready)
    while ready:
        _, index = heapq.heappop(ready)
        ordered.entries.append(entries[index])
        for later in after[index]:
            waits_for[later] -= 1
            if not waits_for[later]:
                heapq.heappush(ready, (entries[later].transaction, later))
    if len(ordered.entries) < len(entries):
        ordered.faults.append(
            f"cycle: {len(entries) - len(ordered.entries)} transactions have no order"
            " in which all partitions agree"
        )
    return ordered


def _chains(
    entries: Sequence[Entry], faults: list[str], starts: Mapping[TopicPartition, int]
) -> list[list[int]]:
    """Return, per partition written to and per partition read, who touched it, in order."""
    spans: dict[tuple[str, TopicPartition], list[tuple[int, int, int]]] = {}
    for index, entry in enumerate(entries):
        for tp, (first, count) in entry.drawn.items():
            spans.setdefault(("sequences", tp), []).append((first, first + count, index))
        for tp, (start, end) in entry.moves.items():
            spans.setdefault(("offsets", tp), []).append((start, end, index))
    chains = []
    for (what, tp), found in sorted(spans.items()):
        found.sort()
        expected = 1 if what == "sequences" else starts.get(tp, 0)
        for start, end, index in found:
            if start > expected:
                faults.append(
                    f"lost: {what} {expected} to {start - 1} of {tp.topic}/{tp.partition} in no transaction"
                )
            elif start < expected:
                faults.append(
                    f"double: {what} {start} to {min(end, expected) - 1} of {tp.topic}/{tp.partition}"
                    f" once more by {entries[index].writer}"
                )
            expected = max(expected, end)
        chains.append([index for _, _, index in found])
    return chains
