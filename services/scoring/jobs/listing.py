"""Keeps the lists of leads by tier, about a second behind what is learnt."""

from __future__ import annotations

import asyncio
from typing import Final

from services.scoring.jobs.life.portions import Came, in_portions
from services.scoring.store.scoring_models.rulings import Rulings
from services.scoring.store.tier_lists.keeping import PORTION, keep_portion
from shared.postgres.database import Database

_RESTS: Final = 4
"""For how many times as long as a portion took it rests: what is told comes before what is listed."""


class Listing:
    """Looks at leads in portions; what was noted stays noted until its transaction has ended."""

    def __init__(self, database: Database, rulings: Rulings, *, portion: int = PORTION) -> None:
        self._database = database
        self._rulings = rulings
        self._portion = portion

    async def step(self) -> int:
        """Look at one portion in one transaction; return how many notes of leads there were.

        :raises Unavailable: if the database does not answer; it goes on next time.
        """
        async with self._database.transaction(durable=False) as transaction:
            return await keep_portion(transaction, self._rulings, portion=self._portion)

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until told to stop; what comes in meanwhile is gathered, for a lead is looked at once then."""

        async def step() -> Came:
            return Came.FURTHER if await self.step() >= self._portion else Came.TO_NOTHING

        await in_portions(step, stopping, job="scoring-listing", rests=_RESTS)
