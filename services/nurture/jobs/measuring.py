"""Measures how much waits, for whoever watches."""

from __future__ import annotations

from services.nurture.metrics import NurtureMetrics
from services.nurture.store.reading import measure
from shared.postgres.database import Database


class Measuring:
    """Reads the ledger's two ends that matter: what waits, and what nobody knows."""

    def __init__(self, database: Database, *, metrics: NurtureMetrics) -> None:
        self._database = database
        self._metrics = metrics

    async def measure(self) -> None:
        """Measure now. :raises Unavailable: if the database does not answer."""
        async with self._database.connection() as connection:
            waiting, unconfirmed = await measure(connection)
        self._metrics.waiting(waiting)
        self._metrics.unconfirmed(unconfirmed)
