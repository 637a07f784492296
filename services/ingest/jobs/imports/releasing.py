"""Releases leads that an import holds, in portions: each is told to the resolver as a message (I11)."""

from __future__ import annotations

from collections.abc import Mapping

from services.ingest.jobs.imports.importing import open_appender
from services.ingest.jobs.imports.tools import ImportTools
from services.ingest.store.imports.held import load_held
from services.ingest.store.imports.imports import TableImport

_AT_ONCE = 500


async def release(
    one: TableImport, tools: ImportTools, *, count: int | None = None, where: Mapping[str, str] | None = None
) -> int:
    """Release up to ``count`` held leads whose attributes are as ``where`` says; None: all of them.

    Returns how many were told to start. Told twice, because somebody asked again before the first word
    had been heard, they start once.

    :raises Unavailable: if log or database do not answer; some may have been released.
    """
    told, after = 0, ""
    async with open_appender(tools) as appender:
        while count is None or told < count:
            limit = _AT_ONCE if count is None else min(_AT_ONCE, count - told)
            async with tools.database.connection() as connection:
                leads = await load_held(connection, one.id, after=after, where=where or {}, limit=limit)
            if not leads:
                break
            now = tools.clock.now()
            await appender.append(
                [
                    tools.stamp.release(lead, import_id=one.id, source=one.source, received=now)
                    for lead in leads
                ]
            )
            told += len(leads)
            after = leads[-1]
    return told
