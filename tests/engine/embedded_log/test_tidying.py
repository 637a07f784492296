"""What retention and compaction take away, and what they never do."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from shared.log.embedded import EmbeddedLog
from shared.log.port import NewRecord, OffsetOutOfRange, Record, TopicLayout, TopicPartition
from tests.engine.embedded_log.seats import Seat, create, record

pytestmark = pytest.mark.postgres

PARTITION = TopicPartition("topic", 0)


def tombstone(key: str, timestamp: int) -> NewRecord:
    return NewRecord(key.encode(), None, [], timestamp)


async def append(log: EmbeddedLog, *records: NewRecord) -> None:
    await log.producer(name="p").append([(PARTITION, records)])


async def read_all(log: EmbeddedLog, group: str) -> list[Record]:
    seat = await Seat(log, "topic", group=group).join()
    [(_, end)] = (await (await log.admin()).bounds(["topic"])).values()
    collected: list[Record] = []
    async with asyncio.timeout(10):
        while not collected or collected[-1].offset < end - 1:
            collected += await seat.fetch()
    await seat.consumer.stop()
    return collected


class TestCompaction:
    async def test_keeps_the_latest_record_of_each_key_where_it_stands(self, log: EmbeddedLog) -> None:
        await create(log, "topic", compacted=True)
        await append(log, record("1", key="a"), record("2", key="b"), record("3", key="a"))
        await append(log, record("4", key="c"), record("5", key="b"), record("6", key="d"))
        assert (await log.tidy(2_000)).compacted_records == 2
        kept = await read_all(log, "g")
        assert [(each.offset, each.value) for each in kept] == [(2, b"3"), (3, b"4"), (4, b"5"), (5, b"6")]

    async def test_can_be_done_again_and_goes_on_from_where_it_was(self, log: EmbeddedLog) -> None:
        await create(log, "topic", compacted=True)
        for n in range(30):
            await append(log, record(str(n), key=f"k{n % 3}"), record(str(n), key="always"))
            if n % 7 == 0:
                await log.tidy(2_000)
        await log.tidy(2_000)
        assert (await log.tidy(2_000)).compacted_records == 0
        kept = await read_all(log, "g")
        assert [(each.offset, each.key, each.value) for each in kept] == [
            (54, b"k0", b"27"),
            (56, b"k1", b"28"),
            (58, b"k2", b"29"),
            (59, b"always", b"29"),
        ]

    async def test_puts_small_rows_together_so_that_history_is_read_at_once(self, log: EmbeddedLog) -> None:
        await create(log, "topic", compacted=True)
        for n in range(1_200):
            await append(log, record(str(n), key=str(n)))
        assert (await log.tidy(2_000)).compacted_records == 0
        async with log._database.connection() as connection:
            assert await connection.fetch_value("SELECT count(*) FROM record_batch") == 3
        await append(log, record("again", key="7"))
        assert (await log.tidy(2_000)).compacted_records == 1
        kept = await read_all(log, "g")
        assert [each.offset for each in kept] == [n for n in range(1_201) if n != 7]

    async def test_looks_at_nothing_again_that_has_not_changed(self, log: EmbeddedLog) -> None:
        await create(log, "topic", compacted=True)
        await append(log, record("1", key="a"), tombstone("b", 1_000), record("2", key="c"))
        await log.tidy(1_100, tombstones_kept_ms=500)
        async with log._database.transaction() as transaction:
            await transaction.execute("UPDATE record_batch SET payload = 'cannot be read'")
        await log.tidy(1_500, tombstones_kept_ms=500)
        with pytest.raises(msgspec.DecodeError):
            await log.tidy(1_501, tombstones_kept_ms=500)

    async def test_keeps_a_tombstone_for_as_long_as_it_was_told(self, log: EmbeddedLog) -> None:
        await create(log, "topic", compacted=True)
        await append(log, record("1", key="a"), tombstone("a", 1_000), record("2", key="b"))
        assert (await log.tidy(1_400, tombstones_kept_ms=500)).compacted_records == 1
        assert [each.offset for each in await read_all(log, "g1")] == [1, 2]
        assert (await log.tidy(1_600, tombstones_kept_ms=500)).compacted_records == 1
        assert [each.offset for each in await read_all(log, "g2")] == [2]

    async def test_leaves_the_last_record_so_that_a_reader_arrives_at_the_end(self, log: EmbeddedLog) -> None:
        await create(log, "topic", compacted=True)
        await append(log, record("1", key="a"), tombstone("a", 0))
        await log.tidy(1_000_000, tombstones_kept_ms=0)
        assert [each.offset for each in await read_all(log, "g")] == [1]

    async def test_leaves_records_without_a_key_and_topics_that_are_not_compacted(
        self, log: EmbeddedLog
    ) -> None:
        await create(log, "topic", compacted=True)
        await create(log, "plain")
        await append(log, NewRecord(None, b"1", [], 1), NewRecord(None, b"2", [], 1), record("3"))
        await log.producer(name="p").append([(TopicPartition("plain", 0), [record("1"), record("2")])])
        assert (await log.tidy(1_000_000)).compacted_records == 0

    async def test_may_run_twice_at_once_and_beside_producers(self, log: EmbeddedLog) -> None:
        await create(log, "topic", compacted=True)

        async def write() -> None:
            for n in range(60):
                await append(log, *(record(f"{n}", key=f"k{i}") for i in range(5)))

        async def tidy() -> None:
            while not writing.done():
                await log.tidy(2_000)

        writing = asyncio.create_task(write())
        await asyncio.gather(writing, tidy(), tidy())
        await log.tidy(2_000)
        kept = await read_all(log, "g")
        assert [(each.offset, each.key, each.value) for each in kept] == [
            (295 + i, f"k{i}".encode(), b"59") for i in range(5)
        ]


class TestRetention:
    async def test_takes_rows_from_the_beginning_as_far_as_the_first_young_one(
        self, log: EmbeddedLog
    ) -> None:
        admin = await log.admin()
        await admin.create([TopicLayout(name="topic", partitions=1, retention_ms=1_000)])
        for timestamp in (100, 5_000, 200):
            await append(log, record("old", timestamp=timestamp), record("old too", timestamp=timestamp))
        assert (await log.tidy(1_000)).expired_rows == 0
        assert (await log.tidy(5_500)).expired_rows == 1
        assert await admin.bounds(["topic"]) == {PARTITION: (2, 6)}
        assert (await log.tidy(6_001)).expired_rows == 2
        assert await admin.bounds(["topic"]) == {PARTITION: (6, 6)}
        assert await log.producer(name="p").append([(PARTITION, [record("new", timestamp=6_000)])]) == [6]

    async def test_is_told_to_a_reader_whose_position_it_passed(self, log: EmbeddedLog) -> None:
        admin = await log.admin()
        await admin.create([TopicLayout(name="topic", partitions=1, retention_ms=1_000)])
        await append(log, record("old", timestamp=100))
        await append(log, record("new", timestamp=9_000))
        await log.tidy(9_500)
        seat = await Seat(log, "topic").join()
        with pytest.raises(OffsetOutOfRange) as outside:
            await seat.read(1)
        assert outside.value.positions == {PARTITION: 0}
        seat.consumer.seek({PARTITION: 1})
        assert [each.value for each in await seat.read(1)] == [b"new"]
        await seat.consumer.stop()

    async def test_does_not_touch_what_is_kept_for_good(self, log: EmbeddedLog) -> None:
        await create(log, "topic")
        await append(log, record("old", timestamp=1))
        assert (await log.tidy(10**15)).expired_rows == 0
