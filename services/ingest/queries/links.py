"""Tracking links as requests find them: in memory, whatever the database is doing.

Links are few and never go away, so a process holds them all. What was saved meanwhile is fetched every
few seconds, and at once when somebody asks for a link that is not there: once for all who ask, and not
again within a moment, so that guessing names costs the database nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from services.ingest.domain.links.definitions import Link
from services.ingest.store.links import load_link, load_links, load_saved_since
from shared.kernel.errors import Unavailable
from shared.postgres.database import Database

_LOOK_AGAIN: Final = timedelta(milliseconds=250)
_PATIENCE: Final = timedelta(seconds=1)


class LinksUnavailable(Unavailable):
    """It cannot be told now where this link leads; open it again in a moment."""

    code = "link.unavailable"


class LinkTable:
    """The links that this process knows; :meth:`refresh` them now and then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._links: dict[str, Link] = {}
        self._until: datetime | None = None
        self._refreshing = asyncio.Lock()
        self._looked_at = float("-inf")

    async def refresh(self) -> None:
        """Fetch what was saved since the last time.

        :raises Unavailable: if the database does not answer; what is known stays known.
        """
        async with self._refreshing:
            await self._fetch()

    async def find(self, name: str) -> Link | None:
        """Return a link, None if there is none; one that is known is found without asking anybody.

        :raises LinksUnavailable: if it is not known here and the database does not answer.
        """
        link = self._links.get(name)
        if link is not None:
            return link
        time = asyncio.get_running_loop().time
        asked_at = time()
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()), self._refreshing:
                # whoever stood in line is served by what was fetched meanwhile
                if self._looked_at < asked_at - _LOOK_AGAIN.total_seconds():
                    await self._fetch()
        except (Unavailable, TimeoutError) as error:
            raise LinksUnavailable from error
        return self._links.get(name)

    async def _fetch(self) -> None:
        began = asyncio.get_running_loop().time()
        async with self._database.connection() as connection:
            saved = await load_saved_since(connection, self._until)
        self._links.update((link.name, link) for link in saved.links)
        self._until = saved.until
        self._looked_at = began


async def find_link(database: Database, name: str) -> Link | None:
    """Return a link as it is stored, or None."""
    async with database.connection() as connection:
        return await load_link(connection, name)


async def find_links(
    database: Database,
    *,
    campaign: str | None = None,
    rep: str | None = None,
    after: str = "",
    limit: int = 1_000,
) -> Sequence[Link]:
    """Return links in order of their names; those of one campaign or rep if one is named."""
    async with database.connection() as connection:
        return await load_links(connection, campaign=campaign, rep=rep, after=after, limit=limit)
