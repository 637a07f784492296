"""Orderly comings and goings: rolling restarts, and a third worker that joins and leaves."""

from __future__ import annotations

import asyncio
import random

from tests.failure.faults.kills import NAMES
from tests.failure.surroundings.ground import Field


async def restart_rolling(field: Field, *, rounds: int = 1) -> None:
    """Stop and start each worker in turn under load; each must end with exit code 0 in time."""
    field.crew.man(*NAMES)
    await field.progress()
    for _ in range(rounds):
        for name in NAMES:
            await field.crew.stop(name)
            left = await field.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", name)
            if left and left[0][0]:
                field.crew.faults.append(f"exit: {name} has left {left[0][0]} connections behind")
            field.crew.start(name)
            await field.progress()


async def join_and_leave(field: Field, count: int) -> None:
    """A third worker joins and leaves, now in order, now by SIGKILL, sometimes before it has settled."""
    pick = random.Random(field.crew.seed)
    field.crew.man(*NAMES)
    await field.progress()
    for _ in range(count):
        field.crew.start("worker-2")
        field.crew.struck["join"] += 1
        await asyncio.sleep(pick.uniform(0.5, 5.0))
        if pick.random() < 0.4:
            field.crew.kill("worker-2")
        else:
            await field.crew.stop("worker-2")
        await asyncio.sleep(pick.uniform(0.0, 2.0))
        field.crew.look()
    await field.progress()
