"""A dependency is away for a while: Kafka or PostgreSQL, stopped, killed or frozen."""

from __future__ import annotations

import asyncio
from typing import Literal

from tests.failure.faults.kills import NAMES
from tests.failure.surroundings.ground import Field

How = Literal["stop", "kill", "pause"]


async def take_kafka_away(field: Field, how: How, *, seconds: float) -> None:
    """Stop, kill or freeze the broker, and bring it back after so many seconds."""
    await _begin(field)
    broker = field.ground.broker
    field.crew.struck[f"Kafka {how}"] += 1
    await asyncio.to_thread({"stop": broker.stop, "kill": broker.kill, "pause": broker.pause}[how])
    await _wait(field, seconds)
    await asyncio.to_thread(broker.resume if how == "pause" else broker.start)
    await field.progress(within=60)


async def take_postgres_away(field: Field, how: Literal["stop", "kill"], *, seconds: float) -> None:
    """Stop or kill the database, and bring it back after so many seconds."""
    await _begin(field)
    postgres = field.ground.postgres
    field.crew.struck[f"PostgreSQL {how}"] += 1
    await asyncio.to_thread(postgres.stop if how == "stop" else postgres.kill)
    await _wait(field, seconds)
    await asyncio.to_thread(postgres.start)
    await field.progress(within=60)


async def _begin(field: Field) -> None:
    field.crew.man(*NAMES)
    await field.progress()


async def _wait(field: Field, seconds: float) -> None:
    """Let time pass; nobody may end by himself meanwhile."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        field.crew.look()
        await asyncio.sleep(0.1)
