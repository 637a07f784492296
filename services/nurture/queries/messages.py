"""Lists of messages, and what sequences have come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from services.nurture.domain.course import Rules
from services.nurture.domain.messages import LedgerLine, State
from services.nurture.domain.sequences import SequenceDocument
from services.nurture.store.reading import (
    count_engaged,
    count_messages,
    count_runs,
    load_messages,
)
from shared.kernel.instants import Instant
from shared.postgres.database import Database, Row
from shared.postgres.snapshots import snapshot


class SequenceCounts(NamedTuple):
    """A live sequence: its runs by state, and its messages by step and state, over all versions.

    ``engaged`` is from how many messages of a step something came back, by kind; machines do not count.
    """

    document: SequenceDocument
    runs: Counter[str]
    messages: dict[str, Counter[str]]
    engaged: dict[str, Counter[str]]


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
            engaged = await count_engaged(transaction)
        counted = []
        for document in self._rules.sequences.live:
            of_runs: Counter[str] = Counter()
            for row in runs:
                if row["sequence"] == document.name:
                    of_runs[row["state"]] += row["runs"]
            counted.append(
                SequenceCounts(
                    document,
                    of_runs,
                    _by_step(messages, document.name, by="state"),
                    _by_step(engaged, document.name, by="kind"),
                )
            )
        return counted


def _by_step(rows: Sequence[Row], sequence: str, *, by: str) -> dict[str, Counter[str]]:
    by_step: dict[str, Counter[str]] = {}
    for row in rows:
        if row["sequence"] == sequence:
            by_step.setdefault(row["step"], Counter())[row[by]] += row["messages"]
    return by_step
