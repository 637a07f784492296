"""A partition is a sequence: offsets rise by one in commit order, whoever writes."""

from __future__ import annotations

import asyncio

from shared.log.port import Producer, TopicPartition
from tests.engine.log.readers import records, values
from tests.engine.log.scenes import Scene


async def test_offsets_of_a_new_partition_rise_by_one_from_zero(scene: Scene) -> None:
    topic = await scene.topic()
    producer = await scene.producer()
    await producer.append([(TopicPartition(topic, 0), records("a", "b"))])
    await producer.append([(TopicPartition(topic, 0), records("c"))])
    reader = await scene.reader(topic)
    fetched = await reader.collect(3)
    assert [(each.offset, value) for each, value in zip(fetched, values(fetched), strict=True)] == [
        (0, "a"),
        (1, "b"),
        (2, "c"),
    ]


async def test_append_returns_the_first_offset_of_each_batch(scene: Scene) -> None:
    topic = await scene.topic(partitions=2)
    producer = await scene.producer()
    zero, one = TopicPartition(topic, 0), TopicPartition(topic, 1)
    assert await producer.append([(zero, records("a", "b")), (one, records("c"))]) == [0, 0]
    assert await producer.append([(one, records("d", "e")), (zero, records("f")), (one, records("g"))]) == [
        1,
        2,
        3,
    ]


async def test_an_append_of_nothing_returns_nothing(scene: Scene) -> None:
    producer = await scene.producer()
    assert await producer.append([]) == []


async def test_several_producers_leave_no_hole_and_tear_no_batch(scene: Scene) -> None:
    topic = await scene.topic()
    partition = TopicPartition(topic, 0)
    producers = [await scene.producer(f"producer-{name}") for name in "xyz"]
    told: dict[int, str] = {}

    async def write(producer: Producer, name: str) -> None:
        for number in range(20):
            batch = records(*(f"{name}{number}.{place}" for place in range(5)))
            (first,) = await producer.append([(partition, batch)])
            told.update({first + place: f"{name}{number}.{place}" for place in range(5)})

    await asyncio.gather(*(write(producer, name) for producer, name in zip(producers, "xyz", strict=True)))
    fetched = await (await scene.reader(topic)).collect(300)
    assert [each.offset for each in fetched] == list(range(300))
    assert {each.offset: value for each, value in zip(fetched, values(fetched), strict=True)} == told


async def test_what_was_fetched_once_stays_at_its_offset(scene: Scene) -> None:
    topic = await scene.topic()
    producers = [await scene.producer(name) for name in "xy"]
    early = await scene.reader(topic, group="early")
    for number in range(10):
        for producer in producers:
            await producer.append([(TopicPartition(topic, 0), records(str(number)))])
    first = await early.collect(20)
    late = await scene.reader(topic, group="late")
    again = await late.collect(20)
    assert [(each.offset, each.value) for each in first] == [(each.offset, each.value) for each in again]


async def test_a_reader_never_meets_an_offset_that_it_has_passed(scene: Scene) -> None:
    topic = await scene.topic()
    reader = await scene.reader(topic)
    producers = [await scene.producer(name) for name in "xyz"]
    written = asyncio.gather(
        *(
            producer.append([(TopicPartition(topic, 0), records(*map(str, range(50))))])
            for producer in producers
            for _ in range(4)
        )
    )
    fetched = await reader.collect(600)
    await written
    assert [each.offset for each in fetched] == list(range(600))
