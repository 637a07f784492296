"""What was recorded while the fortnight ran: every record, and who committed what in which order.

The journals are kept in this process. Each is written to inside the transaction, last of all, when the
rows that it shares with others are locked; so what depends on each other stands in its order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from leadmill.audit.reading import read_topic
from leadmill.platform.topics import layouts
from shared.kernel.changes import Fact
from shared.log.port import Log, Record, TopicPartition
from shared.postgres.database import Transaction
from shared.processor.batch import Account
from shared.processor.transaction import Journal
from tests.engine.tally import PARTITIONS
from tests.failure.oracle.journal import Entry, Ordered, order


@dataclass(slots=True)
class Journals:
    """The journals of all services; ``commands`` are those that took effect, by service and key."""

    entries: dict[str, list[Entry]] = field(default_factory=dict)
    commands: dict[str, dict[str, Fact]] = field(default_factory=dict)

    def of(self, service: str) -> Journal:
        """Return what a service writes to."""
        entries = self.entries.setdefault(service, [])
        commands = self.commands.setdefault(service, {})

        async def write(_transaction: Transaction, account: Account) -> None:
            if account.fact is not None:
                commands[account.command] = account.fact
            entries.append(
                Entry(
                    transaction=len(entries) + 1,
                    writer=service,
                    command=account.command,
                    moves=dict(account.moves),
                    rung=[(timer.key, timer.name, due) for timer, due in account.rung],
                    drawn={batch.target: (batch.first, len(batch.records)) for batch in account.batches},
                )
            )

        return write

    def ordered(self, service: str) -> Ordered:
        """Return what a service committed, in order."""
        return order(self.entries[service], starts={})


async def read_all(log: Log) -> Mapping[TopicPartition, Sequence[Record]]:
    """Return every record of every topic."""
    found: dict[TopicPartition, list[Record]] = {}
    for layout in layouts(partitions=PARTITIONS):
        for number in range(layout.partitions):
            found[TopicPartition(layout.name, number)] = []
        async for records in read_topic(log, layout.name):
            for record in records:
                found[TopicPartition(record.topic, record.partition)].append(record)
    return found
