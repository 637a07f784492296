"""A real Apache Kafka for tests: one node, on loopback, that can be killed, frozen and restarted.

:func:`find_kafka` takes the first way that is there: ``LEADMILL_KAFKA`` (the address of a broker
that somebody runs), Docker, Java with Maven. With none of them it raises :class:`NoKafka` and says
what to install; it never lets a test be skipped silently.

A broker that was started here dies with this process, also when this process is killed: a guard
waits for the end of a pipe that only this process holds open. Its data lives in a temporary folder.
Calls block until they are done (``start`` about four seconds).
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from shared.testing.kafka_jars import KAFKA_VERSION, NoKafka, fetch_jars

if TYPE_CHECKING:
    from docker.models.containers import Container

IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
_CLUSTER_ID: Final = "bGVhZG1pbGwtdGVzdC0wMQ"

_PROPERTIES: Final[Mapping[str, str]] = {
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


class ForeignBroker(KafkaBroker):
    """A broker that somebody else runs (``LEADMILL_KAFKA``): it is used, never stopped."""

    def start(self) -> None:
        """Check that it answers."""
        _await_port(
            self.address, alive=lambda: True, log=lambda: "LEADMILL_KAFKA names a broker that is away"
        )

    def stop(self) -> None:
        """Refuse: it is not ours."""
        raise NoKafka("this test stops the broker; run it without LEADMILL_KAFKA")

    kill = pause = resume = stop

    def close(self) -> None:
        """Leave it as it is."""


class JavaBroker(KafkaBroker):
    """A broker as a child process on the Java of this machine."""

    def __init__(self, jars: Path, properties: Mapping[str, str]) -> None:
        port, controller = _free_port(), _free_port()
        super().__init__(f"127.0.0.1:{port}")
        self._jars = jars
        self._folder = Path(tempfile.mkdtemp(prefix="leadmill-kafka-"))
        self._log = self._folder / "broker.log"
        self._config = self._folder / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        settings = {
            **_PROPERTIES,
            **_addresses(port, controller),
            "log.dirs": str(self._folder / "data"),
            **properties,
        }
        self._config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        if self._process is None:
            raise NoKafka("the broker is not running; start it first")
        return self._process.pid

    def start(self) -> None:
        """Format the data folder the first time, then run the broker."""
        if self._process is not None:
            return
        if not (self._folder / "data").exists():
            command = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self._config)]
            done = subprocess.run(self._java(*command), capture_output=True, text=True, check=False)
            if done.returncode:
                raise NoKafka(
                    f"Kafka could not format its folder; it needs Java 17 or later:\n{done.stderr[-2000:]}"
                )
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._config)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._process = process
        self._guard = _guard(process.pid, self._folder)
        _await_port(self.address, alive=lambda: process.poll() is None, log=self._end_of_log)

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL if it has not ended within 20 s."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Send SIGSTOP."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT."""
        os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kill it and remove its folder."""
        self._end(signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
            if how is signal.SIGTERM:
                os.killpg(process.pid, signal.SIGCONT)  # a frozen process would not see it
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if self._guard is not None:
            _dismiss(self._guard)
            self._guard = None

    def _java(self, *arguments: str) -> list[str]:
        heap = ["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=4"]
        return [
            "java",
            *heap,
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            f"{self._jars}/*",
            *arguments,
        ]

    def _end_of_log(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


class ContainerBroker(KafkaBroker):
    """The same broker in a container on the host's network; testcontainers' reaper removes it in the end."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        from testcontainers.core.container import DockerContainer

        port, controller = _free_port(), _free_port()
        super().__init__(f"127.0.0.1:{port}")
        settings = {**_PROPERTIES, **_addresses(port, controller), **properties}
        named = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}
        environment = {**named, "CLUSTER_ID": _CLUSTER_ID, "KAFKA_HEAP_OPTS": "-Xms256m -Xmx512m"}
        self._plan = DockerContainer(IMAGE, env=environment).with_kwargs(network_mode="host")
        self._container: Container | None = None

    def start(self) -> None:
        """Create the container the first time, then run it."""
        if self._container is None:
            self._container = self._plan.start().get_wrapped_container()
        else:
            self._container.start()
        _await_port(self.address, alive=self._is_running, log=self._end_of_log)

    def stop(self) -> None:
        """Stop the container, and keep it."""
        self._running().stop(timeout=int(_STOP_SECONDS))

    def kill(self) -> None:
        """Kill the container's processes."""
        self._running().kill("SIGKILL")

    def pause(self) -> None:
        """Freeze the container."""
        self._running().pause()

    def resume(self) -> None:
        """Let a frozen container go on."""
        self._running().unpause()

    def close(self) -> None:
        """Remove the container."""
        self._plan.stop()
        self._container = None

    def _running(self) -> Container:
        if self._container is None:
            raise NoKafka("the broker is not running; start it first")
        return self._container

    def _is_running(self) -> bool:
        container = self._running()
        container.reload()
        return container.status in {"created", "running", "restarting"}

    def _end_of_log(self) -> str:
        log: bytes = self._running().logs(tail=40)
        return log.decode(errors="replace")[-2000:]


def find_kafka(*, disposable: bool = False, properties: Mapping[str, str] | None = None) -> KafkaBroker:
    """Return a broker that is not started yet, by the first way this machine has.

    ``disposable``: the test will kill it, so one that somebody else runs will not do.
    ``properties`` are added to the broker's own (a foreign broker does not take them).

    :raises NoKafka: if there is no way; the text says what to install.
    """
    address = os.environ.get("LEADMILL_KAFKA", "")
    if address and not disposable:
        return ForeignBroker(address)
    if _docker_has_image():
        return ContainerBroker(properties or {})
    if shutil.which("java") and shutil.which("mvn"):
        return JavaBroker(fetch_jars(), properties or {})
    raise NoKafka(
        "These tests need a real Apache Kafka. Set LEADMILL_KAFKA to a broker's address, or start Docker, "
        "or install Java 17 and Maven (on Debian: apt install default-jre-headless maven)."
    )


def _docker_has_image() -> bool:
    """Return whether an engine answers and has the image, or can pull it."""
    if not shutil.which("docker"):
        return False
    return _docker_does("version", seconds=10) and (
        _docker_does("image", "inspect", IMAGE, seconds=10) or _docker_does("pull", IMAGE, seconds=300)
    )


def _docker_does(*arguments: str, seconds: float) -> bool:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, check=False, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _addresses(port: int, controller: int) -> dict[str, str]:
    return {
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
    }


def _free_port() -> int:
    """Pick a port below the ephemeral range, so that no connection takes it while the broker is down."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _await_port(address: str, *, alive: Callable[[], bool], log: Callable[[], str]) -> None:
    host, _, port = address.split(",", maxsplit=1)[0].rpartition(":")
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        if not alive():
            raise NoKafka(f"Kafka ended before it took connections:\n{log()}")
        if time.monotonic() > deadline:
            raise NoKafka(f"Kafka takes no connections on {address}:\n{log()}")
        time.sleep(0.05)


def _guard(pid: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start the process that ends ``pid``'s group and removes its folder once we are gone."""
    script = 'read -r _; kill -KILL "-$1"; rm -rf "$2"'
    return subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", str(pid), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _dismiss(guard: subprocess.Popen[bytes]) -> None:
    """End the guard without letting it act."""
    guard.kill()
    guard.wait()
    if guard.stdin is not None:
        guard.stdin.close()
