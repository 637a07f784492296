"""Lists of messages, and what sequences have come to."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from services.nurture.domain.course import Rules
from services.nurture.domain.messages import LedgerLine, State
from services.nurture.domain.sequences import SequenceDocument
from services.nurture.store.reading import count_messages, count_runs, load_messages, snapshot
from shared.kernel.instants import Instant
from shared.postgres.database import Database


class SequenceCounts(NamedTuple):
    """A live sequence: its runs by state, and its messages by step and state, over all versions."""

    document: SequenceDocument
    runs: Counter[str]
    messages: dict[str, Counter[str]]


class MessageQueries:
    """Answers about many messages at once."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    async def find_messages(
        self, *, state: State, sequence: str | None, after: tuple[Instant, str] | None, limit: int
    ) -> list[LedgerLine]:
        """Return messages in one state, oldest first."""
        async with self._database.connection() as connection:
            return await load_messages(connection, state=state, sequence=sequence, after=after, limit=limit)

    async def count_sequences(self) -> list[SequenceCounts]:
        """Return the live sequences, highest priority first, with what they have come to."""
        async with snapshot(self._database) as transaction:
            runs = await count_runs(transaction)
            messages = await count_messages(transaction)
        counted = []
        for document in self._rules.sequences.live:
            of_runs: Counter[str] = Counter()
            for row in runs:
                if row["sequence"] == document.name:
                    of_runs[row["state"]] += row["runs"]
            by_step: dict[str, Counter[str]] = {}
            for row in messages:
                if row["sequence"] == document.name:
                    by_step.setdefault(row["step"], Counter())[row["state"]] += row["messages"]
            counted.append(SequenceCounts(document, of_runs, by_step))
        return counted
