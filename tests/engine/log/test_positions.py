"""Nothing is read but from where it was told to be read, and not while it is paused."""

from __future__ import annotations

import pytest

from shared.log.port import OffsetOutOfRange, TopicPartition
from tests.engine.log.readers import records, values
from tests.engine.log.scenes import Scene

pytestmark = pytest.mark.lasts(20)


async def test_nothing_is_fetched_before_a_position_is_given(scene: Scene) -> None:
    topic = await scene.topic()
    producer = await scene.producer()
    await producer.append([(TopicPartition(topic, 0), records("a"))])
    seat = await scene.seat(topic)
    await seat.settle()
    assert await seat.is_silent()
    seat.consumer.seek({TopicPartition(topic, 0): 0})
    assert values(await seat.collect(1)) == ["a"]


async def test_resuming_gives_no_position(scene: Scene) -> None:
    topic = await scene.topic()
    producer = await scene.producer()
    await producer.append([(TopicPartition(topic, 0), records("a"))])
    seat = await scene.seat(topic)
    partitions = await seat.settle()
    seat.consumer.pause(partitions)
    seat.consumer.resume(partitions)
    assert await seat.is_silent()


async def test_a_position_that_was_reported_is_for_lag_tools_and_no_place_to_start(scene: Scene) -> None:
    topic = await scene.topic()
    partition = TopicPartition(topic, 0)
    producer = await scene.producer()
    await producer.append([(partition, records("a", "b", "c"))])
    first = await scene.reader(topic)
    await first.collect(3)
    await first.consumer.report({partition: 2})
    await first.consumer.stop()
    second = await scene.seat(topic)
    await second.settle()
    assert await second.is_silent()
    second.consumer.seek({partition: 1})
    assert values(await second.collect(2)) == ["b", "c"]


async def test_reporting_what_is_not_ours_or_unreachable_raises_nothing(scene: Scene) -> None:
    topic = await scene.topic()
    reader = await scene.reader(topic)
    await reader.consumer.report({})
    await reader.consumer.report({TopicPartition(topic, 0): 0, TopicPartition("elsewhere", 3): 7})
    async with scene.driver.outage():
        await reader.consumer.report({TopicPartition(topic, 0): 0})


async def test_a_seek_moves_back_and_forth(scene: Scene) -> None:
    topic = await scene.topic()
    partition = TopicPartition(topic, 0)
    producer = await scene.producer()
    await producer.append([(partition, records(*"abcdef"))])
    reader = await scene.reader(topic)
    assert values(await reader.collect(6)) == list("abcdef")
    reader.consumer.seek({partition: 2})
    assert values(await reader.collect(4)) == list("cdef")
    reader.consumer.seek({partition: 5})
    assert values(await reader.collect(1)) == ["f"]
    assert await reader.is_silent()


async def test_a_seek_forgets_what_was_fetched_ahead(scene: Scene) -> None:
    topic = await scene.topic()
    partition = TopicPartition(topic, 0)
    producer = await scene.producer()
    await producer.append([(partition, records(*"abcdef"))])
    reader = await scene.reader(topic)
    while not (fetched := await reader.fetch(max_records=1)):
        pass
    assert values(fetched) == ["a"]
    reader.consumer.seek({partition: 4})
    assert values(await reader.collect(2)) == ["e", "f"]


async def test_a_seek_to_the_end_waits_for_what_comes(scene: Scene) -> None:
    topic = await scene.topic()
    partition = TopicPartition(topic, 0)
    producer = await scene.producer()
    await producer.append([(partition, records("a", "b"))])
    seat = await scene.seat(topic)
    await seat.settle()
    seat.consumer.seek({partition: 2})
    assert await seat.is_silent()
    await producer.append([(partition, records("c"))])
    assert values(await seat.collect(1)) == ["c"]


async def test_partitions_of_somebody_else_are_passed_over(scene: Scene) -> None:
    topic = await scene.topic()
    reader = await scene.reader(topic)
    foreign = [TopicPartition(topic, 7), TopicPartition("elsewhere", 0)]
    reader.consumer.seek(dict.fromkeys(foreign, 3))
    reader.consumer.pause(foreign)
    reader.consumer.resume(foreign)
    assert await reader.is_silent(seconds=0.3)


async def test_a_paused_partition_is_silent_while_the_others_go_on(scene: Scene) -> None:
    topic = await scene.topic(partitions=2)
    zero, one = TopicPartition(topic, 0), TopicPartition(topic, 1)
    producer = await scene.producer()
    reader = await scene.reader(topic)
    reader.consumer.pause([zero])
    await producer.append([(zero, records("a", "b")), (one, records("c"))])
    assert values(await reader.collect(1)) == ["c"]
    assert await reader.is_silent()
    reader.consumer.resume([zero])
    assert values(await reader.collect(2)) == ["a", "b"]


async def test_a_pause_keeps_back_what_was_fetched_ahead_and_loses_nothing(scene: Scene) -> None:
    topic = await scene.topic()
    partition = TopicPartition(topic, 0)
    producer = await scene.producer()
    await producer.append([(partition, records(*"abcdef"))])
    reader = await scene.reader(topic)
    while not (fetched := await reader.fetch(max_records=2)):
        pass
    assert values(fetched) == ["a", "b"]
    reader.consumer.pause([partition])
    assert await reader.is_silent()
    reader.consumer.resume([partition])
    assert values(await reader.collect(4)) == list("cdef")


async def test_a_position_given_during_a_pause_counts_once_it_is_resumed(scene: Scene) -> None:
    topic = await scene.topic()
    partition = TopicPartition(topic, 0)
    producer = await scene.producer()
    await producer.append([(partition, records(*"abc"))])
    seat = await scene.seat(topic)
    await seat.settle()
    seat.consumer.pause([partition])
    seat.consumer.seek({partition: 1})
    assert await seat.is_silent()
    seat.consumer.resume([partition])
    assert values(await seat.collect(2)) == ["b", "c"]


async def test_a_position_beyond_the_end_is_an_error_that_names_it(scene: Scene) -> None:
    topic = await scene.topic(partitions=2)
    zero, one = TopicPartition(topic, 0), TopicPartition(topic, 1)
    producer = await scene.producer()
    await producer.append([(zero, records("a")), (one, records("b"))])
    seat = await scene.seat(topic)
    await seat.settle()
    seat.consumer.seek({zero: 5, one: 0})
    with pytest.raises(OffsetOutOfRange) as outside:
        await seat.collect(2)
    assert outside.value.positions == {zero: 5}
    assert outside.value.reason == "log.offset_out_of_range"
    seat.consumer.seek({zero: 0, one: 0})
    assert sorted(values(await seat.collect(2))) == ["a", "b"]


async def test_an_error_of_a_position_is_raised_until_the_position_is_corrected(scene: Scene) -> None:
    topic = await scene.topic()
    partition = TopicPartition(topic, 0)
    seat = await scene.seat(topic)
    await seat.settle()
    seat.consumer.seek({partition: 5})
    for _ in range(2):
        with pytest.raises(OffsetOutOfRange):
            await seat.fail()
    seat.consumer.pause([partition])
    assert await seat.is_silent()
