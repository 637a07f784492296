"""What strikes the chain: any process, at a point or at any moment, and what all of them stand on."""

from __future__ import annotations

import asyncio
import random
import signal
from typing import Final, Literal

from tests.failure.faults.kills import PATIENCE
from tests.failure.on_chain.surroundings.field import WORKER, ChainField
from tests.failure.on_services.surroundings.field import Front
from tests.failure.worker import Trip

_SECOND: Final = "worker-1"
_POINTS: Final = ("before_commit", "after_commit", "before_publish", "after_publish")
_SILENT: Final = frozenset({"analytics"})
"""Services that say nothing, and so publish nothing."""


async def kill_any(field: ChainField, count: int, *, longest: float = 2.5) -> None:
    """Kill processes of the chain at random moments: a worker, the commander, now and then all."""
    pick = random.Random(field.crew.seed)
    field.man()
    await field.progress()
    killed = 0
    while killed < count:
        await asyncio.sleep(pick.uniform(0.2, longest))
        dice = pick.random()
        fronts = list(field.everyone) if dice < 0.08 else [pick.choice(field.everyone)]
        for front in fronts:
            front.crew.kill(WORKER)
            killed += 1
        if dice > 0.8:
            killed += _kill_commanders(field)
        if pick.random() < 0.3:
            await asyncio.sleep(pick.uniform(0, 2.0))
        field.man()
        field.look()
    await field.progress()


def _kill_commanders(field: ChainField) -> int:
    crew = field.routing.crew
    running = [name for name, hand in crew.commanders.items() if hand.is_running]
    for name in running:
        crew.kill(name)
    return len(running)


async def kill_at_points(field: ChainField) -> None:
    """Have each worker kill itself at each point, one service beside the other."""
    field.man()
    await field.progress()
    await asyncio.gather(*(_chain(front) for front in field.everyone))
    field.man()
    await field.progress()


async def _chain(front: Front) -> None:
    crew = front.crew
    pick = random.Random(f"{crew.seed}-{front.service}")
    for point in _POINTS[:2] if front.service in _SILENT else _POINTS:
        crew.kill(WORKER)
        passes = pick.randrange(1, 8)
        hand = crew.start(WORKER, trip=Trip(point, passes))
        if await hand.ended(PATIENCE) is None:
            crew.faults.append(
                f"stuck: {hand.name} has not come {passes} times to {point} within {PATIENCE:g} s"
            )
            crew.kill(WORKER)
        else:
            crew.struck[f"SIGKILL {point}"] += 1
            crew.forget(WORKER)
        crew.start(WORKER)


async def wake_the_dead(field: ChainField) -> None:
    """Of each service in turn the worker stands still, another takes over, and the first wakes up again."""
    field.man()
    await field.progress()
    for front in field.everyone:
        crew = front.crew
        crew.workers[WORKER].signal(signal.SIGSTOP)
        crew.struck["SIGSTOP"] += 1
        crew.start(_SECOND)
        await front.progress(transactions=10)
        crew.workers[WORKER].signal(signal.SIGCONT)
        await front.progress(transactions=10)
        await crew.stop(_SECOND)
    await field.progress()


async def take_away(field: ChainField, what: Literal["kafka", "postgres"], *, seconds: float) -> None:
    """Kill the broker or the database under everybody, and bring it back after so many seconds."""
    field.man()
    await field.progress()
    server = field.ground.broker if what == "kafka" else field.ground.postgres
    field.crew.struck[f"{what} kill"] += 1
    await asyncio.to_thread(server.kill)
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        field.look()
        await asyncio.sleep(0.1)
    await asyncio.to_thread(server.start)
    await field.progress()


async def strike_all(field: ChainField, *, kills: int) -> None:
    """Kills before, between and after a death of each server."""
    await kill_any(field, kills)
    await take_away(field, "postgres", seconds=1)
    await kill_any(field, kills)
    await take_away(field, "kafka", seconds=2)
    await kill_any(field, kills)
