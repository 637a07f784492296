"""The broker the other suites stand on: real, strict about topics, and back after each way of dying."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, UnknownTopicOrPartitionError

from shared.testing.kafka_broker import JavaBroker, KafkaBroker, find_kafka
from shared.testing.kafka_jars import NoKafka

AWAY = (KafkaConnectionError, KafkaTimeoutError, UnknownTopicOrPartitionError)
"""What aiokafka says of a broker that answers no more; the last one if it froze between two answers."""

pytestmark = [pytest.mark.kafka, pytest.mark.lasts(40)]


@pytest.fixture
def broker() -> Iterator[KafkaBroker]:
    with find_kafka(disposable=True) as broker:
        yield broker


async def _create_topic(broker: KafkaBroker, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def _send(broker: KafkaBroker, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.address, acks="all", request_timeout_ms=3000)
    try:
        await producer.start()
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def _read(broker: KafkaBroker, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.address, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_what_was_acknowledged_is_there_after_a_kill_and_after_a_restart(broker: KafkaBroker) -> None:
    await _create_topic(broker, "survives")
    await _send(broker, "survives", b"before the kill")
    broker.kill()
    with pytest.raises(KafkaConnectionError):
        await _send(broker, "survives", b"never arrives")
    broker.start()
    await _send(broker, "survives", b"after the kill")
    broker.restart()
    assert await _read(broker, "survives", 2) == [b"before the kill", b"after the kill"]


async def test_a_frozen_broker_does_not_answer_and_goes_on_when_resumed(broker: KafkaBroker) -> None:
    await _create_topic(broker, "frozen")
    await _send(broker, "frozen", b"one")
    broker.pause()
    try:
        with pytest.raises((*AWAY, TimeoutError)):
            async with asyncio.timeout(60):
                await _send(broker, "frozen", b"not while it is frozen")
    finally:
        broker.resume()
    assert (await _read(broker, "frozen", 1))[0] == b"one"


async def test_a_missing_topic_is_an_error_and_is_not_created(kafka_broker: KafkaBroker) -> None:
    with pytest.raises((UnknownTopicOrPartitionError, KafkaTimeoutError)):
        await _send(kafka_broker, "nobody-made-this", b"x")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_broker.address)
    await admin.start()
    try:
        assert "nobody-made-this" not in await admin.list_topics()
    finally:
        await admin.close()


def test_no_broker_is_left_when_its_owner_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(
        "import os, signal\n"
        "from shared.testing.kafka_broker import JavaBroker, find_kafka\n"
        "broker = find_kafka(disposable=True)\n"
        "broker.start()\n"
        "print(broker.pid if isinstance(broker, JavaBroker) else 0, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    owner = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    pid = int(owner.stdout)
    deadline = time.monotonic() + 60
    while pid and Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not pid or not Path(f"/proc/{pid}").exists()


def test_without_any_way_to_run_it_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("LEADMILL_KAFKA", raising=False)
    with pytest.raises(NoKafka, match="apt install default-jre-headless maven"):
        find_kafka()


def test_a_broker_that_does_not_start_shows_the_end_of_its_log() -> None:
    broker = find_kafka(disposable=True, properties={"num.io.threads": "none"})
    try:
        with pytest.raises(NoKafka, match=r"num\.io\.threads" if isinstance(broker, JavaBroker) else "Kafka"):
            broker.start()
    finally:
        broker.close()
