"""Releases leads that an import holds, in portions: each is told to the resolver as a message (I11).

Which leads a portion is made of is kept under its key before the first of them is told, so that whoever got
no answer and asks again releases the same leads and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from services.ingest.jobs.imports.importing import open_appender
from services.ingest.jobs.imports.tools import ImportTools
from services.ingest.store.imports.held import load_held
from services.ingest.store.imports.imports import TableImport
from shared.processor.commands import keep_reply, take_key

_AT_ONCE = 500


async def release(
    one: TableImport,
    tools: ImportTools,
    *,
    count: int | None = None,
    where: Mapping[str, str] | None = None,
    key: str = "",
) -> int:
    """Release up to ``count`` held leads whose attributes are as ``where`` says; None: all of them.

    Returns how many were told to start. Asked again under the same ``key`` they are the same leads; without
    one every request is one of its own. Told twice, because somebody asked again before the first word had
    been heard, a lead starts once.

    :raises Rejected: if the key was used for another release.
    :raises Unavailable: if log or database do not answer; some may have been released.
    """
    key = key or tools.new_id()
    asked = msgspec.json.encode([one.id, count, sorted((where or {}).items())])
    digest = blake2b(asked, digest_size=16).digest()
    told, after, part = 0, "", 0
    async with open_appender(tools) as appender:
        while count is None or told < count:
            limit = _AT_ONCE if count is None else min(_AT_ONCE, count - told)
            now = tools.clock.now()
            async with tools.database.transaction() as transaction:
                name = f"{key}/{part}"
                kept = await take_key(transaction, idempotency_key=name, digest=digest, received=now)
                if kept is None:
                    leads = await load_held(transaction, one.id, after=after, where=where or {}, limit=limit)
                    await keep_reply(transaction, idempotency_key=name, reply=msgspec.json.encode(leads))
                else:
                    leads = msgspec.json.decode(kept, type=list[str])
            if not leads:
                break
            await appender.append(
                [
                    tools.stamp.release(lead, import_id=one.id, source=one.source, received=now)
                    for lead in leads
                ]
            )
            told += len(leads)
            after, part = leads[-1], part + 1
    return told
