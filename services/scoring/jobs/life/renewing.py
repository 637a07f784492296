"""Brings every lead under the versions that rule, also those of which nothing is learnt any more."""

from __future__ import annotations

import asyncio

from services.scoring.jobs.life.portions import Came, in_portions
from services.scoring.store.renewing import PORTION, take_portion
from services.scoring.store.scoring_models.passes import is_passing
from services.scoring.store.scoring_models.rulings import Rulings
from shared.kernel.clock import Clock
from shared.postgres.database import Database


class Renewing:
    """Goes over the leads in portions, the next when the one before is nearly worked off.

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
        """Step until told to stop."""

        async def step() -> Came:
            if await self.step():
                return Came.FURTHER
            return Came.NO_FURTHER if await self._is_passing() else Came.TO_NOTHING

        await in_portions(step, stopping, job="scoring-renewing")

    async def _is_passing(self) -> bool:
        async with self._database.connection() as connection:
            return await is_passing(connection)
