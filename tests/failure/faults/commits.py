"""Commits whose answer is lost, some carried out and some not."""

from __future__ import annotations

import asyncio

from shared.testing.commit_proxy import CommitProxy
from tests.failure.faults.kills import NAMES
from tests.failure.surroundings.ground import Field


async def lose_answers(field: Field, *, seconds: float, share: float = 0.02) -> None:
    """Have workers and commands work through a proxy that swallows answers to COMMIT."""
    async with CommitProxy(field.crew.database, seed=field.crew.seed) as proxy:
        for name in NAMES:
            field.crew.start(name, database=proxy.url)
        commander = field.crew.start_commander(database=proxy.url) if field.crew.commanders else None
        await field.progress()
        proxy.swallow, proxy.drop = share, share / 2
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            field.crew.look()
            await asyncio.sleep(0.1)
        proxy.swallow = proxy.drop = 0.0
        await field.progress()
        if commander is not None:
            await field.crew.stop(commander.name)
        for name in NAMES:
            await field.crew.stop(name)
        field.crew.struck["COMMIT unanswered"] += proxy.swallowed
        field.crew.struck["COMMIT undone"] += proxy.dropped
        if not proxy.swallowed:
            field.crew.faults.append("unproven: no COMMIT was swallowed")
    field.crew.man(*NAMES)
    await field.progress()
