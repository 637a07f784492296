"""Routing's processes: its worker, and the one that takes commands."""

from __future__ import annotations

import os
import sys

import msgspec

from tests.failure.on_chain.commander import DeskPlan
from tests.failure.on_services.surroundings.crew import ServiceCrew
from tests.failure.surroundings.crew import Hand
from tests.failure.worker import Trip


class RoutingCrew(ServiceCrew):
    """A crew with commanders."""

    def start_commander(self, *, database: str | None = None, trip: Trip | None = None) -> Hand:
        """Start a process that takes the reps' commands."""
        plan = DeskPlan(
            name=f"{self.group}-commander-{len(self.commanders) + 1}",
            database=database or self.database,
            clock=str(self._clock),
            parent=os.getpid(),
        )
        command = [
            sys.executable,
            "-m",
            "tests.failure.on_chain.commander",
            msgspec.json.encode(plan).decode(),
        ]
        hand = Hand(plan.name, command, self.folder, trip=trip)
        self.commanders[plan.name] = hand
        return hand
