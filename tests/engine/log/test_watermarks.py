"""The end of a partition, and when it was told: what timers without records in front of them wait for."""

from __future__ import annotations

import asyncio

from shared.log.port import TopicPartition
from tests.engine.log.readers import Seat, records
from tests.engine.log.scenes import Scene


async def answered_after(seat: Seat, partition: TopicPartition, moment: float) -> int:
    """Fetch until an answer for the partition arrived after the moment; return the end it told."""
    deadline = asyncio.get_running_loop().time() + 90
    while True:
        assert asyncio.get_running_loop().time() < deadline, "no answer within 90 s"
        assert not await seat.fetch(timeout=0.1)
        watermark = seat.consumer.watermarks().get(partition)
        if watermark is not None and watermark.answered_at > moment:
            assert watermark.answered_at <= asyncio.get_running_loop().time()
            return watermark.end


async def test_there_is_none_before_an_answer(scene: Scene) -> None:
    topic = await scene.topic()
    seat = await scene.seat(topic)
    assert seat.consumer.watermarks() == {}


async def test_an_empty_partition_ends_at_zero(scene: Scene) -> None:
    topic = await scene.topic()
    reader = await scene.reader(topic)
    assert await answered_after(reader, TopicPartition(topic, 0), 0.0) == 0


async def test_it_is_the_next_offset_to_be_written(scene: Scene) -> None:
    topic = await scene.topic(partitions=2)
    zero, one = TopicPartition(topic, 0), TopicPartition(topic, 1)
    producer = await scene.producer()
    await producer.append([(zero, records("a", "b", "c"))])
    reader = await scene.reader(topic)
    await reader.collect(3)
    now = asyncio.get_running_loop().time()
    assert await answered_after(reader, zero, now) == 3
    assert await answered_after(reader, one, now) == 0


async def test_it_is_renewed_by_answers_that_bring_nothing(scene: Scene) -> None:
    topic = await scene.topic(partitions=2)
    reader = await scene.reader(topic)
    for _ in range(3):
        now = asyncio.get_running_loop().time()
        for number in range(2):
            assert await answered_after(reader, TopicPartition(topic, number), now) == 0


async def test_it_tells_of_records_that_are_still_to_be_handed_out(scene: Scene) -> None:
    topic = await scene.topic()
    partition = TopicPartition(topic, 0)
    producer = await scene.producer()
    await producer.append([(partition, records(*map(str, range(50))))])
    reader = await scene.reader(topic)
    while not (fetched := await reader.fetch(max_records=5)):
        pass
    assert fetched[-1].offset < reader.consumer.watermarks()[partition].end == 50


async def test_what_was_acknowledged_before_an_answer_lies_below_it(scene: Scene) -> None:
    """Else a timer could overtake a record that was there before it was due."""
    topic = await scene.topic()
    partition = TopicPartition(topic, 0)
    producer = await scene.producer()
    reader = await scene.reader(topic)
    for written in range(1, 9):
        await producer.append([(partition, records("a"))])
        acknowledged_at = asyncio.get_running_loop().time()
        while True:
            await reader.fetch(timeout=0.1)
            watermark = reader.consumer.watermarks()[partition]
            if watermark.answered_at > acknowledged_at + 0.2:  # asked after it, for certain
                break
        assert watermark.end == written


async def test_it_goes_with_the_assignment(scene: Scene) -> None:
    topic = await scene.topic(partitions=2)
    reader = await scene.reader(topic)
    now = asyncio.get_running_loop().time()
    for number in range(2):
        await answered_after(reader, TopicPartition(topic, number), now)
    other = await scene.worker(topic)
    deadline = now + 90
    while not (other.assigned and reader.assigned):
        assert asyncio.get_running_loop().time() < deadline
        await reader.fetch(timeout=0.1)
    assert reader.consumer.watermarks().keys() <= reader.assigned
