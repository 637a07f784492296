"""Measures now and then how long leads wait, so that an alert can say so before a person notices."""

from __future__ import annotations

from services.routing.metrics import RoutingMetrics
from services.routing.store.lists import count_overdue, load_reps, measure_pool
from shared.kernel.clock import Clock
from shared.kernel.instants import SECOND
from shared.postgres.database import Database


class Measuring:
    """Reads the pool, what is overdue, and how full the reps are."""

    def __init__(self, database: Database, *, clock: Clock, metrics: RoutingMetrics) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics

    async def measure(self) -> None:
        """Look once. :raises Unavailable: if the database does not answer."""
        now = self._clock.now()
        async with self._database.connection() as connection:
            pooled, oldest = await measure_pool(connection)
            overdue = await count_overdue(connection, now)
            reps = [rep for rep in (await load_reps(connection)).values() if rep.is_active]
        room = sum(rep.capacity for rep in reps)
        self._metrics.measured(
            pooled=pooled,
            oldest_seconds=0.0 if oldest is None else max(0, now - oldest) / SECOND,
            overdue=overdue,
            load_ratio=sum(rep.load for rep in reps) / room if room else 0.0,
        )
