"""A member of a group, driven by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shared.log.embedded import EmbeddedLog
from shared.log.port import NewRecord, Record, TopicLayout, TopicPartition


def record(value: str, *, key: str = "key", timestamp: int = 1_000) -> NewRecord:
    return NewRecord(key.encode(), value.encode(), [], timestamp)


async def create(log: EmbeddedLog, name: str, partitions: int = 1, *, compacted: bool = False) -> None:
    admin = await log.admin()
    await admin.create([TopicLayout(name=name, partitions=partitions, compacted=compacted)])


class Seat:
    """Remembers what its callbacks were told; reads every partition from its beginning."""

    def __init__(self, log: EmbeddedLog, *topics: str, member: str = "member", group: str = "group") -> None:
        self.consumer = log.consumer(group=group, topics=topics, member=member)
        self.held: frozenset[TopicPartition] = frozenset()
        self.history: list[str] = []

    async def join(self) -> Seat:
        await self.consumer.start(on_assigned=self.on_assigned, on_revoked=self.on_revoked)
        return self

    async def on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        self.history.append("assigned")
        self.held = partitions
        self.consumer.seek(dict.fromkeys(partitions, 0))

    async def on_revoked(self, partitions: frozenset[TopicPartition]) -> None:
        self.history.append("revoked")
        self.held = frozenset()

    async def fetch(self, *, timeout: float = 0.2, max_records: int = 1_000) -> list[Record]:
        fetched = await self.consumer.fetch(max_records=max_records, timeout=timeout)
        return [each for partition in sorted(fetched) for each in fetched[partition]]

    async def until(self, condition: Callable[[], bool], *, within: float = 90.0) -> list[Record]:
        """Fetch until the condition holds and return what was read by then."""
        deadline = asyncio.get_running_loop().time() + within
        collected: list[Record] = []
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, f"not within {within:g} s"
            collected += await self.fetch(timeout=0.05)
        return collected

    async def read(self, count: int, *, within: float = 90.0) -> list[Record]:
        """Fetch until so many records are there."""
        deadline = asyncio.get_running_loop().time() + within
        collected: list[Record] = []
        while len(collected) < count:
            assert asyncio.get_running_loop().time() < deadline, f"{len(collected)} records of {count}"
            collected += await self.fetch()
        return collected
