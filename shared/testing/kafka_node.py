"""What a broker for tests is, however it is run, and what all of ours are told."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Final, Self

from shared.testing.kafka_jars import NoKafka

_START_SECONDS: Final = 60.0
_METADATA: Final = 3
_COUNT: Final = struct.Struct(">iii")
"""How an answer begins: its length, the request's number, how many brokers follow."""
STOP_SECONDS: Final = 20.0
CLUSTER_ID: Final = "bGVhZG1pbGwtdGVzdC0wMQ"

PROPERTIES: Final[Mapping[str, str]] = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    # as in production: a missing topic is an error, never a topic with one partition
    "auto.create.topics.enable": "false",
    "message.max.bytes": str(2 * 1024 * 1024),
    # quick groups; crash runs use sessions of two seconds
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # one node
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # compaction and retention within the patience of a test, in a small heap
    "log.cleaner.backoff.ms": "500",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    "log.retention.check.interval.ms": "1000",
    "log.initial.task.delay.ms": "500",
    "log.index.size.max.bytes": str(1024 * 1024),
    # a restarted broker must not wait until its own former life has timed out
    "controlled.shutdown.enable": "false",
    "broker.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "200",
    "controller.quorum.election.timeout.ms": "300",
}


class KafkaBroker(ABC):
    """One broker: its address stays the same over restarts, and so does its data until ``close``."""

    def __init__(self, address: str) -> None:
        self.address = address

    @abstractmethod
    def start(self) -> None:
        """Start it, and return once it takes connections.

        :raises NoKafka: if it does not within a minute; the text ends with the end of its log.
        """

    @abstractmethod
    def stop(self) -> None:
        """Stop it in good order; ``start`` goes on with the same data."""

    @abstractmethod
    def kill(self) -> None:
        """Kill it as a power cut would (SIGKILL); ``start`` goes on with the same data."""

    @abstractmethod
    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open and nothing answers."""

    @abstractmethod
    def resume(self) -> None:
        """Let a frozen broker go on (SIGCONT)."""

    @abstractmethod
    def close(self) -> None:
        """Stop it at once and remove its data."""

    def restart(self) -> None:
        """Stop it in good order and start it again on the same address and data."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def addresses_on(port: int, controller: int) -> dict[str, str]:
    """Return the properties of a node that listens on these ports of loopback."""
    return {
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
    }


def free_port() -> int:
    """Pick a port below the ephemeral range, so that no connection takes it while the broker is down."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def await_broker(address: str, *, alive: Callable[[], bool], log: Callable[[], str]) -> None:
    """Return once the broker at ``address`` takes part in its cluster; its port opens a moment before.

    :raises NoKafka: if it ends before, or a minute passes; the text ends with ``log``.
    """
    host, _, port = address.split(",", maxsplit=1)[0].rpartition(":")
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with contextlib.suppress(OSError):
            connection = socket.create_connection((host, int(port)), timeout=5)
            with connection:
                if _answers_as_member(connection):
                    return
        if not alive():
            raise NoKafka(f"Kafka ended before it was ready:\n{log()}")
        if time.monotonic() > deadline:
            raise NoKafka(f"Kafka does not get ready on {address}:\n{log()}")
        time.sleep(0.05)


def _answers_as_member(connection: socket.socket) -> bool:
    """Ask for metadata about no topic: whoever names a broker is ready, or does not speak to strangers."""
    client = b"leadmill-tests"
    request = struct.pack(f">hhih{len(client)}si", _METADATA, 1, 1, len(client), client, 0)
    connection.sendall(struct.pack(">i", len(request)) + request)
    with connection.makefile("rb") as stream:
        answer = stream.read(_COUNT.size)
    return not answer or (len(answer) == _COUNT.size and int(_COUNT.unpack(answer)[2]) > 0)
