"""Topics are created as they are laid out, once, and never grow by themselves."""

from __future__ import annotations

import pytest

from shared.kernel.errors import Rejected
from shared.log.port import LogUnavailable, TopicLayout, TopicPartition
from tests.engine.log.readers import records
from tests.engine.log.scenes import Scene


async def test_a_topic_is_there_as_it_was_laid_out(scene: Scene) -> None:
    layouts = [
        TopicLayout(name=scene.driver.topic("kept"), partitions=3),
        TopicLayout(name=scene.driver.topic("raw"), partitions=2, retention_ms=604_800_000),
        TopicLayout(name=scene.driver.topic("latest"), partitions=1, compacted=True),
    ]
    admin = await scene.admin()
    await admin.create(layouts)
    present = await admin.layouts()
    assert [present[layout.name] for layout in layouts] == layouts
    kept, raw, latest = (present[layout.name].clears_ms for layout in layouts)
    assert kept is None, "what is kept for good never clears"
    assert raw is not None
    assert 0 <= raw - 604_800_000 <= 86_400_000, "a segment more than the retention at most"
    assert latest is not None
    assert 0 <= latest <= 86_400_000, "what a tombstone takes off is gone within a day"


async def test_creating_it_again_changes_nothing(scene: Scene) -> None:
    layout = TopicLayout(name=scene.driver.topic("topic"), partitions=2)
    admin = await scene.admin()
    await admin.create([layout])
    producer = await scene.producer()
    await producer.append([(TopicPartition(layout.name, 1), records("a"))])
    await admin.create([layout])
    await admin.create([TopicLayout(name=layout.name, partitions=2, retention_ms=1000)])
    assert (await admin.layouts())[layout.name] == layout
    assert (await admin.bounds([layout.name]))[TopicPartition(layout.name, 1)] == (0, 1)


async def test_another_count_is_refused_and_nothing_is_created(scene: Scene) -> None:
    admin = await scene.admin()
    topic, other = await scene.topic(partitions=2), scene.driver.topic("other")
    with pytest.raises(Rejected) as refused:
        await admin.create([TopicLayout(name=other, partitions=1), TopicLayout(name=topic, partitions=3)])
    assert refused.value.reason == "log.partition_count"
    assert topic in refused.value.message
    present = await admin.layouts()
    assert present[topic].partitions == 2
    assert other not in present


async def test_bounds_tell_the_first_offset_and_the_next(scene: Scene) -> None:
    topic, other = await scene.topic(partitions=2), await scene.topic("other")
    producer, admin = await scene.producer(), await scene.admin()
    await producer.append([(TopicPartition(topic, 1), records("a", "b"))])
    assert await admin.bounds([topic, other, scene.driver.topic("missing")]) == {
        TopicPartition(topic, 0): (0, 0),
        TopicPartition(topic, 1): (0, 2),
        TopicPartition(other, 0): (0, 0),
    }
    assert await admin.bounds([]) == {}


async def test_neither_writing_nor_reading_creates_a_topic(scene: Scene) -> None:
    missing = scene.driver.topic("missing")
    admin, producer = await scene.admin(), await scene.producer()
    with pytest.raises(LogUnavailable):
        await producer.append([(TopicPartition(missing, 0), records("a"))])
    await scene.worker(missing)
    await admin.bounds([missing])
    assert missing not in await admin.layouts()


async def test_a_partition_that_does_not_exist_takes_nothing(scene: Scene) -> None:
    topic = await scene.topic(partitions=2)
    producer = await scene.producer()
    with pytest.raises(LogUnavailable):
        await producer.append([(TopicPartition(topic, 2), records("a"))])
