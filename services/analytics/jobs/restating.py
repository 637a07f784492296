"""Derives everything again when the documents have changed, so that no report mixes two ways to count."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from services.analytics.domain.derivation import Derivation
from services.analytics.store.damage import load_leads_page
from services.analytics.store.documents import Rulebook
from services.analytics.store.facts import load_facts_page
from services.analytics.store.statements import (
    load_statement,
    restate_credits,
    restate_rows,
    save_statement,
)
from shared.kernel.errors import Unavailable
from shared.postgres.database import Database
from shared.telemetry.logging import get_logger

logger = get_logger(__name__)

_FACTS_AT_ONCE: Final = 500
_LEADS_AT_ONCE: Final = 100
_WAIT_SECONDS: Final = 5.0


class Restating:
    """Compares the documents with those by which the tables were derived, once in the life of a worker.

    Pages are transactions of their own: whoever is stopped in between goes over what was done, and
    changes nothing there.
    """

    def __init__(self, database: Database, *, rulebook: Rulebook, derivation: Derivation) -> None:
        self._database = database
        self._rulebook = rulebook
        self._derivation = derivation
        self._next_fact: str | None = ""
        self._next_lead: str | None = ""

    async def run(self, stopping: asyncio.Event) -> None:
        """Restate if need be, then wait until told to stop; what is unavailable is tried again."""
        while not stopping.is_set():
            try:
                if await self.restate_page():
                    await stopping.wait()
            except Unavailable as error:
                logger.warning("job_put_off", job="analytics-restating", code=error.reason)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_WAIT_SECONDS):
                        await stopping.wait()

    async def restate(self) -> None:
        """Derive everything again if the documents have changed.

        :raises Unavailable: if the database does not answer.
        """
        while not await self.restate_page():
            pass

    async def restate_page(self) -> bool:
        """Derive the next page again; True if there was nothing left to do.

        :raises Unavailable: if the database does not answer, or somebody else held the same rows.
        """
        if self._next_fact == "":
            async with self._database.connection() as connection:
                if await load_statement(connection) == self._rulebook.digest:
                    return True
        if self._next_fact is not None:
            await self._restate_rows(self._next_fact)
        elif self._next_lead is not None:
            await self._restate_credits(self._next_lead)
        else:
            async with self._database.transaction() as transaction:
                await save_statement(transaction, self._rulebook.digest)
            logger.info("restated", documents=self._rulebook.digest)
            self._next_fact = self._next_lead = ""
        return False

    async def _restate_rows(self, after: str) -> None:
        async with self._database.transaction() as transaction:
            facts = await load_facts_page(transaction, after=after, limit=_FACTS_AT_ONCE)
            await restate_rows(transaction, facts, self._derivation)
        self._next_fact = facts[-1].id if len(facts) == _FACTS_AT_ONCE else None

    async def _restate_credits(self, after: str) -> None:
        async with self._database.transaction() as transaction:
            leads = await load_leads_page(transaction, after=after, limit=_LEADS_AT_ONCE)
            await restate_credits(transaction, leads, self._rulebook.crediting)
        self._next_lead = leads[-1] if len(leads) == _LEADS_AT_ONCE else None
