"""Everything at once: faults of every kind in random order, some before the last has healed."""

from __future__ import annotations

import asyncio
import random
import signal

from tests.failure.faults.kills import NAMES
from tests.failure.surroundings.ground import Field


async def strike_at_random(field: Field, *, seconds: float) -> None:
    """Strike for so many seconds."""
    pick = random.Random(field.crew.seed)
    field.crew.man(*NAMES)
    await field.progress()
    commands = [_command] * 3 if field.crew.commanders else []
    strokes = (
        [_kill] * 8
        + [_freeze] * 4
        + [_restart] * 3
        + [_visit] * 3
        + [_kafka] * 1
        + [_postgres] * 2
        + commands
    )
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        await pick.choice(strokes)(field, pick)
        field.crew.look()
        await asyncio.sleep(pick.uniform(0, 2.0))
    await field.progress(within=60)


async def _kill(field: Field, pick: random.Random) -> None:
    name = pick.choice(NAMES)
    field.crew.kill(name)
    await asyncio.sleep(pick.choice((0, 0, 1.0)))
    field.crew.start(name)


async def _freeze(field: Field, pick: random.Random) -> None:
    hand = field.crew.workers[pick.choice(NAMES)]
    field.crew.struck["SIGSTOP"] += 1
    hand.signal(signal.SIGSTOP)
    await asyncio.sleep(pick.uniform(0.5, 4.0))
    hand.signal(signal.SIGCONT)


async def _restart(field: Field, pick: random.Random) -> None:
    name = pick.choice(NAMES)
    await field.crew.stop(name)
    field.crew.start(name)


async def _visit(field: Field, pick: random.Random) -> None:
    field.crew.start("worker-2")
    field.crew.struck["join"] += 1
    await asyncio.sleep(pick.uniform(1.0, 4.0))
    await field.crew.stop("worker-2")


async def _command(field: Field, pick: random.Random) -> None:
    name, hand = pick.choice(
        [(name, hand) for name, hand in field.crew.commanders.items() if hand.is_running]
    )
    if pick.random() < 0.5:
        field.crew.kill(name)
        await asyncio.sleep(pick.choice((0, 1.0)))
        field.crew.start_commander()
    else:
        field.crew.struck["SIGSTOP of commands"] += 1
        hand.signal(signal.SIGSTOP)
        await asyncio.sleep(pick.uniform(0.5, 5.0))
        hand.signal(signal.SIGCONT)


async def _kafka(field: Field, pick: random.Random) -> None:
    broker = field.ground.broker
    field.crew.struck["Kafka kill"] += 1
    await asyncio.to_thread(broker.kill)
    await asyncio.sleep(pick.uniform(0, 3.0))
    await asyncio.to_thread(broker.start)


async def _postgres(field: Field, pick: random.Random) -> None:
    postgres = field.ground.postgres
    field.crew.struck["PostgreSQL kill"] += 1
    await asyncio.to_thread(postgres.kill)
    await asyncio.sleep(pick.uniform(0, 3.0))
    await asyncio.to_thread(postgres.start)
