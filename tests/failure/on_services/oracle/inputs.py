"""What both replays read: the raw records of the log, what is a repeat, and the journal they follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.kernel.errors import code_of
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from shared.processor.tables.receipts import Tally
from tests.failure.on_services.oracle.saying import Saying
from tests.failure.oracle.journal import Entry, Ordered, load_journal, order
from tests.failure.oracle.replay import Buried, Said, sequence_of


@dataclass(slots=True)
class Expected:
    """What a service should have said, how often it saw what again, and what contradicts itself."""

    said: dict[TopicPartition, list[Said | Buried]] = field(default_factory=dict)
    buried: list[Buried] = field(default_factory=list)
    tallies: dict[TopicPartition, Tally] = field(default_factory=dict)
    events: int = 0
    repeats: int = 0
    faults: list[str] = field(default_factory=list)

    def close(self, entry: Entry, saying: Saying) -> None:
        """A transaction is over: compare what it drew with what it should have said."""
        output = saying.finish()
        drawn = {target: len(records) for target, records in output.items()}
        journaled = {target: count for target, (_, count) in entry.drawn.items()}
        if drawn != journaled:
            self.faults.append(
                f"different: transaction {entry.transaction} of {entry.writer} drew {journaled},"
                f" should be {drawn}"
            )
        for target, records in output.items():
            self.said.setdefault(target, []).extend(records)
        self.buried += saying.buried
        self.events += saying.events

    def tally_of(self, tp: TopicPartition) -> Tally:
        """Return the counts of one partition that was read."""
        return self.tallies.setdefault(tp, Tally())


class Reader:
    """Reads records in the order of the journal and knows which it has met before."""

    def __init__(self, log: Mapping[TopicPartition, Sequence[Record]]) -> None:
        self._log = log
        self._seen: set[tuple[TopicPartition, str, int]] = set()

    def records(self, entry: Entry) -> Iterator[tuple[TopicPartition, Record, bool]]:
        """Return what a transaction read, in its order, and whether each was read before."""
        for tp in sorted(entry.moves):
            start, end = entry.moves[tp]
            for record in self._log.get(tp, ())[start:end]:
                yield tp, record, self._is_repeat(tp, record)

    def _is_repeat(self, tp: TopicPartition, record: Record) -> bool:
        numbered = sequence_of(record)
        if numbered is None:
            return False
        if (tp, *numbered) in self._seen:
            return True
        self._seen.add((tp, *numbered))
        return False


def bury(record: Record, error: Exception, *, attempts: int = 1) -> Buried:
    """Return the dead letter that a record should have become."""
    return Buried(
        record.topic, record.partition, record.offset, code_of(error), attempts, record.key, record.value
    )


async def load_ordered(database: Database, *, beside: Sequence[Entry] = ()) -> Ordered:
    """Return the journal in commit order, with what was done ``beside`` the loop in its places.

    Rows that partitions share (identifiers, leads) make transactions depend on each other that have no
    partition in common. Whoever waited for such a row committed later, so the server's own record of when
    each committed decides where sequences and offsets leave it open; where those say something, they do.
    """
    entries = [*await load_journal(database), *beside]
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT transaction FROM unnest($1::bigint[]) AS transaction"
            " ORDER BY pg_xact_commit_timestamp(transaction::text::xid), transaction",
            [entry.transaction for entry in entries],
        )
    rank = {row["transaction"]: number for number, row in enumerate(rows, 1)}
    ordered = order([replace(entry, transaction=rank[entry.transaction]) for entry in entries], starts={})
    late = [
        f"order: transaction {later.transaction} comes before {earlier.transaction} by what they share,"
        " and committed after it"
        for later, earlier in zip(ordered.entries, ordered.entries[1:], strict=False)
        if later.transaction > earlier.transaction
    ]
    ordered.faults += late
    return ordered
