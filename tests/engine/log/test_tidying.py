"""Retention and compaction remove records; they move none and lose no end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.log.port import Admin, OffsetOutOfRange, Record, TopicLayout, TopicPartition
from tests.engine.log.drivers import FILLER, now_ms
from tests.engine.log.readers import Seat, record, records, values
from tests.engine.log.scenes import Scene

pytestmark = [pytest.mark.slow, pytest.mark.lasts(15)]

HOUR_MS = 3_600_000


async def eventually(scene: Scene, layout: TopicLayout, holds: Callable[[], Awaitable[bool]]) -> None:
    """Let the log tidy up until the condition holds; Kafka's cleaner takes some seconds."""
    deadline = asyncio.get_running_loop().time() + 60
    while not await holds():
        assert asyncio.get_running_loop().time() < deadline, "not tidied within a minute"
        await scene.driver.tidy(layout)


async def emptied(scene: Scene, admin: Admin) -> TopicPartition:
    """Return a partition whose three records have been removed by retention."""
    layout = TopicLayout(name=scene.driver.topic("kept-a-minute"), partitions=1, retention_ms=60_000)
    await scene.driver.create(layout)
    partition = TopicPartition(layout.name, 0)
    producer = await scene.producer()
    old = now_ms() - HOUR_MS
    await producer.append([(partition, [record(value, timestamp=old) for value in "abc"])])

    async def are_gone() -> bool:
        first, _ = (await admin.bounds([layout.name]))[partition]
        return first >= 3

    await eventually(scene, layout, are_gone)
    return partition


async def test_what_is_older_than_its_retention_goes_and_the_end_stays(scene: Scene) -> None:
    admin = await scene.admin()
    partition = await emptied(scene, admin)
    (_, end), producer = (await admin.bounds([partition.topic]))[partition], await scene.producer()
    assert end >= 3
    (offset,) = await producer.append([(partition, [record("d", timestamp=now_ms())])])
    assert offset == end


async def test_what_is_young_enough_stays(scene: Scene) -> None:
    layout = TopicLayout(name=scene.driver.topic("kept-an-hour"), partitions=1, retention_ms=HOUR_MS)
    await scene.driver.create(layout)
    partition = TopicPartition(layout.name, 0)
    producer = await scene.producer()
    await producer.append([(partition, [record(value, timestamp=now_ms()) for value in "abc"])])
    for _ in range(4):
        await scene.driver.tidy(layout)
        await asyncio.sleep(0.5)
    reader = await scene.reader(layout.name)
    assert values([each for each in await reader.fetch(timeout=2) if each.key != FILLER]) == ["a", "b", "c"]


async def test_a_reader_that_comes_too_late_is_told_and_nothing_is_skipped(scene: Scene) -> None:
    admin = await scene.admin()
    partition = await emptied(scene, admin)
    producer = await scene.producer()
    (kept,) = await producer.append([(partition, [record("d", timestamp=now_ms())])])
    reader = await scene.reader(partition.topic)
    with pytest.raises(OffsetOutOfRange) as outside:
        await reader.collect(1)
    assert outside.value.positions == {partition: 0}
    reader.consumer.seek({partition: kept})
    assert values(await reader.collect(1)) == ["d"]


async def read_all(seat: Seat, admin: Admin, partition: TopicPartition) -> list[Record]:
    """Read the partition from its first record to its end; fillers of the driver are left out."""
    first, end = (await admin.bounds([partition.topic]))[partition]
    seat.consumer.seek({partition: first})
    fetched: list[Record] = []
    while not fetched or fetched[-1].offset < end - 1:
        fetched += await seat.fetch(timeout=1)
    return [each for each in fetched if each.key != FILLER]


async def test_compaction_keeps_the_latest_of_each_key_where_it_stands(scene: Scene) -> None:
    layout = TopicLayout(name=scene.driver.topic("compacted"), partitions=1, compacted=True)
    await scene.driver.create(layout)
    partition, admin = TopicPartition(layout.name, 0), await scene.admin()
    producer = await scene.producer()
    sent = [("x", "1"), ("y", "1"), ("x", "2"), ("z", "1"), ("x", "3"), ("y", "2")]
    now = now_ms()
    await producer.append([(partition, [record(value, key=key, timestamp=now) for key, value in sent])])
    reader = await scene.reader(layout.name)

    async def is_compacted() -> bool:
        return len(await read_all(reader, admin, partition)) == 3

    await eventually(scene, layout, is_compacted)
    assert [(each.offset, each.key, each.value) for each in await read_all(reader, admin, partition)] == [
        (3, b"z", b"1"),
        (4, b"x", b"3"),
        (5, b"y", b"2"),
    ]


async def test_a_tombstone_takes_its_key_along_and_vanishes_itself(scene: Scene) -> None:
    layout = TopicLayout(name=scene.driver.topic("compacted"), partitions=1, compacted=True)
    await scene.driver.create(layout)
    partition, admin = TopicPartition(layout.name, 0), await scene.admin()
    producer = await scene.producer()
    now = now_ms()
    erased, kept = (
        [record(value, key="erased", timestamp=now) for value in ("a", None)],
        record("b", timestamp=now),
    )
    await producer.append([(partition, [*erased, kept])])
    reader = await scene.reader(layout.name)

    async def is_gone() -> bool:
        return len(await read_all(reader, admin, partition)) == 1

    await eventually(scene, layout, is_gone)
    assert values(await read_all(reader, admin, partition)) == ["b"]


async def test_a_reader_passes_over_the_gaps_to_the_end(scene: Scene) -> None:
    layout = TopicLayout(name=scene.driver.topic("compacted"), partitions=1, compacted=True)
    await scene.driver.create(layout)
    partition, admin = TopicPartition(layout.name, 0), await scene.admin()
    producer = await scene.producer()
    now = now_ms()
    await producer.append([(partition, [record(str(n), timestamp=now) for n in range(200)])])
    reader = await scene.reader(layout.name)

    async def is_compacted() -> bool:
        return len(await read_all(reader, admin, partition)) == 1

    await eventually(scene, layout, is_compacted)
    reader.consumer.seek({partition: 100})  # a position inside a gap is no error
    fetched = await reader.fetch(timeout=2)
    assert values(fetched)[0] == "199"
    assert fetched[0].offset == 199
    await producer.append([(partition, records("after"))])
    assert (await admin.bounds([layout.name]))[partition][0] <= 199
