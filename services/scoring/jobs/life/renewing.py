"""Brings every lead under the versions that rule, also those of which nothing is learnt any more."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import Final

from services.scoring.store.renewing import PORTION, take_portion
from services.scoring.store.scoring_models.passes import is_passing
from services.scoring.store.scoring_models.rulings import Rulings
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.postgres.database import Database
from shared.telemetry.logging import get_logger

logger = get_logger(__name__)

_LOOK_EVERY: Final = timedelta(seconds=1)
_BETWEEN_PORTIONS: Final = timedelta(milliseconds=100)


class Renewing:
    """Goes over the leads in portions, the next when the one before is worked off; ends soon when told to.

    Where it is lies in the database: whoever comes next goes on from there, and two at once wait for each
    other.
    """

    def __init__(
        self, database: Database, rulings: Rulings, *, clock: Clock, partitions: int, portion: int = PORTION
    ) -> None:
        self._database = database
        self._rulings = rulings
        self._clock = clock
        self._partitions = partitions
        self._portion = portion

    async def step(self) -> bool:
        """Take one portion in one transaction; return whether there may be another at once.

        :raises Unavailable: if the database does not answer; it goes on next time.
        """
        async with self._database.transaction() as transaction:
            return await take_portion(
                transaction,
                self._rulings,
                partitions=self._partitions,
                now=self._clock.now(),
                portion=self._portion,
            )

    async def run(self, stopping: asyncio.Event) -> None:
        """Step until told to stop, with pauses in which live traffic has the machine."""
        is_under_way = False
        while not stopping.is_set():
            try:
                has_more = await self.step()
                is_under_way = has_more or (is_under_way and await self._is_open())
            except Unavailable as error:
                logger.warning("job_put_off", job="scoring-renewing", code=error.reason)
                is_under_way = False
            pause = _BETWEEN_PORTIONS if is_under_way else _LOOK_EVERY
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await stopping.wait()

    async def _is_open(self) -> bool:
        async with self._database.connection() as connection:
            return await is_passing(connection)
