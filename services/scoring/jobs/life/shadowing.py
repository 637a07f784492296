"""Lets versions in shadow look at what was saved, apart from what is live."""

from __future__ import annotations

import asyncio

from services.scoring.jobs.life.portions import Came, in_portions
from services.scoring.store.scoring_models.rulings import Rulings
from services.scoring.store.shadowing import PORTION, look_at_portion
from shared.kernel.clock import Clock
from shared.postgres.database import Database


class Shadowing:
    """Looks at leads in portions. Whatever becomes of it, nobody is told and nothing live is changed."""

    def __init__(self, database: Database, rulings: Rulings, *, clock: Clock, portion: int = PORTION) -> None:
        self._database = database
        self._rulings = rulings
        self._clock = clock
        self._portion = portion

    async def step(self) -> bool:
        """Look at one portion in one transaction; return whether there was anything to look at.

        :raises Unavailable: if the database does not answer; it goes on next time.
        """
        async with self._database.transaction(durable=False) as transaction:
            return await look_at_portion(
                transaction, self._rulings, now=self._clock.now(), portion=self._portion
            )

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until told to stop."""

        async def step() -> Came:
            return Came.FURTHER if await self.step() else Came.TO_NOTHING

        await in_portions(step, stopping, job="scoring-shadowing")
