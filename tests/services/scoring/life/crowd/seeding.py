"""Many leads at once, as the service itself would have written them had it read what came in."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from services.scoring.bootstrap import build_ruled_stage
from services.scoring.store.scoring_models.rulings import RegisteredRulings
from shared.kernel.instants import SECOND, Instant
from shared.log.embedded.records import StoredRecord
from shared.log.port import Record
from shared.postgres.database import Database
from shared.processor.fold import Announcer, Fold
from shared.processor.tables import outbox
from shared.processor.transaction import save_folded
from tests.services.scoring.deeds import Deed, Deeds
from tests.services.surroundings.logs import PARTITIONS

_CHUNK = 1_000


def people(deeds: Deeds, names: Sequence[str], at: Instant) -> list[Deed]:
    """Who they are, and one thing that each did."""
    random = Random(len(names) + at)
    told = []
    for name in names:
        told.append(
            deeds.is_known_as(
                name,
                at,
                industry=random.choice(["pharma", "education", "internet"]),
                title_level=random.choice(["manager", "director", "cxo"]),
                size=random.choice(["under_50", "200_to_499"]),
                region=random.choice(["east_china", "bavaria"]),
            )
        )
        told.append(deeds.asked_for_demo(name, at + SECOND))
    return told


async def seed(
    database: Database, rulings: RegisteredRulings, deeds: Deeds, names: Sequence[str], at: Instant
) -> None:
    """Let the service's own stage read, fold and save what these people did, outbox included, by thousands.

    What is left out is the log: no position moves, no mark is set.
    """
    stage = build_ruled_stage(rulings, partitions=PARTITIONS)
    announcer = Announcer(source="/leadmill/scoring", partitions=PARTITIONS, max_record_bytes=900_000)
    for start in range(0, len(names), _CHUNK):
        fold = Fold(stage, announcer, {}, {})
        for deed in people(deeds, names[start : start + _CHUNK], at):
            fact = stage.read(_record(deed))
            assert fact is not None
            fold.learn(fact)
        folded = fold.finish()
        async with database.transaction(durable=False) as transaction:
            await save_folded(transaction, stage, folded)
            await outbox.write(transaction, folded.output.by_partition())


def _record(deed: Deed) -> Record:
    key, value, _, timestamp = deed.record
    return StoredRecord(key, value, (), timestamp, *deed.target, 0)
