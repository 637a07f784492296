"""A processor's worker as an activity, and what readiness asks of it."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Protocol

from shared.kernel.errors import Unavailable
from shared.runtime.service import Activity, Check


class WorkerWaits(Unavailable):
    """A processor waits for something that it needs."""

    code = "worker.waiting"


class Standing(Protocol):
    """What a worker says about itself; ``shared.processor`` has it."""

    @property
    def beat(self) -> float:
        """The event loop's time of the last turn, 0 before the first."""
        ...

    @property
    def waits_for(self) -> str | None:
        """The code of what the worker waits for; None while it works."""
        ...


class Worker(Protocol):
    """A processor's worker, as far as a process is concerned."""

    @property
    def standing(self) -> Standing:
        """How it stands."""
        ...

    def run(self) -> Coroutine[Any, Any, None]:
        """Work until it is told to stop."""
        ...

    def stop(self) -> None:
        """Tell it to stop."""
        ...


def worker_activity(name: str, worker: Worker, *, patience: timedelta = timedelta(seconds=30)) -> Activity:
    """Return the activity that runs a worker; its loop must turn at least once in ``patience``."""
    return Activity(
        name=name, run=worker.run, stop=worker.stop, beat=lambda: worker.standing.beat, patience=patience
    )


def worker_check(name: str, worker: Worker) -> Check:
    """Return the readiness check of a worker: it has what it needs, or says what it waits for."""

    async def check() -> None:
        waits_for = worker.standing.waits_for
        if waits_for is not None:
            raise WorkerWaits(f"{name} waits: {waits_for}", code=waits_for)

    return check
