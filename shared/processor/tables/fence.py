"""The fence: who may commit, how far, and what has been seen.

The fence row's epoch is compared and its row locked until commit, in the first statement of every
batch's transaction; reading the epoch alone would fence nothing. A claim raises the epoch in one
statement, which waits for a predecessor's open transaction, and reads positions and marks in later
statements, which therefore see what that predecessor committed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.kernel.errors import Verdict
from shared.log.port import TopicPartition
from shared.postgres.database import Transaction

Mark = tuple[str, int, str]
"""Topic, partition, producer."""


class Fenced(Verdict):
    """Another worker has claimed this partition since; this one must let go and join again."""

    code = "processor.fenced"


@dataclass(slots=True)
class Claim:
    """What a worker knows of the partitions it owns.

    ``positions`` are those of the last commit; ``taken`` and ``marks`` are ahead of them by what has
    been read since. A claim whose batch does not commit is forgotten as a whole. ``receipts`` tells
    where the receipt row that is growing now began.
    """

    epochs: dict[int, int] = field(default_factory=dict)
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    taken: dict[TopicPartition, int] = field(default_factory=dict)
    marks: dict[Mark, int] = field(default_factory=dict)
    receipts: dict[TopicPartition, int] = field(default_factory=dict)


_RAISE = """
WITH wanted AS (SELECT unnest($2::int[]) AS partition ORDER BY 1)
INSERT INTO fence AS f (consumer_group, partition, epoch) SELECT $1, partition, 1 FROM wanted
ON CONFLICT (consumer_group, partition) DO UPDATE SET epoch = f.epoch + 1
RETURNING partition, epoch
"""

_HOLD = """
SELECT partition, epoch FROM fence WHERE consumer_group = $1 AND partition = ANY($2::int[])
ORDER BY partition FOR UPDATE
"""

_ADVANCE = """
WITH held AS MATERIALIZED (
    SELECT f.partition FROM fence f
    JOIN unnest($2::int[], $3::bigint[]) AS mine(partition, epoch) ON f.partition = mine.partition
    WHERE f.consumer_group = $1 AND f.epoch = mine.epoch
    ORDER BY f.partition FOR UPDATE OF f
), allowed AS MATERIALIZED (
    SELECT count(*) = cardinality($2::int[]) AS ok FROM held
), moved AS (
    UPDATE position p SET next = u.next
    FROM allowed, unnest($4::text[], $5::int[], $6::bigint[], $7::bigint[])
      AS u(topic, partition, expected, next)
    WHERE allowed.ok AND p.consumer_group = $1 AND p.topic = u.topic AND p.partition = u.partition
      AND p.next = u.expected
    RETURNING 1
), seen AS (
    INSERT INTO mark AS m (consumer_group, topic, partition, producer, sequence)
    SELECT $1, u.topic, u.partition, u.producer, u.sequence
    FROM allowed, unnest($8::text[], $9::int[], $10::text[], $11::bigint[])
      AS u(topic, partition, producer, sequence)
    WHERE allowed.ok
    ON CONFLICT (consumer_group, topic, partition, producer) DO UPDATE SET sequence = excluded.sequence
    RETURNING 1
)
SELECT (SELECT ok FROM allowed) AND (SELECT count(*) FROM moved) = cardinality($4::text[])
   AND (SELECT count(*) FROM seen) = cardinality($8::text[])
"""


async def raise_epochs(transaction: Transaction, *, group: str, partitions: Sequence[int]) -> dict[int, int]:
    """Claim these partition numbers; from the commit on, every earlier owner is fenced off."""
    rows = await transaction.fetch(_RAISE, group, sorted(partitions))
    return {row["partition"]: row["epoch"] for row in rows}


async def hold_epochs(transaction: Transaction, *, group: str, epochs: Mapping[int, int]) -> None:
    """Lock the fence rows and make sure that the claim still stands.

    It waits for a transaction of this worker whose answer was lost, so that what is read afterwards
    tells whether that transaction took effect.

    :raises Fenced: if another worker has claimed one of the partitions.
    """
    rows = await transaction.fetch(_HOLD, group, sorted(epochs))
    if {row["partition"]: row["epoch"] for row in rows} != dict(epochs):
        raise Fenced


async def load_positions(
    transaction: Transaction, *, group: str, partitions: Sequence[int]
) -> dict[TopicPartition, int]:
    """Return the stored positions of these partition numbers, of every topic."""
    rows = await transaction.fetch(
        "SELECT topic, partition, next FROM position"
        " WHERE consumer_group = $1 AND partition = ANY($2::int[])",
        group,
        list(partitions),
    )
    return {TopicPartition(row["topic"], row["partition"]): row["next"] for row in rows}


async def load_marks(transaction: Transaction, *, group: str, partitions: Sequence[int]) -> dict[Mark, int]:
    """Return the highest sequence seen per topic, partition and producer."""
    rows = await transaction.fetch(
        "SELECT topic, partition, producer, sequence FROM mark"
        " WHERE consumer_group = $1 AND partition = ANY($2::int[])",
        group,
        list(partitions),
    )
    return {(row["topic"], row["partition"], row["producer"]): row["sequence"] for row in rows}


async def open_positions(
    transaction: Transaction, *, group: str, positions: Mapping[TopicPartition, int]
) -> None:
    """Store first positions for partitions that never had one; existing ones stay."""
    wanted = sorted(positions.items())
    await transaction.execute(
        "INSERT INTO position (consumer_group, topic, partition, next)"
        " SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[]) ON CONFLICT DO NOTHING",
        group,
        [tp.topic for tp, _ in wanted],
        [tp.partition for tp, _ in wanted],
        [start for _, start in wanted],
    )


async def advance(
    transaction: Transaction,
    *,
    group: str,
    epochs: Mapping[int, int],
    moves: Mapping[TopicPartition, tuple[int, int]],
    marks: Mapping[Mark, int],
) -> None:
    """Check and lock the fence, move positions from what was expected, and remember the marks.

    This is the first statement of a batch's transaction. ``moves`` maps a partition to the position
    expected and the one to move to; ``epochs`` names every partition number the batch touches.

    :raises Fenced: if the claim, or one of the positions, is no longer what this worker believes.
    """
    moved = sorted(moves.items())
    seen = sorted(marks.items())
    numbers = sorted(epochs)
    ok = await transaction.fetch_value(
        _ADVANCE,
        group,
        numbers,
        [epochs[number] for number in numbers],
        [tp.topic for tp, _ in moved],
        [tp.partition for tp, _ in moved],
        [expected for _, (expected, _) in moved],
        [following for _, (_, following) in moved],
        [mark[0] for mark, _ in seen],
        [mark[1] for mark, _ in seen],
        [mark[2] for mark, _ in seen],
        [sequence for _, sequence in seen],
    )
    if not ok:
        raise Fenced
