"""Claiming: fence off predecessors, read what they committed, publish what they left.

Everything here is said in statements of their own, after the one that raised or held the epochs, so
that what a predecessor committed until then is seen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from shared.kernel.errors import Unavailable
from shared.log.port import Log, TopicPartition
from shared.postgres.database import Database
from shared.processor.stage import Reading
from shared.processor.tables import dead_letters, fence
from shared.processor.tables.dead_letters import Halt


class Claiming:
    """Makes claims for one group of one service."""

    def __init__(self, stage: Reading, *, log: Log, database: Database, partitions: int) -> None:
        self._group = stage.group
        self._topics = stage.topics
        self._outputs = (*stage.outputs, stage.dead_letters)
        self._log = log
        self._database = database
        self._partitions = partitions

    async def check_topics(self) -> None:
        """Make sure that every topic is there with the right count, or claim nothing.

        :raises Unavailable: code ``log.topics`` naming what is missing and what to run.
        """
        admin = await self._log.admin()
        try:
            layouts = await admin.layouts()
        finally:
            await admin.stop()
        wrong = [
            topic
            for topic in (*self._topics, *self._outputs)
            if topic not in layouts or layouts[topic].partitions != self._partitions
        ]
        if wrong:
            raise Unavailable(
                f"topics missing or with another count than {self._partitions}:"
                f" {', '.join(wrong)}; run `leadmill topics apply`",
                code="log.topics",
            )

    async def take(self, numbers: Sequence[int]) -> dict[int, int]:
        """Raise the epochs of these partition numbers and return them."""
        async with self._database.transaction() as transaction:
            return await fence.raise_epochs(transaction, group=self._group, partitions=numbers)

    async def make_sure(self, epochs: Mapping[int, int]) -> dict[int, int]:
        """Make sure that a claim still stands, after an answer was lost. :raises Fenced: if not."""
        async with self._database.transaction() as transaction:
            await fence.hold_epochs(transaction, group=self._group, epochs=epochs)
        return dict(epochs)

    async def read(
        self, partitions: Collection[TopicPartition], epochs: Mapping[int, int]
    ) -> tuple[fence.Claim, dict[TopicPartition, Halt]]:
        """Return the claim with positions and marks as they stand, and which partitions are halted."""
        numbers = sorted(epochs)
        async with self._database.connection() as connection:
            known = await fence.load_positions(connection, group=self._group, partitions=numbers)
        missing = [tp for tp in partitions if tp not in known]
        if missing:
            await self._open_positions(missing)
        async with self._database.connection() as connection:
            positions = await fence.load_positions(connection, group=self._group, partitions=numbers)
            marks = await fence.load_marks(connection, group=self._group, partitions=numbers)
            halts = await dead_letters.load_halts(connection, group=self._group, partitions=numbers)
        mine = {tp: at for tp, at in positions.items() if tp in partitions}
        return fence.Claim(epochs=dict(epochs), positions=mine, taken=dict(mine), marks=marks), halts

    async def read_halts(self, numbers: Collection[int]) -> dict[TopicPartition, Halt]:
        """Return which partitions are halted now, resumed ones included."""
        async with self._database.connection() as connection:
            return await dead_letters.load_halts(connection, group=self._group, partitions=sorted(numbers))

    async def _open_positions(self, missing: Sequence[TopicPartition]) -> None:
        """A topic seen for the first time starts at its beginning."""
        admin = await self._log.admin()
        try:
            bounds = await admin.bounds({tp.topic for tp in missing})
        finally:
            await admin.stop()
        starts = {tp: bounds[tp][0] for tp in missing if tp in bounds}
        async with self._database.transaction() as transaction:
            await fence.open_positions(transaction, group=self._group, positions=starts)
