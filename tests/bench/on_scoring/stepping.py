"""Scoring's own step on a real PostgreSQL, without a log: load, fold, and one transaction with its fence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry

from services.scoring.bootstrap import NAME, build_ruled_stage
from services.scoring.handlers.interpreting import interpret
from services.scoring.handlers.subjects import Subject
from services.scoring.store.scoring_models.rulings import RegisteredRulings
from services.scoring.store.scoring_models.shelf import Shelf
from shared.contracts.envelope import decode_envelope
from shared.log.port import TopicPartition
from shared.postgres.database import Database
from shared.processor.batch import Batch
from shared.processor.fold import Announcer
from shared.processor.tables import fence
from shared.processor.transaction import Bench, FoldingStep
from shared.runtime.clock import SystemClock
from shared.telemetry.metrics import ProcessorMetrics
from tests.bench.on_services.workload import CONFIG
from tests.bench.surroundings import PARTITIONS
from tests.services.scoring.deeds import Deed

_MOST_BYTES: Final = 900_000
_HERE: Final = TopicPartition("leadmill.behaviour", 0)


class Steps:
    """Takes records in, batch by batch, as the worker of one partition does once it has read them."""

    def __init__(self, database: Database, step: FoldingStep[Subject], claim: fence.Claim) -> None:
        self._database = database
        self._step = step
        self._claim = claim
        self._position = 0

    @classmethod
    async def open(cls, database: Database) -> Steps:
        """Begin on a database that has scoring's tables and nothing in them."""
        stage = build_ruled_stage(RegisteredRulings(Shelf(CONFIG / NAME)), partitions=PARTITIONS)
        bench = Bench(
            announcer=Announcer(
                source="/leadmill/scoring", partitions=PARTITIONS, max_record_bytes=_MOST_BYTES
            ),
            database=database,
            clock=SystemClock(),
            metrics=ProcessorMetrics(CollectorRegistry(), service=NAME, group=NAME),
        )
        async with database.transaction() as transaction:
            epochs = await fence.raise_epochs(transaction, group=NAME, partitions=[0])
            await fence.open_positions(transaction, group=NAME, positions={_HERE: 0})
        claim = fence.Claim(epochs=epochs, positions={_HERE: 0})
        return cls(database, FoldingStep(stage, bench), claim)

    async def take(self, deeds: Sequence[Deed]) -> None:
        """Commit one batch."""
        facts = [interpret(decode_envelope(deed.record.value or b"")) for deed in deeds]
        begin, self._position = self._position, self._position + len(deeds)
        await self._step.attempt(
            Batch(
                learned=[(fact, None) for fact in facts if fact is not None],
                moves={_HERE: (begin, self._position)},
            ),
            self._claim,
        )

    async def forget_output(self) -> None:
        """Take away what would have been published."""
        async with self._database.transaction(durable=False) as transaction:
            await transaction.execute("TRUNCATE outbox")
