"""The stream of told tier changes, for other systems."""

from __future__ import annotations

from collections.abc import Sequence

from services.scoring.domain.told_changes import ToldChange
from services.scoring.store.tier_changes import load_latest_cursor, load_told_changes
from shared.postgres.database import Database

_CHANGES_PER_READ = 200


class TierStream:
    """Reads told changes from a cursor on; a cursor stays valid for good."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_changes(self, after: str) -> Sequence[ToldChange]:
        """Return the next changes after ``after``; "" begins with the first ever told."""
        async with self._database.connection() as connection:
            return await load_told_changes(connection, after=after, limit=_CHANGES_PER_READ)

    async def find_end(self) -> str:
        """Return the cursor of the newest change."""
        async with self._database.connection() as connection:
            return await load_latest_cursor(connection)
