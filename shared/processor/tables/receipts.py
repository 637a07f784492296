"""Receipts: what became of every range of offsets.

One row grows as its partition is worked through, so receipts abut by construction; a claim starts a
new row, and so does a row that has become long. Their counts must sum to their length, which is
what ``leadmill audit`` adds up.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from shared.log.port import TopicPartition
from shared.postgres.database import Transaction


@dataclass(slots=True)
class Tally:
    """How many records of one range of offsets ended how; the columns of a receipt."""

    processed: int = 0
    duplicate: int = 0
    quarantined: int = 0
    dead: int = 0


_OFFSETS_PER_ROW = 100_000

_SAVE = """
INSERT INTO receipt AS r (consumer_group, topic, partition, first_offset, next_offset,
                          processed, duplicate, quarantined, dead)
SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[],
                         $6::int[], $7::int[], $8::int[], $9::int[])
ON CONFLICT (consumer_group, topic, partition, first_offset) DO UPDATE SET
    next_offset = excluded.next_offset,
    processed = r.processed + excluded.processed,
    duplicate = r.duplicate + excluded.duplicate,
    quarantined = r.quarantined + excluded.quarantined,
    dead = r.dead + excluded.dead
"""


async def save_receipts(
    transaction: Transaction,
    *,
    group: str,
    moves: Mapping[TopicPartition, tuple[int, int]],
    tallies: Mapping[TopicPartition, Tally],
    opened: MutableMapping[TopicPartition, int],
) -> None:
    """Write what became of the offsets moved over; ``opened`` keeps where each growing row began."""
    targets = sorted(moves)
    if not targets:
        return
    for target in targets:
        first, _ = moves[target]
        if first - opened.setdefault(target, first) >= _OFFSETS_PER_ROW:
            opened[target] = first
    counts = [tallies[target] for target in targets]
    await transaction.execute(
        _SAVE,
        group,
        [target.topic for target in targets],
        [target.partition for target in targets],
        [opened[target] for target in targets],
        [moves[target][1] for target in targets],
        [count.processed for count in counts],
        [count.duplicate for count in counts],
        [count.quarantined for count in counts],
        [count.dead for count in counts],
    )
