"""Ingest's part of a lead's story."""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest.domain.story import StoryRow
from services.ingest.store.story import load_story
from shared.postgres.database import Database


async def find_story(database: Database, lead: str) -> Sequence[StoryRow]:
    """Return what came in about a lead and what became known, in order of time; nothing if unknown."""
    async with database.connection() as connection:
        return await load_story(connection, lead)
