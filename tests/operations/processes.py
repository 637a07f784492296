"""The command as an operator runs it: a process of its own, with an environment of its own.

Commands that are over soon start warm (:mod:`tests.operations.warm.starting`), and so may what runs on.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from tests.operations.warm.starting import HEARTH, WarmProcess

COMMAND = [sys.executable, "-c", "import sys; from leadmill.cli import main; sys.exit(main())"]
CHECKOUT = Path(__file__).resolve().parents[2]


def clean_environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without settings of ours, and with those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADMILL_")}
    return {**kept, "PYTHONPATH": str(CHECKOUT), "COLUMNS": "200", **(given or {})}


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def error_lines(self) -> list[str]:
        return self.err.strip().splitlines()


def leadmill(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    seconds: float = 300.0,
    cwd: Path | None = None,
    through: Sequence[str] = (),
) -> Answer:
    """Run a command to its end; ``through`` is a command that runs it."""
    if not through:
        ended = HEARTH.run(
            arguments, environment=clean_environment(environment), cwd=cwd or CHECKOUT, seconds=seconds
        )
        return Answer(*ended)
    done = subprocess.run(
        [*through, *COMMAND, *arguments],
        capture_output=True,
        text=True,
        env=clean_environment(environment),
        timeout=seconds,
        cwd=cwd or CHECKOUT,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Running:
    """A platform, or a service of it, that runs until it is told to stop; a context manager.

    ``through`` is a command that runs it. It starts as a shell starts it, or, if it ``is_warm``, without
    the imports.
    """

    arguments: list[str]
    environment: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    admin_port: int = field(default_factory=free_port)
    through: Sequence[str] = ()
    is_warm: bool = False
    process: subprocess.Popen[str] | WarmProcess | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}"

    def __enter__(self) -> Self:
        arguments = [*self.arguments, "--port", str(self.port), "--admin-port", str(self.admin_port)]
        environment = clean_environment(self.environment)
        with self.log.open("w") as log:
            if self.through or not self.is_warm:
                self.process = subprocess.Popen(
                    [*self.through, *COMMAND, *arguments],
                    env=environment,
                    stdout=log,
                    stderr=log,
                    text=True,
                    cwd=CHECKOUT,
                )
            else:
                outputs = log.fileno(), log.fileno()
                self.process = HEARTH.open(arguments, environment=environment, cwd=CHECKOUT, outputs=outputs)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)

    def said(self) -> str:
        return self.log.read_text()

    def probe(self, path: str) -> tuple[int, Any]:
        try:
            # without authorities of TLS, whose reading costs more than all the rest of a look
            answer = httpx.get(self.admin + path, timeout=5, trust_env=False, verify=False)
        except httpx.TransportError:
            return 0, {}
        return answer.status_code, answer.json()

    def until(self, path: str, *, status: int, code: str | None = None, seconds: float = 300.0) -> Any:
        """Wait until a probe answers with this status, and one of its checks with this code."""
        assert self.process is not None
        deadline = time.monotonic() + seconds
        seen: tuple[int, Any] = (0, {})
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.said()
            seen = self.probe(path)
            codes = {check["code"] for check in seen[1].get("checks", ())}
            if seen[0] == status and (code is None or code in codes):
                return seen[1]
            time.sleep(0.1)
        raise AssertionError(f"{path} is still {seen}; the process said:\n{self.said()}")

    def until_said(self, text: str, *, seconds: float = 300.0) -> None:
        """Wait until the process has written something that holds this text."""
        self.await_until(lambda: text in self.said(), seconds=seconds)

    def await_until(self, holds: Callable[[], bool], *, seconds: float = 300.0) -> None:
        """Wait until this holds, while the process runs."""
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.said()
            assert self.process.poll() is None, self.said()
            time.sleep(0.02)

    def terminate(self, *, seconds: float = 300.0) -> int:
        """Send SIGTERM and return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)
