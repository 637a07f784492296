"""Apache Kafka on the Java of this machine, and what makes its start cheap.

A whole run of the tests starts some thirty brokers. Java can load their classes from an archive that an
earlier broker left, and an empty data folder can be copied from one that was made before; both together
save two thirds of the processor time of a start. They are prepared once and kept beside the jars.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from shared.testing.kafka_jars import NoKafka
from shared.testing.kafka_node import (
    CLUSTER_ID,
    PROPERTIES,
    STOP_SECONDS,
    KafkaBroker,
    addresses_on,
    await_broker,
    free_port,
)


def _stands_still(pid: int) -> bool:
    """Whether no thread of this process runs; a process that has ended has none."""
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended meanwhile
            state = thread.read_text().rpartition(")")[2].split()[0]
            if state not in {"T", "t", "Z", "X"}:
                return False
    return True


class Prepared(NamedTuple):
    """What brokers start from: an archive of classes, and a data folder as it is when it is new."""

    archive: Path
    formatted: Path


def prepare(jars: Path) -> Prepared:
    """Return what brokers start from; the first call runs one to make it, one process at a time.

    The archive belongs to one build of Java, so another one gets an archive of its own. Where Java makes
    none, brokers start without.

    :raises NoKafka: if that broker does not start.
    """
    java = Path(shutil.which("java") or "java").resolve()
    about = f"{java} {java.stat().st_size} {java.stat().st_mtime_ns}" if java.exists() else str(java)
    build = hashlib.sha256(about.encode()).hexdigest()[:12]
    made = Prepared(jars.with_name(f"{jars.name}-{build}.jsa"), jars.with_name(f"{jars.name}-{build}-data"))
    with jars.with_name("prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.formatted.exists():
            return made
        work = Path(tempfile.mkdtemp(prefix="prepare-", dir=jars.parent))
        broker = JavaBroker(jars, {}, options=[f"-XX:ArchiveClassesAtExit={work / 'archive'}"])
        try:
            broker.format()
            shutil.copytree(broker.data, work / "data")
            broker.start()
            broker.stop()
            if (work / "archive").exists():
                (work / "archive").rename(made.archive)
            (work / "data").rename(made.formatted)
        finally:
            broker.close()
            shutil.rmtree(work, ignore_errors=True)
    return made


class JavaBroker(KafkaBroker):
    """A broker as a child process on the Java of this machine.

    Most live for seconds, so Java compiles them quickly rather than well, unless the broker is
    ``measured``; and it takes their classes from the archive of ``prepared``, if that is given.
    """

    def __init__(
        self,
        jars: Path,
        properties: Mapping[str, str],
        *,
        measured: bool = False,
        prepared: Prepared | None = None,
        options: Sequence[str] = (),
    ) -> None:
        port, controller = free_port(), free_port()
        super().__init__(f"127.0.0.1:{port}")
        self._jars = jars
        self._options = ["-XX:TieredStopAtLevel=4" if measured else "-XX:TieredStopAtLevel=1", *options]
        if prepared is not None and prepared.archive.exists():
            self._options.append(f"-XX:SharedArchiveFile={prepared.archive}")
        self._formatted = None if prepared is None else prepared.formatted
        self._folder = Path(tempfile.mkdtemp(prefix="leadmill-kafka-"))
        self._log = self._folder / "broker.log"
        self._config = self._folder / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        settings = {
            **PROPERTIES,
            **addresses_on(port, controller),
            "log.dirs": str(self.data),
            **properties,
        }
        self._config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        if self._process is None:
            raise NoKafka("the broker is not running; start it first")
        return self._process.pid

    @property
    def data(self) -> Path:
        """The folder of its data."""
        return self._folder / "data"

    def format(self) -> None:
        """Make the data folder.

        :raises NoKafka: if Kafka does not make it.
        """
        if self._formatted is not None and self._formatted.exists():
            shutil.copytree(self._formatted, self.data)
            return
        command = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._config)]
        done = subprocess.run(self._java(*command), capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoKafka(
                f"Kafka could not format its folder; it needs Java 17 or later:\n{done.stderr[-2000:]}"
            )

    def start(self) -> None:
        """Format the data folder the first time, then run the broker."""
        if self._process is not None:
            return
        if not self.data.exists():
            self.format()
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
        await_broker(self.address, alive=lambda: process.poll() is None, log=self._end_of_log)

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL if it has not ended within 20 s."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Send SIGSTOP and wait until every thread stands still: the signal takes effect a little later."""
        os.killpg(self.pid, signal.SIGSTOP)
        while not _stands_still(self.pid):
            time.sleep(0.001)

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
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if self._guard is not None:
            _dismiss(self._guard)
            self._guard = None

    def _java(self, *arguments: str) -> list[str]:
        return [
            "java",
            *("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC"),
            *self._options,
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            f"{self._jars}/*",
            *arguments,
        ]

    def _end_of_log(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


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
