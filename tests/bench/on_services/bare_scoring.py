"""Scoring's work and nothing around it: the same pure handlers, the same rows."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from services.scoring.domain.scored_lead import ScoredLead, Working, needs_history
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.handlers.interpreting import interpret
from services.scoring.handlers.scoring import ScoringHandlers
from services.scoring.store.facts import load_facts
from services.scoring.store.leads import mark_listed_due, save_rows
from shared.contracts.envelope import decode_envelope
from shared.contracts.topics import partition_of
from shared.kernel.changes import Fact
from shared.postgres.database import Transaction
from tests.bench.loops.bare import Decided, Fetched
from tests.bench.loops.saying import Saying
from tests.bench.surroundings import PARTITIONS

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(ScoredLead).decode


class ScoringWork:
    """Scores: one query, facts where they come late, one fold, three writes. No clock is set."""

    def __init__(self, models: ModelSet) -> None:
        self._models = models
        self._handlers = ScoringHandlers(models)

    async def decide(self, connection: Any, fetched: Fetched) -> Decided:
        """See :class:`tests.bench.loops.bare.Work`."""
        coming: dict[str, list[Fact]] = {}
        for part in sorted(fetched):
            for record in fetched[part]:
                fact = interpret(decode_envelope(record.value))
                if fact is not None:
                    coming.setdefault(fact.key, []).append(fact)
        workings = await self._load(connection, coming)
        saying = Saying("scoring")
        rows: list[object] = []
        for key, facts in coming.items():
            working = workings.get(key) or self._handlers.begin(key)
            for fact in facts:
                changes = self._handlers.handle(working, fact)
                working = working if changes.state is None else changes.state
                rows += changes.rows
                saying.add(changes.emissions, fact)
            workings[key] = working
        touched = sorted(coming)

        async def write(connection: Any) -> None:
            await connection.execute(
                "INSERT INTO lead (key, partition, version, payload)"
                " SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[])"
                " ON CONFLICT (key) DO UPDATE SET payload = excluded.payload",
                touched,
                [partition_of(key, PARTITIONS) for key in touched],
                [1] * len(touched),
                [_encode(workings[key].kept) for key in touched],
            )
            await save_rows(Transaction(connection), rows)
            await mark_listed_due(Transaction(connection), touched)

        return Decided(write, saying.output())

    async def _load(self, connection: Any, coming: dict[str, list[Fact]]) -> dict[str, Working]:
        rows = await connection.fetch(
            "SELECT key, payload FROM lead WHERE key = ANY($1::text[])", list(coming)
        )
        kept = {row["key"]: _decode(row["payload"]) for row in rows}
        late = [
            key
            for key, lead in kept.items()
            if needs_history(self._models, lead, [fact.event for fact in coming[key]])
        ]
        histories = await load_facts(Transaction(connection), late) if late else {}
        return {key: Working(key, lead, histories.get(key)) for key, lead in kept.items()}
