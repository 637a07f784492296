"""Reading a topic for a test: each record once, also where the reader is assigned anew on the way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, cast

from shared.log.port import AssignmentCallback, Log, TopicPartition
from shared.testing.topics import read_topic

HERE = TopicPartition("t", 0)
THERE = TopicPartition("t", 1)


class Lying(NamedTuple):
    """A record as far as it matters."""

    partition: int
    offset: int


class Busy:
    """A log of two partitions with five records each, whose reader is assigned anew before every fetch."""

    def __init__(self) -> None:
        self._on_assigned: AssignmentCallback | None = None
        self._positions: dict[TopicPartition, int] = {}

    async def admin(self) -> Any:
        return self

    def consumer(self, **_given: object) -> Any:
        return self

    async def bounds(self, _topics: Collection[str]) -> dict[TopicPartition, tuple[int, int]]:
        return {HERE: (0, 5), THERE: (2, 7)}

    async def start(self, *, on_assigned: AssignmentCallback, on_revoked: AssignmentCallback) -> None:
        self._on_assigned = on_assigned

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        self._positions |= positions

    async def fetch(self, *, max_records: int, timeout: float) -> dict[TopicPartition, Sequence[Any]]:
        assert self._on_assigned is not None
        await self._on_assigned(frozenset({HERE, THERE}))
        ends = {HERE: 5, THERE: 7}
        return {
            tp: [Lying(tp.partition, offset) for offset in range(self._positions[tp], ends[tp])][:2]
            for tp in (HERE, THERE)
        }

    async def stop(self) -> None: ...


async def test_gives_each_record_once_however_often_the_reader_is_assigned_anew() -> None:
    found = await read_topic(cast("Log", Busy()), "t", starts={HERE: 1, THERE: 0})
    assert [(one.partition, one.offset) for one in found] == [
        *((0, offset) for offset in range(1, 5)),
        *((1, offset) for offset in range(2, 7)),
    ]
