"""Commands that start warm: forked from a process that has imported what they need.

What runs is a process of its own, with the environment, folder, outputs and exit code that an
operator's shell would give it; only the second of imports is shared, which would be the most of many
a test. Tests of the start itself start cold.
"""

from __future__ import annotations

import atexit
import json
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


class Hearth:
    """The process that commands are forked from; it starts with the first of them and ends with us."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], seconds: float, cwd: Path
    ) -> tuple[int, str, str]:
        """Run a command to its end; return its exit code, and what it wrote to both outputs.

        :raises subprocess.TimeoutExpired: after ``seconds``; the command is killed.
        """
        told = {"arguments": list(arguments), "environment": dict(environment), "cwd": str(cwd)}
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(seconds)
                line.connect(self._started())
                socket.send_fds(line, [b" "], [out.fileno(), err.fileno()])
                line.sendall(json.dumps(told).encode() + b"\n")
                try:
                    code = line.recv(100)
                except TimeoutError:
                    raise subprocess.TimeoutExpired(["leadmill", *arguments], seconds) from None
            return int(code), _read(out), _read(err)

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
