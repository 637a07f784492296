"""Planted bugs, one of each kind that the matrix must catch; substituted inside a worker process only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.log.port import Log, Producer, Record, TopicPartition
from shared.postgres.database import Transaction
from shared.processor import batch as batches
from shared.processor.batch import Account, BatchReader
from shared.processor.tables import fence, outbox
from shared.processor.tables.fence import Mark
from shared.processor.tables.states import StateTable
from shared.processor.transaction import Journal
from tests.engine.tally import TallyStage

_ONE: Final[Mark] = ("any", 0, "any")


def remove_fence() -> None:
    """Move positions and marks whatever the epoch and the position are."""

    async def advance(
        transaction: Transaction,
        *,
        group: str,
        epochs: Mapping[int, int],
        moves: Mapping[TopicPartition, tuple[int, int]],
        marks: Mapping[Mark, int],
    ) -> None:
        for tp, (_, following) in sorted(moves.items()):
            await transaction.execute(
                "UPDATE position SET next = $4 WHERE consumer_group = $1 AND topic = $2 AND partition = $3",
                group,
                *tp,
                following,
            )
        for mark, sequence in sorted(marks.items()):
            await transaction.execute(
                "INSERT INTO mark VALUES ($1, $2, $3, $4, $5)"
                " ON CONFLICT (consumer_group, topic, partition, producer)"
                " DO UPDATE SET sequence = excluded.sequence",
                group,
                *mark,
                sequence,
            )

    fence.advance = advance


def remove_version_check() -> None:
    """Save states over whatever is there."""
    begin = StateTable.__init__

    def spoiled(self: StateTable[Any], table: str, state: type) -> None:
        begin(self, table, state)
        self._save = self._save.partition(" WHERE ")[0]

    StateTable.__init__ = spoiled  # type: ignore[method-assign]


def keep_one_mark_per_group() -> None:
    """Remember one sequence for all topics, partitions and producers."""

    class OneMark(dict[Mark, int]):
        def get(self, mark: Mark, default: Any = None) -> Any:
            return super().get(_ONE, default)

        def __setitem__(self, mark: Mark, sequence: int) -> None:
            super().__setitem__(_ONE, sequence)

    class SpoiledBatch(batches.Batch):
        def __post_init__(self) -> None:
            self.marks = OneMark()

    async def load_marks(
        transaction: Transaction, *, group: str, partitions: Sequence[int]
    ) -> dict[Mark, int]:
        marks = OneMark()
        row = await transaction.fetch_row("SELECT sequence FROM mark WHERE consumer_group = $1", group)
        if row is not None:
            marks[_ONE] = row["sequence"]
        return marks

    batches.Batch = SpoiledBatch  # type: ignore[misc]
    fence.load_marks = load_marks


def swallow_gaps() -> None:
    """Read on when a sequence is missing."""

    def go_on(*_: object) -> None:
        return None

    BatchReader._stop_at_gap = go_on  # type: ignore[assignment, method-assign]


def heal_nothing() -> None:
    """Leave late records of the compacted topic unanswered."""

    def heal(self: TallyStage, record: Record) -> None:
        return None

    TallyStage.heal = heal  # type: ignore[method-assign]


_IN_THE_ENGINE: Final = {
    "fence_removed": remove_fence,
    "version_check_removed": remove_version_check,
    "mark_per_group": keep_one_mark_per_group,
    "gap_swallowed": swallow_gaps,
    "heal_removed": heal_nothing,
}
_IN_THE_JOURNAL: Final = "publish_before_commit"
PLANTS: Final = (*_IN_THE_ENGINE, _IN_THE_JOURNAL)


def plant(name: str) -> None:
    """Substitute the part of the engine that this bug spoils, if it is one of these."""
    if name and name != _IN_THE_JOURNAL:
        _IN_THE_ENGINE[name]()


def spoil_journal(name: str, journal: Journal, log: Log) -> Journal:
    """Return the journal; with ``publish_before_commit`` it says already what is not yet true."""
    if name != _IN_THE_JOURNAL:
        return journal
    connected: list[Producer] = []

    async def publish_early(transaction: Transaction, account: Account) -> None:
        await journal(transaction, account)
        if not connected:
            producer = log.producer(name="early")
            await producer.start()
            connected.append(producer)
        await connected[0].append(
            [(batch.target, outbox.number(batch, producer="tally")) for batch in account.batches]
        )

    return publish_early
