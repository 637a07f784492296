"""Conflicts that wait for a person, and who is like a lead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.ingest.domain.evidence.doubts import Conflict
from services.ingest.store.identity.conflicts import find_colleagues, find_duplicates, load_conflicts
from shared.kernel.instants import Instant
from shared.postgres.database import Database


class Alike(NamedTuple):
    """Who may be the same person as a lead, and who works at the same company."""

    duplicates: Sequence[str]
    colleagues: Sequence[str]


class ConflictBook:
    """Answers what is doubted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self,
        *,
        is_settled: bool = False,
        reason: str | None = None,
        after: tuple[Instant, str] = (-1, ""),
        limit: int = 100,
    ) -> list[Conflict]:
        """Return conflicts behind ``after`` (when, id), the oldest first."""
        async with self._database.connection() as connection:
            return await load_conflicts(
                connection, is_settled=is_settled, reason=reason, after=after, limit=limit
            )

    async def find_alike(self, lead: str, *, limit: int = 100) -> Alike:
        """Return who is like a lead, the longest known first; nobody for one that is none of ours."""
        async with self._database.connection() as connection:
            return Alike(
                await find_duplicates(connection, lead, limit=limit),
                await find_colleagues(connection, lead, limit=limit),
            )
