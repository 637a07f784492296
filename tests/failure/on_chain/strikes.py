"""What strikes the chain: any process, at a point or at any moment, and what all of them stand on."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Sequence
from typing import Final, Literal

from tests.failure.faults.kills import PATIENCE
from tests.failure.on_chain.sender import LEASE
from tests.failure.on_chain.surroundings.field import SENDERS, WORKER, ChainField
from tests.failure.on_services.surroundings.field import Front
from tests.failure.worker import Trip

_SECOND: Final = "worker-1"
_THIRD_SENDER: Final = "sender-2"
_POINTS: Final = ("before_commit", "after_commit", "before_publish", "after_publish")
_SILENT: Final = frozenset({"analytics"})
"""Services that say nothing, and so publish nothing."""


async def kill_any(field: ChainField, count: int, *, longest: float = 2.5) -> None:
    """Kill processes of the chain at random moments: workers, senders, who takes commands, now and then all.

    Some senders die in the worst moment: the mail is handed over, and the answer has not come.
    """
    pick = random.Random(field.crew.seed)
    field.man()
    await field.progress()
    killed = 0
    while killed < count:
        await asyncio.sleep(pick.uniform(0.2, longest))
        dice = pick.random()
        if dice < 0.08:
            killed += _kill_workers(field, field.everyone)
        elif dice < 0.2:
            killed += await cut_off_senders(field, within=3.0)
        elif dice < 0.35:
            field.nurture.crew.kill(pick.choice(SENDERS))
            killed += 1
        else:
            killed += _kill_workers(field, (pick.choice(field.everyone),))
        if dice > 0.85:
            killed += _kill_commanders(pick.choice((field.ingest, field.routing)))
        if pick.random() < 0.3:
            await asyncio.sleep(pick.uniform(0, 2.0))
        field.man()
        field.look()
    await field.progress()


def _kill_workers(field: ChainField, fronts: Sequence[Front]) -> int:
    for front in fronts:
        front.crew.kill(WORKER)
    return len(fronts)


def _kill_commanders(front: Front) -> int:
    running = [name for name, hand in front.crew.commanders.items() if hand.is_running]
    for name in running:
        front.crew.kill(name)
    return len(running)


async def cut_off_senders(field: ChainField, *, within: float) -> int:
    """Kill the senders between the end of a mail and its answer, if one comes in time."""
    crew, post = field.nurture.crew, field.post
    post.mute(is_mute=True)
    is_taken = await post.another(within=within)
    running = [name for name in SENDERS if name in crew.workers and crew.workers[name].is_running]
    for name in running if is_taken else ():
        crew.kill(name)
    post.mute(is_mute=False)
    if is_taken:
        crew.struck["cut off between mail and answer"] += 1
    return len(running) if is_taken else 0


async def wake_a_sender(field: ChainField) -> None:
    """A sender stands still with a mail handed over until its lease is over, then it hears the answer."""
    crew, post = field.nurture.crew, field.post
    post.mute(is_mute=True)
    if not await post.another(within=PATIENCE):
        crew.faults.append("unproven: nobody has sent a mail")
        return
    stopped = [crew.workers[name] for name in SENDERS]
    for hand in stopped:
        hand.signal(signal.SIGSTOP)
    post.mute(is_mute=False)
    crew.struck["SIGSTOP of senders"] += len(stopped)
    crew.start(_THIRD_SENDER)
    await asyncio.sleep(LEASE.total_seconds() + 1)
    for hand in stopped:
        hand.signal(signal.SIGCONT)
    await field.nurture.progress(transactions=10)
    await crew.stop(_THIRD_SENDER)


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
    await wake_a_sender(field)
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
