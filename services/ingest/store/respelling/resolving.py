"""The resolver that reads by the spellings there are: it looks for new ones with every batch.

A batch looks in its own transaction, after its fence: a spelling holds for every batch that began after it
was committed. What was read before it is read anew by :mod:`services.ingest.store.respelling.anew`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from services.ingest.domain.choices.rules import Added
from services.ingest.domain.intake import Intake
from services.ingest.domain.respelling.adding import as_added, standing
from services.ingest.store.choices.unmatched import count_missed, sum_up
from services.ingest.store.resolver import RawFact, Resolver
from services.ingest.store.resolving.ports import Reading, ReadRaw
from services.ingest.store.respelling.spellings import load_version, load_words
from shared.contracts.events.raw import RawReceived
from shared.kernel.changes import Fact
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction
from shared.processor.stage import Decision, Outcome

MakeReader = Callable[[Sequence[Added]], ReadRaw]
"""Returns what reads messages by the documents and these spellings; pure."""


class SpellingResolver(Resolver):
    """The resolver, with the spellings that people added, and with a count of what stood for nothing."""

    def __init__(self, *, make_reader: MakeReader, **rooms: Any) -> None:
        super().__init__(read_raw=self._read_by_now, **rooms)
        self._make_reader = make_reader
        self._reader = make_reader(())
        self._version = 0
        self._missed: dict[str, dict[str, str]] = {}

    async def apply(self, transaction: Transaction, facts: Sequence[Fact]) -> Sequence[Decision]:
        """Do as the resolver does, by the spellings of now; see there."""
        if not any(isinstance(fact.event, RawFact) for fact in facts):
            return await super().apply(transaction, facts)
        await self._refresh(transaction)
        try:
            decisions = await super().apply(transaction, facts)
            await self._count_missed(transaction, facts, decisions)
        finally:
            for fact in facts:
                self._missed.pop(fact.id, None)
        return decisions

    async def _refresh(self, transaction: Transaction) -> None:
        version = await load_version(transaction)
        if version > self._version:
            words = await load_words(transaction)
            self._reader = self._make_reader(as_added(standing(words)))
            self._version = len(words)

    def _read_by_now(self, raw: RawReceived, *, record_id: str, received: Instant) -> Reading:
        reading = self._reader(raw, record_id=record_id, received=received)
        if isinstance(reading, Intake) and reading.traits is not None and reading.traits.missed:
            self._missed[record_id] = reading.traits.missed
        return reading

    async def _count_missed(
        self, transaction: Transaction, facts: Sequence[Fact], decisions: Sequence[Decision]
    ) -> None:
        """Count what stood for nothing in messages that took effect."""
        if not self._missed:
            return
        by_partition: dict[int, dict[tuple[str, str], tuple[int, Instant]]] = {}
        for fact, decision in zip(facts, decisions, strict=True):
            missed = self._missed.get(fact.id)
            if missed is None or decision.outcome is not Outcome.PROCESSED or not decision.emissions:
                continue
            for attribute, text in missed.items():
                if text and isinstance(fact.event, RawFact):
                    said = by_partition.setdefault(fact.event.partition, {})
                    times, newest = said.get((attribute, text), (0, 0))
                    said[attribute, text] = (times + 1, max(newest, fact.received))
        for partition in sorted(by_partition):
            await count_missed(transaction, partition, sum_up(by_partition[partition]))
