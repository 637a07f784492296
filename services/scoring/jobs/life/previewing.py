"""Counts what publications would change."""

from __future__ import annotations

import asyncio

from services.scoring.domain.life.deciding import check_version, find_life
from services.scoring.jobs.life.portions import Came, in_portions
from services.scoring.store.previewing import PORTION, count_portion
from services.scoring.store.scoring_models.previews import begin_preview
from services.scoring.store.scoring_models.rulings import RegisteredRulings, load_register
from services.scoring.store.scoring_models.shelf import Shelf
from shared.kernel.clock import Clock
from shared.postgres.database import Database


class Previewing:
    """Counts previews that were asked for, one after the other; it reads leads and writes only its count."""

    def __init__(self, database: Database, shelf: Shelf, *, clock: Clock, portion: int = PORTION) -> None:
        self._database = database
        self._shelf = shelf
        self._rulings = RegisteredRulings(shelf)
        self._clock = clock
        self._portion = portion

    async def begin(self, model: str, version: int) -> None:
        """Let a version be counted anew, from the first lead.

        :raises ModelUnknown: if there is no such model.
        :raises VersionUnknown: if it has no such version.
        """
        async with self._database.transaction() as transaction:
            register = await load_register(transaction, self._shelf)
            check_version(find_life(register, model), version)
            await begin_preview(transaction, model, version, number=register.number, at=self._clock.now())

    async def step(self) -> bool:
        """Count one portion in one transaction; return whether there was anything to count.

        :raises Unavailable: if the database does not answer; it goes on next time.
        """
        async with self._database.transaction(durable=False) as transaction:
            return await count_portion(
                transaction, self._rulings, now=self._clock.now(), portion=self._portion
            )

    async def run(self, stopping: asyncio.Event) -> None:
        """Count until told to stop."""

        async def step() -> Came:
            return Came.FURTHER if await self.step() else Came.TO_NOTHING

        await in_portions(step, stopping, job="scoring-previewing")
