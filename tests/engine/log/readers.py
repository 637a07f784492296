"""Consumers as the suite uses them: one driven by hand, one that works in the background."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence

from shared.log.port import Consumer, LogUnavailable, NewRecord, Record, TopicPartition


async def until(condition: Callable[[], bool], *, within: float = 90.0) -> None:
    """Wait for the condition, looking every 20 ms; the test fails if it does not come true."""
    deadline = asyncio.get_running_loop().time() + within
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not within {within:g} s"
        await asyncio.sleep(0.02)


def record(value: str | None, *, key: str | None = "key", timestamp: int = 1_700_000_000_000) -> NewRecord:
    """Return a record with little in it."""
    return NewRecord(
        None if key is None else key.encode(), None if value is None else value.encode(), [], timestamp
    )


def records(*values: str) -> list[NewRecord]:
    """Return one record per value."""
    return [record(value) for value in values]


def values(fetched: Iterable[Record]) -> list[str]:
    """Return what the records say."""
    return [(each.value or b"").decode() for each in fetched]


class Seat:
    """A consumer driven by hand: knows what its callbacks were told, fetches when it is asked to."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.assigned: frozenset[TopicPartition] | None = None
        self.history: list[tuple[str, frozenset[TopicPartition]]] = []
        self.may_let_go: asyncio.Event | None = None

    async def start(self) -> None:
        await self.consumer.start(on_assigned=self.on_assigned, on_revoked=self.on_revoked)

    async def on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        self.history.append(("assigned", partitions))
        self.assigned = partitions

    async def on_revoked(self, partitions: frozenset[TopicPartition]) -> None:
        self.history.append(("revoked", partitions))
        self.assigned = None
        if self.may_let_go is not None:
            await self.may_let_go.wait()

    async def settle(self, *, within: float = 90.0) -> frozenset[TopicPartition]:
        """Fetch until there is an assignment that is not empty, and return it."""
        deadline = asyncio.get_running_loop().time() + within
        while not self.assigned:
            assert asyncio.get_running_loop().time() < deadline, f"no assignment within {within:g} s"
            assert not await self.consumer.fetch(max_records=10, timeout=0.05)
        return self.assigned

    async def fetch(self, *, max_records: int = 1000, timeout: float = 0.5) -> list[Record]:
        """Fetch once and return the records in their order, partition by partition."""
        fetched = await self.consumer.fetch(max_records=max_records, timeout=timeout)
        return [each for partition in sorted(fetched) for each in fetched[partition]]

    async def collect(self, count: int, *, within: float = 90.0) -> list[Record]:
        """Fetch until so many records are there; more than that is a failure."""
        deadline = asyncio.get_running_loop().time() + within
        collected: list[Record] = []
        while len(collected) < count:
            assert asyncio.get_running_loop().time() < deadline, f"{len(collected)} records, not {count}"
            collected += await self.fetch(timeout=0.2)
        assert len(collected) == count
        return collected

    async def fail(self, *, within: float = 90.0) -> None:
        """Fetch until something is raised, which is what the caller waits for."""
        deadline = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < deadline:
            await self.fetch(timeout=0.2)

    async def is_silent(self, *, seconds: float = 0.6) -> bool:
        """Whether nothing comes for so long, asked again and again."""
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            if await self.fetch(timeout=0.1):
                return False
        return True


class Progress:
    """What a group has been handed out so far; stands for the table that processors share."""

    def __init__(self) -> None:
        self.offsets: dict[TopicPartition, list[int]] = {}

    def position(self, partition: TopicPartition) -> int:
        """Return the offset to go on from."""
        return max(self.offsets.get(partition, [-1])) + 1

    def take(self, partition: TopicPartition, batch: Sequence[Record]) -> None:
        self.offsets.setdefault(partition, []).extend(each.offset for each in batch)

    def is_complete(self, partition: TopicPartition, count: int) -> bool:
        """Whether the first ``count`` offsets were handed out and each came after the one before it."""
        latest = -1
        for offset in self.offsets.get(partition, []):
            assert offset <= latest + 1, f"{latest + 1} was left out before {offset}"
            latest = max(latest, offset)
        return latest == count - 1


class Worker(Seat):
    """A consumer that works in the background, from positions that the whole group shares."""

    def __init__(self, consumer: Consumer, *, progress: Progress) -> None:
        super().__init__(consumer)
        self._progress = progress
        self._to_claim = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await super().start()
        self._task = asyncio.create_task(self._work())

    async def on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        await super().on_assigned(partitions)
        self._to_claim = True

    async def _work(self) -> None:
        while True:
            if self._to_claim and self.assigned is not None:
                self._to_claim = False
                self.consumer.seek({each: self._progress.position(each) for each in self.assigned})
            try:
                fetched = await self.consumer.fetch(max_records=500, timeout=0.1)
            except LogUnavailable:
                await asyncio.sleep(0.1)
                continue
            for partition, batch in fetched.items():
                self._progress.take(partition, batch)

    def check(self) -> None:
        """Raise what ended the work, if something did."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.consumer.stop()
