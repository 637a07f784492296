"""What only Kafka can do to us: settings of topics, bytes that are spoilt."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.protocol.fetch import FetchRequest

from shared.log.kafka import CorruptRecords, inside
from shared.log.kafka.consumer import KafkaConsumer
from shared.log.port import OffsetOutOfRange, TopicLayout, TopicPartition
from tests.engine.log.drivers import KafkaDriver
from tests.engine.log.readers import Seat, record, records, values
from tests.engine.log.scenes import Scene

pytestmark = pytest.mark.kafka

DAY_MS = 86_400_000


@pytest.fixture
async def scene(kafka_driver: KafkaDriver) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        yield Scene(kafka_driver, stack)


@pytest.fixture
async def complaints() -> list[str]:
    """What the event loop has to complain of: failures that nobody read, callbacks that raised."""
    heard: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: heard.append(about["message"]))
    return heard


def client_of(seat: Seat) -> Any:
    """Return the aiokafka consumer behind the seat."""
    assert isinstance(seat.consumer, KafkaConsumer)
    assert seat.consumer._membership is not None
    return seat.consumer._membership.client


class TestSettingsOfTopics:
    async def test_segments_close_within_a_day_so_that_what_is_erased_is_gone_in_time(
        self, scene: Scene, kafka_driver: KafkaDriver
    ) -> None:
        names = [scene.driver.topic(name) for name in ("compacted", "short", "kept")]
        admin = await scene.admin()
        await admin.create(
            [
                TopicLayout(name=names[0], partitions=1, compacted=True),
                TopicLayout(name=names[1], partitions=1, retention_ms=3_600_000),
                TopicLayout(name=names[2], partitions=1),
            ]
        )
        compacted, short, kept = [await settings_of(kafka_driver, name) for name in names]
        assert compacted["cleanup.policy"] == "compact"
        assert int(compacted["segment.ms"]) < DAY_MS
        assert int(compacted["max.compaction.lag.ms"]) < DAY_MS
        assert (short["cleanup.policy"], short["retention.ms"]) == ("delete", "3600000")
        assert int(short["segment.ms"]) <= 3_600_000
        assert (kept["cleanup.policy"], kept["retention.ms"], kept["retention.bytes"]) == (
            "delete",
            "-1",
            "-1",
        )

    async def test_the_timestamp_of_a_simulated_clock_is_taken(self, scene: Scene) -> None:
        topic = await scene.topic()
        producer = await scene.producer()
        in_2100 = 4_102_444_800_000
        await producer.append([(TopicPartition(topic, 0), [record("a", timestamp=in_2100)])])
        (fetched,) = await (await scene.reader(topic)).collect(1)
        assert fetched.timestamp == in_2100


async def settings_of(driver: KafkaDriver, topic: str) -> dict[str, str]:
    client = AIOKafkaAdminClient(bootstrap_servers=driver.broker.address)
    await client.start()
    try:
        (answer,) = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await client.close()
    ((_, _, _, _, entries),) = answer.resources
    return {entry[0]: entry[1] for entry in entries}


class TestSpoiltBytes:
    async def test_bytes_that_were_spoilt_on_their_way_are_asked_for_again(self, scene: Scene) -> None:
        topic = await three_batches(scene)
        seat = await scene.seat(topic)
        await seat.settle()
        left = [2]

        def spoil(base: int) -> bool:
            if base == 3 and left[0]:
                left[0] -= 1
                return True
            return False

        spoil_batches(client_of(seat), spoil)
        seat.consumer.seek({TopicPartition(topic, 0): 0})
        assert values(await seat.collect(6)) == list("abcdef")
        assert left == [0]

    async def test_what_is_spoilt_for_good_is_named_after_all_before_it_was_read(self, scene: Scene) -> None:
        topic = await three_batches(scene)
        partition = TopicPartition(topic, 0)
        seat = await scene.seat(topic)
        await seat.settle()
        spoil_batches(client_of(seat), lambda base: base == 3)
        seat.consumer.seek({partition: 0})
        assert values(await seat.collect(3)) == ["a", "b", "c"]
        for _ in range(2):  # it does not go away by itself
            with pytest.raises(CorruptRecords) as spoilt:
                await seat.fail()
            assert spoilt.value.positions == {partition: 3}
            assert spoilt.value.reason == "log.corrupt_records"
            assert isinstance(spoilt.value, OffsetOutOfRange)  # a processor stops for it as for a lost record
        seat.consumer.seek({partition: 5})
        assert values(await seat.collect(1)) == ["f"]

    async def test_a_spoilt_partition_does_not_hold_up_the_others(self, scene: Scene) -> None:
        topic = await three_batches(scene, partitions=2)
        zero, one = TopicPartition(topic, 0), TopicPartition(topic, 1)
        producer = await scene.producer("other")
        await producer.append([(one, records(*"wxyz"))])
        seat = await scene.seat(topic)
        await seat.settle()
        spoil_batches(client_of(seat), lambda base: base == 3)
        seat.consumer.seek({zero: 0, one: 0})
        collected: list[str] = []
        async with asyncio.timeout(10):
            while len(collected) < 7:
                with contextlib.suppress(CorruptRecords):
                    collected += values(await seat.fetch(timeout=0.2))
        assert sorted(collected) == list("abcwxyz")
        with pytest.raises(CorruptRecords):
            await seat.fail()
        seat.consumer.pause([zero])
        await producer.append([(one, records("!"))])
        assert values(await seat.collect(1)) == ["!"]


async def three_batches(scene: Scene, *, partitions: int = 1) -> str:
    """Return a topic whose partition 0 holds batches that begin at 0, 3 and 5."""
    topic = await scene.topic(partitions=partitions)
    producer = await scene.producer()
    for batch in ("abc", "de", "f"):
        await producer.append([(TopicPartition(topic, 0), records(*batch))])
    return topic


def spoil_batches(client: Any, is_spoilt: Callable[[int], bool]) -> None:
    """Put a bad wire before the consumer: it turns a bit in the batches whose base offset is chosen."""
    network = inside.network_of(client)
    send = network.send

    async def send_badly(node_id: Any, request: Any, **options: Any) -> Any:
        response = await send(node_id, request, **options)
        if isinstance(request, FetchRequest):
            response.topics = [
                (topic, [(*head, spoil(message_set)) for *head, message_set in partitions])
                for topic, partitions in response.topics
            ]
        return response

    def spoil(message_set: bytes) -> bytes:
        spoilt, at = bytearray(message_set), 0
        while at + 12 <= len(spoilt):
            base, length = struct.unpack_from(">qi", spoilt, at)
            at += 12 + length
            if at <= len(spoilt) and is_spoilt(base):
                spoilt[at - 1] ^= 1
        return bytes(spoilt)

    network.send = send_badly
