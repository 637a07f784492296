"""Measures for how long a pass or a preview has not gone on."""

from __future__ import annotations

from typing import Protocol

from services.scoring.store.scoring_models.passes import load_pass
from services.scoring.store.scoring_models.previews import load_oldest
from services.scoring.store.scoring_models.steps import load_number
from shared.postgres.database import Database


class Standstill:
    """Remembers where something was, and since when it is there."""

    def __init__(self) -> None:
        self._place: object = None
        self._since = 0.0

    def seen(self, place: object, *, at: float) -> float:
        """Return for how many seconds it has been at this place; None is nowhere, and 0."""
        if place != self._place:
            self._place, self._since = place, at
        return 0.0 if place is None else at - self._since


class StandingMetrics(Protocol):
    """What is told of work that stands still."""

    def stands(self, work: str, seconds: float) -> None:
        """Note for how long a work has not gone on; 0 where it does, or there is none."""
        ...


class LifeWatch:
    """Looks at passes and previews, whoever carries them out; what it remembers lasts as long as it does."""

    def __init__(self, database: Database, metrics: StandingMetrics) -> None:
        self._database = database
        self._metrics = metrics
        self._pass = Standstill()
        self._preview = Standstill()

    async def measure(self, *, at: float) -> None:
        """Look; ``at`` is in seconds of a clock that goes on evenly.

        :raises DatabaseUnavailable: if the database does not answer.
        """
        async with self._database.connection() as connection:
            state = await load_pass(connection)
            is_done = state.done == await load_number(connection)
            preview = await load_oldest(connection)
        place = None if is_done else (state.target, state.after, state.swept, state.seen)
        self._metrics.stands("pass", self._pass.seen(place, at=at))
        counted = None if preview is None else (preview.model, preview.version, preview.at, preview.after)
        self._metrics.stands("preview", self._preview.seen(counted, at=at))
