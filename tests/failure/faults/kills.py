"""SIGKILL: at named points of the loop, and at random moments."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Final

from tests.failure.commander import POINTS as COMMAND_POINTS
from tests.failure.surroundings.ground import Field
from tests.failure.worker import Trip

POINTS: Final = (
    "before_claim",
    "during_claim",
    "after_claim",
    "before_transaction",
    "inside_transaction",
    "before_commit",
    "after_commit",
    "after_offer",
    "before_publish",
    "after_publish",
    "after_delete",
)
_CLAIMS: Final = {"before_claim", "during_claim", "after_claim"}
NAMES: Final = ("worker-0", "worker-1")
PATIENCE: Final = 60.0
"""How long a worker may take to come to the point where it is struck, in seconds."""


async def kill_at_points(
    field: Field, points: Sequence[str] = POINTS, *, times: int = 1, most: int = 11
) -> None:
    """Have workers kill themselves at each point, when they come there for the ``most``-th time or before.

    Two chains of points run beside each other.
    """
    wanted = [(point, time) for time in range(times) for point in points]
    await asyncio.gather(*(_chain(field, name, wanted[place::2], most) for place, name in enumerate(NAMES)))
    field.crew.man(*NAMES)
    await field.progress()


async def _chain(field: Field, name: str, wanted: Sequence[tuple[str, int]], most: int) -> None:
    pick = random.Random(f"{field.crew.seed}-{name}")
    for point, _ in wanted:
        passes = 1 if point in _CLAIMS else pick.randint(1, most)
        hand = field.crew.start(name, trip=Trip(point, passes))
        if await hand.ended(PATIENCE) is None:
            field.crew.faults.append(
                f"stuck: {name} has not come {passes} times to {point} within {PATIENCE:g} s"
            )
            field.crew.kill(name)
        else:
            field.crew.struck[f"SIGKILL {point}"] += 1
            field.crew.forget(name)


async def kill_at_random(field: Field, count: int, *, longest: float = 3.0) -> None:
    """Kill workers, now and then both or the commander, at random moments; each is started again."""
    pick = random.Random(field.crew.seed)
    field.crew.man(*NAMES)
    await field.progress()
    killed = 0
    while killed < count:
        await asyncio.sleep(pick.uniform(0.1, longest))
        dice = pick.random()
        chosen = list(NAMES) if dice < 0.1 else [pick.choice(NAMES)]
        for name in chosen:
            field.crew.kill(name)
            killed += 1
        if dice > 0.9 and field.crew.commanders:
            for name, hand in field.crew.commanders.items():
                if hand.is_running:
                    field.crew.kill(name)
            field.crew.start_commander()
        if pick.random() < 0.3:
            await asyncio.sleep(pick.uniform(0, 2.5))
        for name in chosen:
            field.crew.start(name)
        field.crew.look()
    await field.progress()


async def kill_in_commands(
    field: Field, count: int, *, points: Sequence[str] = COMMAND_POINTS, most: int = 8
) -> None:
    """Processes kill themselves in a command, before its commit or before its answer, or at other points."""
    pick = random.Random(field.crew.seed)
    field.crew.man(*NAMES)
    await field.progress()
    for number in range(count):
        point, passes = points[number % len(points)], pick.randint(1, most)
        hand = field.crew.start_commander(trip=Trip(point, passes))
        if await hand.ended(PATIENCE) is None:
            field.crew.faults.append(
                f"stuck: {hand.name} has not come {passes} times to {point} within {PATIENCE:g} s"
            )
            field.crew.kill(hand.name)
        else:
            field.crew.struck[f"SIGKILL {point}"] += 1
    await field.progress()
