"""A group shares out partition numbers: everything is read, by one member each, whoever comes and goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection

import pytest

from shared.log.port import TopicLayout, TopicPartition
from tests.engine.log.readers import Seat, records, until
from tests.engine.log.scenes import Scene

pytestmark = pytest.mark.lasts(25)


def numbers(seat: Seat, topic: str) -> list[int]:
    """Return the partition numbers of the topic that the seat holds."""
    return sorted(each.partition for each in seat.assigned or () if each.topic == topic)


def all_of(topic: str, count: int) -> frozenset[TopicPartition]:
    return frozenset(TopicPartition(topic, number) for number in range(count))


def are_settled(seats: Collection[Seat], partitions: frozenset[TopicPartition]) -> bool:
    """Whether the seats hold these partitions, each exactly once, and nobody else's share is missing."""
    held = [each for seat in seats for each in seat.assigned or ()]
    return len(held) == len(partitions) and frozenset(held) == partitions


async def test_a_member_alone_gets_everything(scene: Scene) -> None:
    topics = [await scene.topic(name, partitions=4) for name in ("leads", "behaviour")]
    seat = await scene.seat(*topics)
    assert await seat.settle() == all_of(topics[0], 4) | all_of(topics[1], 4)


async def test_members_get_contiguous_ranges_with_the_same_numbers_of_every_topic(scene: Scene) -> None:
    topics = [await scene.topic(name, partitions=7) for name in ("leads", "behaviour", "outcomes")]
    everything = frozenset().union(*(all_of(topic, 7) for topic in topics))
    workers = [await scene.worker(*topics) for _ in range(3)]
    await until(lambda: are_settled(workers, everything) and all(worker.assigned for worker in workers))
    ranges = sorted(numbers(worker, topics[0]) for worker in workers)
    assert ranges == [[0, 1, 2], [3, 4], [5, 6]]
    for worker in workers:
        assert numbers(worker, topics[0]) == numbers(worker, topics[1]) == numbers(worker, topics[2])


async def test_whoever_leaves_gives_its_partitions_to_the_rest(scene: Scene) -> None:
    topic = await scene.topic(partitions=6)
    first, second = await scene.worker(topic), await scene.worker(topic)
    await until(lambda: len(numbers(first, topic)) == len(numbers(second, topic)) == 3)
    await second.stop()
    await until(lambda: numbers(first, topic) == list(range(6)))


async def test_whoever_dies_is_replaced_after_its_session(scene: Scene) -> None:
    topic = await scene.topic(partitions=6)
    first, second = await scene.worker(topic), await scene.worker(topic)
    await until(lambda: len(numbers(first, topic)) == len(numbers(second, topic)) == 3)
    assert second._task is not None
    second._task.cancel()
    await scene.driver.crash(second.consumer)
    await until(lambda: numbers(first, topic) == list(range(6)))


async def test_a_member_too_many_holds_nothing_and_steps_in_when_it_is_needed(scene: Scene) -> None:
    topic = await scene.topic(partitions=1)
    workers = [await scene.worker(topic) for _ in range(2)]
    await until(lambda: all(worker.assigned is not None for worker in workers))
    await until(lambda: are_settled(workers, all_of(topic, 1)))
    holder = next(worker for worker in workers if worker.assigned)
    await holder.stop()
    (other,) = (worker for worker in workers if worker is not holder)
    await until(lambda: numbers(other, topic) == [0])


async def test_a_rebalance_revokes_everything_before_it_assigns_anew(scene: Scene) -> None:
    topic = await scene.topic(partitions=4)
    first = await scene.worker(topic)
    await until(lambda: first.assigned == all_of(topic, 4))
    second = await scene.worker(topic)
    await until(lambda: are_settled([first, second], all_of(topic, 4)) and bool(second.assigned))
    kinds = [kind for kind, _ in first.history]
    assert kinds == ["assigned", "revoked"] * (len(kinds) // 2) + ["assigned"]
    for (_, given), (_, taken) in zip(first.history[::2], first.history[1::2], strict=False):
        assert given == taken


async def test_topics_that_only_some_subscribe_do_not_tear_the_others_apart(scene: Scene) -> None:
    """As in the middle of a rolling deploy that adds a topic."""
    old = [await scene.topic(name, partitions=6) for name in ("leads", "behaviour")]
    new = await scene.topic("outcomes", partitions=6)
    before, after = await scene.worker(*old), await scene.worker(*old, new)
    await until(
        lambda: (
            are_settled(
                [before, after], all_of(old[0], 6) | all_of(old[1], 6) | frozenset(after.assigned or ())
            )
            and bool(before.assigned and after.assigned)
        )
    )
    for worker in (before, after):
        assert numbers(worker, old[0]) == numbers(worker, old[1])
    assert sorted(numbers(before, old[0]) + numbers(after, old[0])) == list(range(6))
    assert set(numbers(after, new)) <= set(numbers(after, old[0]))
    await before.stop()
    await until(lambda: all(numbers(after, topic) == list(range(6)) for topic in (*old, new)))


async def test_a_topic_that_is_missing_is_taken_up_when_it_appears(scene: Scene) -> None:
    present, missing = await scene.topic("present", partitions=4), scene.driver.topic("missing")
    workers = [await scene.worker(present, missing) for _ in range(2)]
    await until(
        lambda: are_settled(workers, all_of(present, 4)) and all(worker.assigned for worker in workers)
    )
    admin = await scene.admin()
    assert missing not in await admin.layouts()
    await admin.create([TopicLayout(name=missing, partitions=4)])
    await until(lambda: are_settled(workers, all_of(present, 4) | all_of(missing, 4)))
    for worker in workers:
        assert numbers(worker, present) == numbers(worker, missing)


async def test_a_group_of_nothing_but_missing_topics_waits_for_them(scene: Scene) -> None:
    missing = scene.driver.topic("missing")
    worker = await scene.worker(missing)
    await asyncio.sleep(0.5)
    worker.check()
    admin = await scene.admin()
    await admin.create([TopicLayout(name=missing, partitions=2)])
    await until(lambda: worker.assigned == all_of(missing, 2))


async def test_groups_do_not_disturb_each_other(scene: Scene) -> None:
    topic = await scene.topic(partitions=2)
    one, other = await scene.seat(topic, group="one"), await scene.seat(topic, group="other")
    assert await one.settle() == await other.settle() == all_of(topic, 2)
    assert [kind for kind, _ in one.history] == ["assigned"]


async def test_nothing_is_lost_and_nothing_reordered_while_members_come_and_go(scene: Scene) -> None:
    topic = await scene.topic(partitions=6)
    producer = await scene.producer()
    workers = [await scene.worker(topic)]

    async def write() -> None:
        for number in range(100):
            await producer.append(
                [(TopicPartition(topic, n), records(*(str(number),) * 5)) for n in range(6)]
            )
            await asyncio.sleep(0.02)

    async def come_and_go() -> None:
        workers.append(await scene.worker(topic))
        await asyncio.sleep(1)
        workers.append(await scene.worker(topic))
        await asyncio.sleep(1)
        await workers[0].stop()

    await asyncio.gather(write(), come_and_go())
    await until(lambda: all(scene.progress.is_complete(each, 500) for each in all_of(topic, 6)))


async def test_what_a_callback_raises_is_raised_by_the_next_fetch(scene: Scene) -> None:
    topic = await scene.topic()

    class Refusing(Seat):
        async def on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
            raise ArithmeticError("a bug in a callback")

    seat = Refusing(scene.consumer(topic))
    await seat.start()
    try:
        with pytest.raises(ArithmeticError, match="a bug in a callback"):
            await seat.fail()
    finally:
        with contextlib.suppress(ArithmeticError):  # it may be said again in parting
            await seat.consumer.stop()
