"""What is run at the door: 200,000 events at full speed, and bugs that a smaller run must catch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from tests.failure.on_door.field import CONNECTIONS, DoorField, open_door
from tests.failure.plan import Run
from tests.failure.surroundings.ground import Ground

EVENTS: Final = 200_000
_FEW: Final = 12_000
_OUTAGE_SECONDS: Final = 6.0
_FULL_SECONDS: Final = 4.0


def _open(events: int) -> Callable[[Ground, Run], AbstractAsyncContextManager[DoorField]]:
    def open_field(ground: Ground, run: Run) -> AbstractAsyncContextManager[DoorField]:
        return open_door(ground, events=events, seed=run.number, plant=run.plant)

    return open_field


async def strike_all(field: DoorField) -> None:
    """Kill the edge in full flow, and once more while it spills; stop Kafka twice, fill the disk; a spike."""
    await field.sending.until(0.15)
    await field.kill_edge()
    await field.sending.until(0.35)
    await field.stop_kafka()
    await asyncio.sleep(_OUTAGE_SECONDS / 2)
    await field.kill_edge()
    await asyncio.sleep(_OUTAGE_SECONDS / 2)
    await field.start_kafka()
    await field.sending.until(0.6)
    await field.stop_kafka()
    await asyncio.sleep(_OUTAGE_SECONDS / 2)
    await field.fill_disk(_FULL_SECONDS)
    await asyncio.sleep(_OUTAGE_SECONDS / 2)
    await field.start_kafka()
    await field.sending.until(0.8)
    field.sending.open(2 * CONNECTIONS)
    field.crew.struck["spike"] += 1


async def strike_shortly(field: DoorField) -> None:
    """Kill the edge in full flow and while it spills."""
    await field.sending.until(0.3)
    await field.kill_edge()
    await field.sending.until(0.5)
    await field.stop_kafka()
    await asyncio.sleep(3)
    await field.kill_edge()
    await field.start_kafka()


def _planted(plant: str, *caught_by: str) -> Run:
    return Run(
        kind="door-planted",
        number=1,
        strike=strike_shortly,
        seconds=30,
        plant=plant,
        caught_by=frozenset(caught_by),
        patience=120,
        open=_open(_FEW),
    )


DOOR_PLANTED: Final = (
    _planted("answer_before_the_append", "lost"),
    _planted("pass_over_the_spill", "lost"),
    _planted("messages_forgotten", "double"),
)

DOOR: Final = (
    Run(kind="door", number=1, strike=strike_all, seconds=60, patience=300, open=_open(EVENTS)),
    *DOOR_PLANTED,
)
