"""Commands that start warm: forked from a process that has imported what they need.

What runs is a process of its own, with the environment, folder, outputs and exit code that an
operator's shell would give it; only the second of imports is shared, which would be the most of many
a test. Tests of the start itself start cold.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

CHECKOUT: Final = Path(__file__).resolve().parents[3]
SERVE: Final = "from tests.operations.warm.hearth import serve; serve()"


class WarmProcess:
    """A command that was started warm; as much of :class:`subprocess.Popen` as tests use."""

    def __init__(self, arguments: Sequence[str], line: socket.socket) -> None:
        self._arguments = arguments
        self._line = line
        self._answers = line.makefile("rb")
        self.pid = int(self._answers.readline())
        self._handle = os.pidfd_open(self.pid)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        if self.returncode is None and select.select([self._line.fileno()], [], [], 0)[0]:
            self.returncode = int(self._answers.readline())
            self.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. :raises subprocess.TimeoutExpired: if it runs on for so many seconds."""
        if self.returncode is None:
            select.select([self._line.fileno()], [], [], timeout)
        if (code := self.poll()) is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(["leadmill", *self._arguments], timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of it; if it runs, it is killed."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        self._answers.close()
        self._line.close()


class Hearth:
    """The process that commands are forked from; it starts with the first of them and ends with us."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def open(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], cwd: Path, outputs: Sequence[int]
    ) -> WarmProcess:
        """Start a command that writes to these descriptors."""
        told = {"arguments": list(arguments), "environment": dict(environment), "cwd": str(cwd)}
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(self._started())
            socket.send_fds(line, [b" "], list(outputs))
            line.sendall(json.dumps(told).encode() + b"\n")
            return WarmProcess(arguments, line)
        except BaseException:
            line.close()
            raise

    def run(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], cwd: Path, seconds: float
    ) -> tuple[int, str, str]:
        """Run a command to its end; return its exit code, and what it wrote to both outputs.

        :raises subprocess.TimeoutExpired: after ``seconds``; the command is killed.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            outputs = out.fileno(), err.fileno()
            process = self.open(arguments, environment=environment, cwd=cwd, outputs=outputs)
            try:
                return process.wait(seconds), _read(out), _read(err)
            finally:
                process.close()

    def _started(self) -> str:
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="leadmill-hearth-")
                self._process = subprocess.Popen(
                    [sys.executable, "-c", SERVE, f"{self._folder.name}/line"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    cwd=CHECKOUT,
                )
                atexit.register(self.stop)
                assert self._process.stdout is not None
                assert self._process.stdout.readline() == b"warm\n"
            return f"{self._folder.name}/line"

    def stop(self) -> None:
        """End it."""
        if self._process is not None and self._folder is not None:
            self._process.communicate()
            self._folder.cleanup()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


HEARTH: Final = Hearth()
