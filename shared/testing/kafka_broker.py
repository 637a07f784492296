"""A real Apache Kafka for tests: one node, on loopback, that can be killed, frozen and restarted.

:func:`find_kafka` takes the first way that is there: ``LEADMILL_KAFKA`` (the address of a broker
that somebody runs), Docker, Java with Maven. With none of them it raises :class:`NoKafka` and says
what to install; it never lets a test be skipped silently.

A broker that was started here dies with this process, also when this process is killed: a guard
waits for the end of a pipe that only this process holds open. Its data lives in a temporary folder.
Calls block until they are done (``start`` some two seconds, the very first one ten more).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from shared.testing.java_broker import JavaBroker, prepare
from shared.testing.kafka_jars import KAFKA_VERSION, NoKafka, fetch_jars
from shared.testing.kafka_node import (
    CLUSTER_ID,
    PROPERTIES,
    STOP_SECONDS,
    KafkaBroker,
    addresses_on,
    await_broker,
    free_port,
)

if TYPE_CHECKING:
    from docker.models.containers import Container

__all__ = ["ContainerBroker", "ForeignBroker", "JavaBroker", "KafkaBroker", "NoKafka", "find_kafka"]

IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"


class ForeignBroker(KafkaBroker):
    """A broker that somebody else runs (``LEADMILL_KAFKA``): it is used, never stopped."""

    def start(self) -> None:
        """Check that it answers."""
        await_broker(
            self.address, alive=lambda: True, log=lambda: "LEADMILL_KAFKA names a broker that is away"
        )

    def stop(self) -> None:
        """Refuse: it is not ours."""
        raise NoKafka("this test stops the broker; run it without LEADMILL_KAFKA")

    kill = pause = resume = stop

    def close(self) -> None:
        """Leave it as it is."""


class ContainerBroker(KafkaBroker):
    """The same broker in a container on the host's network; testcontainers' reaper removes it in the end."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        from testcontainers.core.container import DockerContainer

        port, controller = free_port(), free_port()
        super().__init__(f"127.0.0.1:{port}")
        settings = {**PROPERTIES, **addresses_on(port, controller), **properties}
        named = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}
        environment = {**named, "CLUSTER_ID": CLUSTER_ID, "KAFKA_HEAP_OPTS": "-Xms256m -Xmx512m"}
        self._plan = DockerContainer(IMAGE, env=environment).with_kwargs(network_mode="host")
        self._container: Container | None = None

    def start(self) -> None:
        """Create the container the first time, then run it."""
        if self._container is None:
            self._container = self._plan.start().get_wrapped_container()
        else:
            self._container.start()
        await_broker(self.address, alive=self._is_running, log=self._end_of_log)

    def stop(self) -> None:
        """Stop the container, and keep it."""
        self._running().stop(timeout=int(STOP_SECONDS))

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


def find_kafka(
    *, disposable: bool = False, measured: bool = False, properties: Mapping[str, str] | None = None
) -> KafkaBroker:
    """Return a broker that is not started yet, by the first way this machine has.

    ``disposable``: the test will kill it, so one that somebody else runs will not do. ``measured``: its
    speed counts more than that of its start.
    ``properties`` are added to the broker's own (a foreign broker does not take them).

    :raises NoKafka: if there is no way; the text says what to install.
    """
    address = os.environ.get("LEADMILL_KAFKA", "")
    if address and not disposable:
        return ForeignBroker(address)
    if _docker_has_image():
        return ContainerBroker(properties or {})
    if shutil.which("java") and shutil.which("mvn"):
        jars = fetch_jars()
        return JavaBroker(jars, properties or {}, measured=measured, prepared=prepare(jars))
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
