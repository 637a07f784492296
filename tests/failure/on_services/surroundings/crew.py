"""The processes of one service."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from tests.failure.on_services.commander import ServiceCommanderPlan
from tests.failure.on_services.worker import ServicePlan
from tests.failure.surroundings.crew import Crew, Hand
from tests.failure.worker import Trip


class ServiceCrew(Crew):
    """Workers of ``service``, and commanders if it is one that takes commands.

    What is struck and what goes wrong is counted where ``beside``, another crew of the run, counts it.
    """

    worker_module = "tests.failure.on_services.worker"
    commander_module = "tests.failure.on_services.commander"

    def __init__(
        self,
        *,
        service: str,
        database: str,
        kafka: str,
        clock: Path,
        folder: Path,
        seed: int,
        beside: Crew | None = None,
    ) -> None:
        super().__init__(group=service, database=database, kafka=kafka, folder=folder, seed=seed)
        self._clock = clock
        if beside is not None:
            self.struck, self.faults = beside.struck, beside.faults

    def start(self, name: str, *, trip: Trip | None = None, database: str | None = None) -> Hand:
        """Start a worker. :raises ValueError: if one of this name runs; stop or kill it first."""
        before = self.workers.get(name)
        if before is not None and before.is_running:
            raise ValueError(f"{name} runs already")
        plan = ServicePlan(
            service=self.group,
            name=f"{self.group}-{name}",
            database=database or self.database,
            kafka=self.kafka,
            clock=str(self._clock),
            parent=os.getpid(),
            trip=trip,
            plant=self.plant,
        )
        hand = Hand(plan.name, _python(self.worker_module, plan), self.folder, trip=trip)
        self.workers[name] = hand
        return hand

    def start_commander(self, *, database: str | None = None, trip: Trip | None = None) -> Hand:
        """Start a process that takes commands over HTTP."""
        plan = ServiceCommanderPlan(
            service=self.group,
            name=f"{self.group}-commander-{len(self.commanders) + 1}",
            database=database or self.database,
            kafka=self.kafka,
            clock=str(self._clock),
            parent=os.getpid(),
            trip=trip,
            plant=self.plant,
        )
        hand = Hand(plan.name, _python(self.commander_module, plan), self.folder, trip=trip)
        self.commanders[plan.name] = hand
        return hand


def _python(module: str, plan: msgspec.Struct) -> list[str]:
    return [sys.executable, "-m", module, msgspec.json.encode(plan).decode()]
