"""What only Kafka can do to us: its client, its broker, its security."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.log.kafka import KafkaLog, Security
from shared.log.kafka.consumer import KafkaConsumer
from shared.log.kafka.producer import KafkaProducer
from shared.log.port import LogUnavailable, RecordTooLarge, TopicLayout, TopicPartition
from shared.testing.kafka_broker import find_kafka
from tests.engine.log.drivers import KafkaDriver, now_ms
from tests.engine.log.readers import Seat, record, records, until, values
from tests.engine.log.scenes import Scene

pytestmark = [pytest.mark.kafka, pytest.mark.lasts(35)]

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


class TestTheClient:
    @pytest.mark.parametrize("part", ["_coordinator._coordination_task", "_fetcher._fetch_task"])
    async def test_a_member_whose_background_work_died_is_replaced(self, scene: Scene, part: str) -> None:
        topic = await scene.topic()
        producer = await scene.producer()
        await producer.append([(TopicPartition(topic, 0), records("a"))])
        reader = await scene.reader(topic)
        await reader.collect(1)
        owner, _, task = part.partition(".")
        getattr(getattr(client_of(reader), owner), task).cancel()
        await asyncio.sleep(0)
        await until_reassigned(reader)
        assert [kind for kind, _ in reader.history] == ["assigned", "revoked", "assigned"]
        reader.consumer.seek({TopicPartition(topic, 0): 0})
        assert values(await reader.collect(1)) == ["a"]

    async def test_a_frozen_broker_leaves_no_task_and_no_connection_behind(
        self, scene: Scene, kafka_driver: KafkaDriver, complaints: list[str]
    ) -> None:
        topic = await scene.topic()
        before = asyncio.all_tasks()
        reader, producer = await scene.reader(topic), await scene.producer()
        async with kafka_driver.outage():
            with pytest.raises(LogUnavailable):
                await producer.append([(TopicPartition(topic, 0), records("a", "b"))])
            await producer.stop()
            await reader.consumer.stop()
            assert asyncio.all_tasks() == before
        gc.collect()
        assert complaints == []

    async def test_a_producer_is_let_go_in_silence_while_its_broker_is_down(
        self, scene: Scene, kafka_driver: KafkaDriver, complaints: list[str]
    ) -> None:
        topic = await scene.topic(partitions=2)
        before = asyncio.all_tasks()
        producer = await scene.producer()
        await producer.append([(TopicPartition(topic, 0), records("a"))])
        await asyncio.to_thread(kafka_driver.broker.kill)
        try:
            appends = [(TopicPartition(topic, number), records("b")) for number in range(2)]
            with pytest.raises(LogUnavailable):
                await producer.append(appends)
            await producer.stop()
            assert asyncio.all_tasks() == before
        finally:
            await asyncio.to_thread(kafka_driver.broker.start)
        gc.collect()
        assert complaints == []

    async def test_a_producer_that_failed_takes_nothing_more(
        self, scene: Scene, kafka_driver: KafkaDriver
    ) -> None:
        topic = await scene.topic()
        producer = await scene.producer()
        async with kafka_driver.outage():
            with pytest.raises(LogUnavailable):
                await producer.append([(TopicPartition(topic, 0), records("a"))])
        with pytest.raises(LogUnavailable, match="make a new one"):
            await producer.append([(TopicPartition(topic, 0), records("b"))])

    async def test_a_producer_whose_append_was_cancelled_takes_nothing_more(self, scene: Scene) -> None:
        topic = await scene.topic()
        producer = await scene.producer()
        appending = asyncio.create_task(producer.append([(TopicPartition(topic, 0), records("a"))]))
        await asyncio.sleep(0)
        appending.cancel()
        await asyncio.wait({appending})
        with pytest.raises(LogUnavailable, match="make a new one"):
            await producer.append([(TopicPartition(topic, 0), records("b"))])

    async def test_the_limit_of_a_record_can_be_set(self, kafka_driver: KafkaDriver, scene: Scene) -> None:
        topic = await scene.topic()
        producer = KafkaLog(kafka_driver.broker.address, max_record_bytes=100).producer(name="strict")
        await producer.start()
        try:
            await producer.append([(TopicPartition(topic, 0), [record("x" * 75)])])
            with pytest.raises(RecordTooLarge, match="record 1 of a batch"):
                await producer.append([(TopicPartition(topic, 0), [record("y"), record("x" * 100)])])
        finally:
            await producer.stop()

    async def test_compressed_batches_are_read_like_any_other(
        self, kafka_driver: KafkaDriver, scene: Scene
    ) -> None:
        topic = await scene.topic()
        producer = KafkaLog(kafka_driver.broker.address, compression="lz4").producer(name="lz4")
        await producer.start()
        try:
            texts = ["again and again " * 20 + str(number) for number in range(500)]
            await producer.append([(TopicPartition(topic, 0), records(*texts))])
        finally:
            await producer.stop()
        reader = await scene.reader(topic)
        assert values(await reader.collect(500)) == texts
        reader.consumer.seek({TopicPartition(topic, 0): 250})
        assert values(await reader.collect(250)) == texts[250:]

    async def test_a_topic_with_a_smaller_limit_is_a_record_too_large(self, scene: Scene) -> None:
        topic = scene.driver.topic("small")
        await create_with(scene, topic, {"max.message.bytes": "2000"})
        producer = await scene.producer()
        with pytest.raises(RecordTooLarge, match=r"max\.message\.bytes"):
            await producer.append([(TopicPartition(topic, 0), [record("x" * 5000)])])


async def until_reassigned(seat: Seat) -> None:
    """Fetch until the seat was revoked and assigned again."""
    async with asyncio.timeout(20):
        while len(seat.history) < 3:
            await seat.fetch(timeout=0.2)


async def create_with(scene: Scene, topic: str, settings: dict[str, str]) -> None:
    """Create a topic and give it settings of its own."""
    admin = await scene.admin()
    await admin.create([TopicLayout(name=topic, partitions=1)])
    assert isinstance(scene.driver, KafkaDriver)
    client = AIOKafkaAdminClient(bootstrap_servers=scene.driver.broker.address)
    await client.start()
    try:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, settings)])
    finally:
        await client.close()


@pytest.mark.slow
class TestTheBroker:
    async def test_a_worker_goes_on_after_its_broker_was_killed_and_started_again(
        self, scene: Scene, kafka_driver: KafkaDriver
    ) -> None:
        topic = await scene.topic(partitions=3)
        partitions = [TopicPartition(topic, number) for number in range(3)]
        worker = await scene.worker(topic)
        producer = await scene.producer("before")
        await producer.append([(each, records("a", "b")) for each in partitions])
        await until(lambda: all(scene.progress.is_complete(each, 2) for each in partitions))
        await asyncio.to_thread(kafka_driver.broker.kill)
        await asyncio.to_thread(kafka_driver.broker.start)
        producer = await started_producer(kafka_driver.kafka)
        try:
            await producer.append([(each, records("c")) for each in partitions])
        finally:
            await producer.stop()
        await until(lambda: all(scene.progress.is_complete(each, 3) for each in partitions), within=40)
        worker.check()

    async def test_an_append_outlives_a_restart_of_the_broker_and_is_stored_once(
        self, scene: Scene, kafka_driver: KafkaDriver
    ) -> None:
        topic = await scene.topic()
        patient = KafkaLog(kafka_driver.broker.address, answer_timeout=60).producer(name="patient")
        await patient.start()
        restart = asyncio.create_task(asyncio.to_thread(kafka_driver.broker.restart))
        written = 0
        try:
            while not restart.done() or written < 10:
                batch = [record(str(written), timestamp=now_ms())]  # the broker forgets by timestamps
                assert await patient.append([(TopicPartition(topic, 0), batch)]) == [written]
                written += 1
        finally:
            await restart
            await patient.stop()
        reader = await scene.reader(topic)
        assert values(await reader.collect(written)) == list(map(str, range(written)))


async def started_producer(log: KafkaLog) -> KafkaProducer:
    """Return a producer as soon as the broker takes one."""
    async with asyncio.timeout(40):
        while True:
            producer = log.producer(name="after")
            try:
                await producer.start()
            except LogUnavailable:
                await asyncio.sleep(0.2)
            else:
                return producer


@pytest.mark.slow
class TestSecurity:
    async def test_a_broker_that_asks_who_we_are_is_told(self) -> None:
        login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        users = 'username="broker" password="b" user_broker="b" user_leadmill="secret"'
        properties = {
            "listener.security.protocol.map": "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.plaintext.plain.sasl.jaas.config": f"{login} {users};",
        }
        broker = find_kafka(disposable=True, properties=properties)
        await asyncio.to_thread(broker.start)
        try:
            known = Security(protocol="SASL_PLAINTEXT", username="leadmill", password="secret")
            await self.write_and_read(KafkaLog(broker.address, security=known))
            unknown = Security(protocol="SASL_PLAINTEXT", username="leadmill", password="wrong")
            with pytest.raises(LogUnavailable):
                await KafkaLog(broker.address, security=unknown).admin()
        finally:
            await asyncio.to_thread(broker.close)

    async def write_and_read(self, log: KafkaLog) -> None:
        admin, producer = await log.admin(), log.producer(name="producer")
        seat = Seat(log.consumer(group="group", topics=["topic"], member="member"))
        try:
            await admin.create([TopicLayout(name="topic", partitions=1)])
            await producer.start()
            await producer.append([(TopicPartition("topic", 0), records("a"))])
            await seat.start()
            seat.consumer.seek(dict.fromkeys(await seat.settle(), 0))
            assert values(await seat.collect(1)) == ["a"]
        finally:
            await seat.consumer.stop()
            await producer.stop()
            await admin.stop()

    def test_a_password_is_not_shown(self) -> None:
        assert "secret" not in repr(Security(username="leadmill", password="secret"))
