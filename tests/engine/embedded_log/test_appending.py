"""Many who append at once, and one who reads along."""

from __future__ import annotations

import asyncio
import random

import pytest

from shared.log.port import LogUnavailable, RecordTooLarge, TopicPartition
from tests.engine.embedded_log.conftest import OpenLog
from tests.engine.embedded_log.seats import Seat, create, record

pytestmark = pytest.mark.postgres


class TestProducersSideBySide:
    async def test_never_show_a_reader_a_hole_and_never_wait_for_each_other_in_a_circle(
        self, open_log: OpenLog
    ) -> None:
        logs = [await open_log() for _ in range(3)]
        await create(logs[0], "a", 4)
        await create(logs[0], "b", 4)
        partitions = [TopicPartition(topic, number) for topic in ("a", "b") for number in range(4)]

        async def write(writer: int) -> None:
            producer = logs[writer % 3].producer(name=str(writer))
            order = random.Random(writer)
            for n in range(40):
                some = order.sample(partitions, k=order.randint(1, 8))
                await producer.append(
                    [(tp, [record(f"{writer}:{n}:{i}") for i in range(order.randint(1, 4))]) for tp in some]
                )

        seat = await Seat(logs[0], "a", "b").join()
        next_offsets = dict.fromkeys(partitions, 0)
        seen: dict[TopicPartition, list[str]] = {tp: [] for tp in partitions}
        writing = asyncio.gather(*(write(writer) for writer in range(6)))
        admin = await logs[0].admin()
        while True:
            is_over = writing.done()
            for tp, batch in (await seat.consumer.fetch(max_records=100, timeout=0.05)).items():
                for each in batch:
                    assert each.offset == next_offsets[tp]
                    next_offsets[tp] += 1
                    seen[tp].append((each.value or b"").decode())
            if is_over and next_offsets == {
                tp: end for tp, (_, end) in (await admin.bounds(["a", "b"])).items()
            }:
                break
        await writing
        await seat.consumer.stop()
        for values in seen.values():
            for writer in range(6):
                own = [tuple(map(int, text.split(":"))) for text in values if text.startswith(f"{writer}:")]
                assert own == sorted(own)
        assert sum(map(len, seen.values())) > 1_000


class TestAnAppend:
    async def test_goes_to_one_partition_twice_in_the_order_given(self, open_log: OpenLog) -> None:
        log = await open_log()
        await create(log, "a", 2)
        one, other = TopicPartition("a", 0), TopicPartition("a", 1)
        firsts = await log.producer(name="p").append(
            [(one, [record("1"), record("2")]), (other, []), (one, [record("3")]), (one, [])]
        )
        assert firsts == [0, 0, 2, 3]
        seat = await Seat(log, "a").join()
        assert [each.value for each in await seat.read(3)] == [b"1", b"2", b"3"]
        await seat.consumer.stop()

    @pytest.mark.parametrize("missing", [TopicPartition("a", 9), TopicPartition("b", 0)])
    async def test_to_a_partition_that_does_not_exist_appends_nothing_at_all(
        self, open_log: OpenLog, missing: TopicPartition
    ) -> None:
        log = await open_log()
        await create(log, "a")
        with pytest.raises(LogUnavailable, match="topics apply"):
            await log.producer(name="p").append(
                [(TopicPartition("a", 0), [record("1")]), (missing, [record("2")])]
            )
        assert await (await log.admin()).bounds(["a"]) == {TopicPartition("a", 0): (0, 0)}

    async def test_of_a_record_that_is_too_large_leaves_the_producer_usable(self, open_log: OpenLog) -> None:
        log = await open_log()
        await create(log, "a")
        producer = log.producer(name="p")
        with pytest.raises(RecordTooLarge):
            await producer.append([(TopicPartition("a", 0), [record("1"), record("x" * 2_000_000)])])
        assert await producer.append([(TopicPartition("a", 0), [record("2")])]) == [0]

    async def test_wakes_readers_of_this_process_and_of_others(self, open_log: OpenLog) -> None:
        here, there = await open_log(), await open_log()
        await create(here, "a")
        near = await Seat(here, "a", group="near").join()
        far = await Seat(there, "a", group="far").join()
        for seat in (near, far):
            await seat.until(lambda seat=seat: bool(seat.held))  # type: ignore[misc]
            assert await seat.fetch() == []
        waiting = [asyncio.create_task(seat.fetch(timeout=3_600)) for seat in (near, far)]
        await asyncio.sleep(0.05)
        await here.producer(name="p").append([(TopicPartition("a", 0), [record("1")])])
        async with asyncio.timeout(90):
            assert [len(await task) for task in waiting] == [1, 1]
        for seat in (near, far):
            await seat.consumer.stop()
