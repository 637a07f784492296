"""What rules now, for somebody beside the service who tries out what a new lead would come to."""

from __future__ import annotations

import asyncio
from typing import Final

from services.scoring.store.scoring_models.rulings import RegisteredRulings
from services.scoring.store.scoring_models.steps import is_readable
from shared.kernel.instants import SECOND, Instant
from shared.postgres.database import Database, DatabaseLimits
from shared.telemetry.logging import get_logger

logger = get_logger(__name__)

FRESH_FOR: Final = 10 * SECOND
"""For how long what was read is taken to hold."""


class LiveRuling:
    """Reads what rules, at most once in :data:`FRESH_FOR`; for a thread without an event loop.

    Where scoring's tables are not to be read from here, the documents rule.
    """

    def __init__(self, rulings: RegisteredRulings, *, database_url: str, schema: str) -> None:
        self._rulings = rulings
        self._url = database_url
        self._schema = schema
        self._read_at: Instant | None = None

    def look(self, now: Instant) -> None:
        """Let the rulings' ``newest`` be what rules now.

        :raises DatabaseUnavailable: if the database does not answer.
        :raises ModelUnusable: if this release cannot use a live document.
        """
        if self._read_at is None or not 0 <= now - self._read_at < FRESH_FOR:
            asyncio.run(self._read())
            self._read_at = now

    async def _read(self) -> None:
        database = Database(
            self._url,
            schema=self._schema,
            application=f"leadmill/{self._schema}/rehearsal",
            limits=DatabaseLimits(connections=1),
        )
        await database.start()
        try:
            async with database.connection() as connection:
                if await is_readable(connection):
                    await self._rulings.current(connection)
                else:
                    logger.warning("rehearsal_by_documents", schema=self._schema)
        finally:
            await database.stop()
