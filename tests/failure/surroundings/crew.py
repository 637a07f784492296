"""The processes of a run: started, killed, stopped and frozen by name."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.failure.commander import CommanderPlan
from tests.failure.worker import Trip, WorkerPlan

GRACE_SECONDS: Final = 20.0
_MOST_FAULTS: Final = 5
_ROOT: Final = Path(__file__).parents[3]


class Hand:
    """One process."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, *, trip: Trip | None = None) -> None:
        self.name = name
        self.trip = trip
        self.errors = folder / f"{name}.log"
        self.output = folder / f"{name}.out"
        self._said_before = self.output.stat().st_size if self.output.exists() else 0
        with self.errors.open("ab") as errors, self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=errors, stdin=subprocess.DEVNULL, cwd=_ROOT
            )

    @property
    def is_running(self) -> bool:
        """Whether it has not ended (it may be frozen)."""
        return self.process.poll() is None

    @property
    def is_frozen(self) -> bool:
        """Whether it stands still after SIGSTOP."""
        try:
            status = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return status == "T"

    async def ended(self, within: float) -> int | None:
        """Wait for the end and return the exit code, or None if it does not come."""
        end = asyncio.get_running_loop().time() + within
        while (code := self.process.poll()) is None and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)
        return code

    async def ready(self, within: float) -> None:
        """Wait until it has said that it heeds signals, or has ended."""
        end = asyncio.get_running_loop().time() + within
        while self.is_running and asyncio.get_running_loop().time() < end:
            if self.output.stat().st_size > self._said_before:
                return
            await asyncio.sleep(0.05)

    async def frozen(self, within: float) -> bool:
        """Wait until it stands still."""
        end = asyncio.get_running_loop().time() + within
        while not self.is_frozen and self.is_running and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)
        return self.is_frozen

    def told(self, word: str) -> str:
        """Return what stands behind ``word`` in a line of its output, or nothing."""
        for line in self.output.read_text().splitlines(keepends=True):
            if line.startswith(f"{word} ") and line.endswith("\n"):
                return line.split()[1]
        return ""

    def signal(self, number: int) -> None:
        """Send a signal."""
        if self.is_running:
            self.process.send_signal(number)


class Crew:
    """Workers and commanders of one run; ``struck`` counts what was done to them."""

    def __init__(self, *, group: str, database: str, kafka: str, folder: Path, seed: int) -> None:
        self.group, self.database, self.kafka = group, database, kafka
        self.folder = folder
        self.seed = seed
        self.workers: dict[str, Hand] = {}
        self.commanders: dict[str, Hand] = {}
        self.struck: Counter[str] = Counter()
        self.faults: list[str] = []
        self.plant = ""
        self._numbers = 0

    def start(self, name: str, *, trip: Trip | None = None, database: str | None = None) -> Hand:
        """Start a worker.

        :raises ValueError: if one of this name runs; stop or kill it first.
        """
        before = self.workers.get(name)
        if before is not None and before.is_running:
            raise ValueError(f"{name} runs already")
        plan = WorkerPlan(
            name=name,
            group=self.group,
            database=database or self.database,
            kafka=self.kafka,
            parent=os.getpid(),
            trip=trip,
            plant=self.plant,
        )
        hand = Hand(name, _python("tests.failure.worker", plan), self.folder, trip=trip)
        self.workers[name] = hand
        return hand

    def man(self, *names: str) -> None:
        """Start those of these workers that do not run."""
        for name in names:
            hand = self.workers.get(name)
            if hand is None or not hand.is_running:
                self.start(name)

    def start_commander(self, *, database: str | None = None, trip: Trip | None = None) -> Hand:
        """Start a process that takes commands over HTTP."""
        self._numbers += 1
        name = f"commander-{self._numbers}"
        plan = CommanderPlan(
            name=name,
            group=self.group,
            database=database or self.database,
            parent=os.getpid(),
            trip=trip,
        )
        hand = Hand(name, _python("tests.failure.commander", plan), self.folder, trip=trip)
        self.commanders[name] = hand
        return hand

    def addresses(self) -> list[str]:
        """Return where commands are taken, or were a moment ago: a frozen process is among them."""
        ports = {hand: hand.told("ready") for hand in self.commanders.values() if hand.is_running}
        return [f"http://127.0.0.1:{port}" for port in ports.values() if port]

    def kill(self, name: str) -> None:
        """Kill a worker or a commander, wherever it is."""
        hand = self.workers.get(name) or self.commanders[name]
        if hand.is_running:
            hand.process.kill()
            hand.process.wait()
            self.struck["SIGKILL"] += 1
        self.forget(name)

    async def stop(self, name: str) -> None:
        """Stop in good order; anything but exit code 0 within the grace period is a fault."""
        hand = self.workers.get(name) or self.commanders[name]
        await hand.ready(30)
        hand.signal(signal.SIGTERM)
        code = await hand.ended(GRACE_SECONDS)
        if code is None:
            hand.process.kill()
            hand.process.wait()
        if code != 0:
            what = "nothing" if code is None else f"exit code {code}"
            self.faults.append(
                f"exit: {name} answered SIGTERM with {what} within {GRACE_SECONDS:g} s; {self.tail(hand)}"
            )
        self.struck["SIGTERM"] += 1
        self.forget(name)

    def forget(self, name: str) -> None:
        """A process has ended as it should."""
        self.workers.pop(name, None)

    def look(self) -> None:
        """Whatever ended by itself is a fault; workers are started again."""
        for name, hand in list(self.workers.items()):
            code = hand.process.poll()
            if code is not None and not (hand.trip and code == -hand.trip.signal):
                self.faults.append(f"exit: {name} ended by itself with code {code}; {self.tail(hand)}")
                if len(self.faults) > _MOST_FAULTS:
                    raise RuntimeError("too much has gone wrong in this run to go on with it")
                self.start(name)
        for name, hand in self.commanders.items():
            code = hand.process.poll()
            if code not in {None, 0, -signal.SIGKILL} and not any(name in fault for fault in self.faults):
                self.faults.append(f"exit: {name} ended by itself with code {code}; {self.tail(hand)}")

    def close(self) -> None:
        """End everything at once."""
        for hand in (*self.workers.values(), *self.commanders.values()):
            if hand.is_running:
                hand.process.kill()
            hand.process.wait()

    @staticmethod
    def tail(hand: Hand) -> str:
        """Return the end of what a process said."""
        return hand.errors.read_text(errors="replace")[-1500:].strip()


def _python(module: str, plan: msgspec.Struct) -> list[str]:
    return [sys.executable, "-m", module, msgspec.json.encode(plan).decode()]
