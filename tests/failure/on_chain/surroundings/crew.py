"""Nurture's processes: its worker, and those that send mail."""

from __future__ import annotations

import os
import sys
from typing import Any

import msgspec

from tests.failure.on_chain.sender import SenderPlan
from tests.failure.on_services.surroundings.crew import ServiceCrew
from tests.failure.surroundings.crew import Hand
from tests.failure.worker import Trip

SENDER = "sender"
"""How the names of senders begin."""


class NurtureCrew(ServiceCrew):
    """A crew with senders, who hand mail over at the port ``post``."""

    def __init__(self, *, post: int, **ways: Any) -> None:
        super().__init__(**ways)
        self._post = post

    def start(self, name: str, *, trip: Trip | None = None, database: str | None = None) -> Hand:
        """Start a worker or a sender. :raises ValueError: if one of this name runs; stop or kill it first."""
        if not name.startswith(SENDER):
            return super().start(name, trip=trip, database=database)
        before = self.workers.get(name)
        if before is not None and before.is_running:
            raise ValueError(f"{name} runs already")
        plan = SenderPlan(
            name=f"{self.group}-{name}",
            database=database or self.database,
            clock=str(self._clock),
            post=self._post,
            parent=os.getpid(),
            plant=self.plant,
        )
        command = [sys.executable, "-m", "tests.failure.on_chain.sender", msgspec.json.encode(plan).decode()]
        hand = Hand(plan.name, command, self.folder)
        self.workers[name] = hand
        return hand
