"""Zombies: a worker that stands still past its session, is replaced, and goes on as if nothing were."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Sequence
from typing import Final

from tests.engine.tally import PARTITIONS
from tests.failure.commander import POINTS as COMMAND_POINTS
from tests.failure.faults.kills import NAMES, PATIENCE
from tests.failure.surroundings.callers import LONGEST_WAIT
from tests.failure.surroundings.crew import Hand
from tests.failure.surroundings.ground import Field
from tests.failure.worker import Trip

POINTS: Final = (
    "before_publish",
    "before_transaction",
    "inside_transaction",
    "before_commit",
    "after_commit",
    "after_publish",
    "during_claim",
)

_TRIES: Final = 8
_OVERTAKEN_WITHIN: Final = 6.0


async def freeze_at_points(
    field: Field, points: Sequence[str] = POINTS, *, times: int = 1, most: int = 11, is_alone: bool = False
) -> None:
    """At each point a worker stands still until the other has taken over and gone on, then wakes up.

    It does so when it comes there for the ``most``-th time or before. One that ``is_alone`` until then has
    all that workers share out among them.
    """
    zombie_name, other_name = NAMES
    pick = random.Random(field.crew.seed)
    field.crew.man(other_name)
    await field.progress()
    for point in [point for _ in range(times) for point in points]:
        passes = 1 if point == "during_claim" else pick.randint(min(2, most), most)
        if is_alone:
            await field.crew.stop(other_name)
        zombie = field.crew.start(zombie_name, trip=Trip(point, passes, signal.SIGSTOP))
        is_frozen = await zombie.frozen(PATIENCE)
        if is_alone:
            field.crew.man(other_name)
        if not is_frozen:
            field.crew.faults.append(
                f"stuck: {zombie_name} has not come {passes} times to {point} within {PATIENCE:g} s"
            )
        else:
            field.crew.struck[f"SIGSTOP {point}"] += 1
            if await _replaced(field, other_name):
                await field.progress()
        zombie.signal(signal.SIGCONT)
        await field.progress()
        await asyncio.sleep(0.5)
        field.crew.look()
        await field.crew.stop(zombie_name)
    field.crew.man(zombie_name)


async def freeze_with_late_publish(field: Field) -> None:
    """A worker stands still before it publishes, all others finish, and then it says what is old.

    Nothing comes after it but what heals it, so the compacted topic ends stale if nothing does.
    """
    zombie_name, other_name = NAMES
    field.crew.man(other_name)
    await field.progress()
    zombie = await _freeze_and_overtake(field, zombie_name, other_name)
    if zombie is None:
        return
    await field.stop_load()
    await field.quiet()
    before = await field.end_of_latest()
    zombie.signal(signal.SIGCONT)
    end = asyncio.get_running_loop().time() + PATIENCE
    while await field.end_of_latest() == before:
        if asyncio.get_running_loop().time() > end:
            field.crew.faults.append("unproven: the zombie has published nothing late")
            return
        await asyncio.sleep(0.05)


async def _freeze_and_overtake(field: Field, zombie_name: str, other_name: str) -> Hand | None:
    """Freeze a worker before it publishes, and let the other say something newer of the same.

    Not every lead is heard of again so soon; then another one is tried.
    """
    for _ in range(_TRIES):
        zombie = await _freeze_with_something_to_say(field, zombie_name)
        if zombie is None:
            field.crew.faults.append(f"stuck: {zombie_name} was not caught with something to publish")
            return None
        await _replaced(field, other_name)
        await field.progress(transactions=20)
        end = asyncio.get_running_loop().time() + _OVERTAKEN_WITHIN
        while asyncio.get_running_loop().time() < end:
            if await field.is_overtaken(zombie_name):
                field.crew.struck["SIGSTOP before_publish, all quiet"] += 1
                return zombie
            await asyncio.sleep(0.5)
        field.crew.kill(zombie_name)
    field.crew.faults.append(f"unproven: in {_TRIES} tries nobody has said anything newer than the zombie")
    return None


async def _freeze_with_something_to_say(field: Field, name: str) -> Hand | None:
    """Freeze a worker before it publishes; on tally it must be about to say something of latest."""
    for attempt in range(5):
        zombie = field.crew.start(name, trip=Trip("before_publish", 12 + attempt, signal.SIGSTOP))
        if not await zombie.frozen(PATIENCE):
            return None
        if await field.has_unsaid(name):
            return zombie
        field.crew.kill(name)
    return None


async def freeze_at_random(field: Field, count: int) -> None:
    """Freeze one or the other at random moments, longer or shorter than its session."""
    pick = random.Random(field.crew.seed)
    field.crew.man(*NAMES)
    await field.progress()
    for _ in range(count):
        await asyncio.sleep(pick.uniform(0.2, 2.0))
        hand: Hand = field.crew.workers[pick.choice(NAMES)]
        hand.signal(signal.SIGSTOP)
        field.crew.struck["SIGSTOP"] += 1
        await asyncio.sleep(pick.uniform(1.0, 5.0))
        hand.signal(signal.SIGCONT)
        field.crew.look()
        await field.progress()


async def freeze_in_commands(field: Field, count: int) -> None:
    """A process stands still in a command: with the lead and its partition's sequences locked, or done.

    The batches behind it may not wait for longer than a session. Callers give up and ask another
    process under the same key; once awake the frozen one finds out, and nobody hears its answer.
    """
    field.crew.man(*NAMES)
    await field.progress()
    for number in range(count):
        point = COMMAND_POINTS[number // 2 % len(COMMAND_POINTS)]
        hand = field.crew.start_commander(trip=Trip(point, 5, signal.SIGSTOP))
        if not await hand.frozen(PATIENCE):
            field.crew.faults.append(f"stuck: {hand.name} has not taken 5 commands within {PATIENCE:g} s")
        field.crew.struck[f"SIGSTOP {point}"] += 1
        await field.progress(transactions=20)
        if number % 2:
            field.crew.kill(hand.name)
        else:
            await asyncio.sleep(LONGEST_WAIT)  # until callers have given it up
            hand.signal(signal.SIGCONT)
            await field.progress()
            await field.crew.stop(hand.name)


async def _replaced(field: Field, other_name: str) -> bool:
    """Wait until the other has claimed every partition."""
    before = await field.epochs()
    end = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < end:
        now = await field.epochs()
        if len(now) == PARTITIONS and all(now[number] > before.get(number, 0) for number in now):
            return True
        await asyncio.sleep(0.05)
    field.crew.faults.append(f"stuck: {other_name} has not taken over within {PATIENCE:g} s")
    return False
