"""A log that does not answer is said to be away, within its time-out; then things go on where they were."""

from __future__ import annotations

import asyncio

import pytest

from shared.log.port import LogUnavailable, TopicPartition
from tests.engine.log.readers import records, until, values
from tests.engine.log.scenes import Scene

pytestmark = pytest.mark.lasts(50)


async def test_a_fetch_returns_at_its_time_out_when_there_is_nothing(scene: Scene) -> None:
    topic = await scene.topic()
    reader = await scene.reader(topic)
    for timeout in (0.0, 0.1, 0.5):
        begun = asyncio.get_running_loop().time()
        assert await reader.fetch(timeout=timeout) == []
        assert asyncio.get_running_loop().time() - begun >= timeout - 0.01


async def test_a_fetch_returns_as_soon_as_there_is_something(scene: Scene) -> None:
    topic = await scene.topic()
    reader = await scene.reader(topic)
    assert await reader.is_silent(seconds=0.3)
    producer = await scene.producer()
    waiting = asyncio.create_task(reader.fetch(timeout=3_600))
    await asyncio.sleep(0.2)
    await producer.append([(TopicPartition(topic, 0), records("a"))])
    async with asyncio.timeout(90):
        assert values(await waiting) == ["a"]


async def test_a_fetch_keeps_its_time_out_while_the_group_is_joining(scene: Scene) -> None:
    topic = await scene.topic(partitions=2)
    slow = await scene.worker(topic)
    await until(lambda: bool(slow.assigned))
    slow.may_let_go = asyncio.Event()
    joining = await scene.seat(topic)
    while slow.history[-1][0] != "revoked":
        assert await joining.fetch(timeout=0.1) == []
    for _ in range(3):  # each comes back, though nobody can join before the other has let go
        assert await joining.fetch(timeout=0.1) == []
        assert joining.assigned is None
    slow.may_let_go.set()
    while joining.assigned is None:
        assert await joining.fetch(timeout=0.1) == []
    await until(lambda: bool(slow.assigned))
    slow.check()


async def test_a_fetch_that_was_cancelled_has_lost_nothing(scene: Scene) -> None:
    topic = await scene.topic()
    partition = TopicPartition(topic, 0)
    reader = await scene.reader(topic)
    producer = await scene.producer()
    collected: list[str] = []
    for number in range(20):
        waiting = asyncio.create_task(reader.fetch(timeout=5))
        await asyncio.sleep(0.005 * (number % 4))
        append = asyncio.create_task(producer.append([(partition, records(str(number)))]))
        await asyncio.sleep(0.002 * (number % 5))
        waiting.cancel()
        (fetched,) = await asyncio.gather(waiting, return_exceptions=True)
        if isinstance(fetched, list):
            collected += values(fetched)
        await append
    collected += values(await reader.collect(20 - len(collected)))
    assert collected == list(map(str, range(20)))


@pytest.mark.slow
async def test_a_member_stays_one_while_everything_is_paused_or_a_batch_takes_long(scene: Scene) -> None:
    topic = await scene.topic(partitions=2)
    patience = max(scene.driver.session_seconds, scene.driver.outage_seconds) + 1
    reader = await scene.reader(topic)
    other = await scene.worker(topic)
    async with asyncio.timeout(90):
        while not (reader.assigned and other.assigned):
            await reader.fetch(timeout=0.1)
    history = list(reader.history)
    reader.consumer.pause(reader.assigned)
    assert await reader.is_silent(seconds=patience)
    await asyncio.sleep(patience)  # a long batch: nobody fetches
    await reader.fetch(timeout=0.1)
    assert reader.history == history


async def test_an_append_that_is_not_acknowledged_says_so(scene: Scene) -> None:
    topic = await scene.topic()
    producer = await scene.producer()
    await producer.append([(TopicPartition(topic, 0), records("a"))])
    async with scene.driver.outage():
        with pytest.raises(LogUnavailable) as away:  # while it lasts: neither waits for its end
            await producer.append([(TopicPartition(topic, 0), records("b"))])
        assert away.value.reason == "log.unavailable"
        await producer.stop()
    await asyncio.sleep(0.5)
    successor = await scene.producer("successor")
    await successor.append([(TopicPartition(topic, 0), records("c"))])
    fetched = await (await scene.reader(topic)).fetch(timeout=5)
    assert values(fetched) in (["a", "c"], ["a", "b", "c"])  # what was not acknowledged may have arrived


async def test_a_producer_that_stops_lets_the_append_on_its_way_arrive(scene: Scene) -> None:
    topic = await scene.topic()
    producer = await scene.producer()
    appending = asyncio.create_task(producer.append([(TopicPartition(topic, 0), records(*"abc"))]))
    await asyncio.sleep(0.001)
    await producer.stop()
    assert await appending == [0]


async def test_nothing_starts_while_the_log_is_away(scene: Scene) -> None:
    topic = await scene.topic()
    async with scene.driver.outage():
        with pytest.raises(LogUnavailable):
            await scene.producer()
        with pytest.raises(LogUnavailable):
            await scene.seat(topic)
        with pytest.raises(LogUnavailable):
            await scene.admin()
    producer = await scene.producer()
    assert await producer.append([(TopicPartition(topic, 0), records("a"))]) == [0]


async def test_an_admin_says_so_too_and_can_be_used_again(scene: Scene) -> None:
    topic = await scene.topic()
    admin = await scene.admin()
    async with scene.driver.outage():
        with pytest.raises(LogUnavailable):
            await admin.layouts()
        with pytest.raises(LogUnavailable):
            await admin.bounds([topic])
    assert topic in await admin.layouts()
    assert await admin.bounds([topic]) == {TopicPartition(topic, 0): (0, 0)}


async def test_a_fetch_says_so_and_the_same_consumer_goes_on_afterwards(scene: Scene) -> None:
    topic = await scene.topic()
    partition = TopicPartition(topic, 0)
    producer = await scene.producer()
    await producer.append([(partition, records("a"))])
    reader = await scene.reader(topic)
    assert values(await reader.collect(1)) == ["a"]
    async with scene.driver.outage():
        with pytest.raises(LogUnavailable):
            await reader.fail(within=90)
    successor = await scene.producer("successor")
    await successor.append([(partition, records("b", "c"))])
    collected: list[str] = []
    async with asyncio.timeout(90):
        while collected != ["b", "c"]:
            try:
                collected += values(await reader.fetch(timeout=0.3))
            except LogUnavailable:
                await asyncio.sleep(0.1)
            if reader.history[-1][0] == "assigned" and len(reader.history) > 1:  # it had to join anew
                reader.consumer.seek({partition: 1 + len(collected)})
                del reader.history[:-1]


async def test_leaving_ends_in_time_while_the_log_is_away(scene: Scene) -> None:
    topic = await scene.topic()
    reader = await scene.reader(topic)
    producer, admin = await scene.producer(), await scene.admin()
    async with scene.driver.outage():
        await reader.consumer.stop()  # while it lasts: none waits for its end
        await producer.stop()
        await admin.stop()


async def test_whatever_was_stopped_leaves_no_task_behind(scene: Scene) -> None:
    topic = await scene.topic()
    before = asyncio.all_tasks()
    reader, producer, admin = await scene.reader(topic), await scene.producer(), await scene.admin()
    await producer.append([(TopicPartition(topic, 0), records("a"))])
    await reader.collect(1)
    await reader.consumer.stop()
    await producer.stop()
    await admin.stop()
    assert asyncio.all_tasks() == before
