"""Whoever is killed in the middle of a pass leaves it as it was before the step, or as it is after it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.services.scoring.deeds import Deeds
from tests.services.scoring.life.desk import Author, five_step
from tests.services.scoring.life.test_publishing import PEOPLE, changes, everybody_is_warm, tiers_of
from tests.services.scoring.stand import Stand

pytestmark = pytest.mark.lasts(15)

ROOT = Path(__file__).parents[4]
FEWEST_STATEMENTS = 4


class Undertaker:
    """Lets processes take steps, and be killed in the midst of them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def let_step(self, statements: int) -> str:
        """Let a process take a step and die after so many statements; ``done`` if it ended before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{statements}\n".encode())
        async with asyncio.timeout(60):
            answer = await self._process.stdout.readline()
        assert answer, "the processes' parent is gone"
        return answer.decode().strip()


@contextlib.asynccontextmanager
async def undertaker(url: str, now: int) -> AsyncIterator[Undertaker]:
    """The parent of the processes that are killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.services.scoring.life.dying_pass", url, str(now)),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Undertaker(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


class State(NamedTuple):
    """Where the pass is, and how many leads wait for their clocks."""

    done: int
    target: int
    after: str
    swept: bool
    seen: int
    renewed: int
    waiting: int


async def state_of(stand: Stand) -> State:
    """How it stands."""
    (row,) = await stand.rows(
        "SELECT done, target, after, swept, seen, renewed,"
        " (SELECT count(*) FROM timer WHERE name = 'renewal') FROM model_pass"
    )
    return State(*row)


async def test_a_pass_whose_process_is_killed_before_every_statement_loses_nothing_and_does_nothing_twice(
    small_stand: Stand, deeds: Deeds, author: Author, database_url: str
) -> None:
    await everybody_is_warm(small_stand, deeds)
    told = await changes(small_stand)
    await author.publish(five_step(2, warm=40))
    steps: list[int] = []
    async with undertaker(database_url, small_stand.clock.now()) as dying:
        while not (await author.desk.book.find_progress()).is_done:
            await small_stand.stop_worker()
            before, killed = await state_of(small_stand), 0
            while await state_of(small_stand) == before:
                assert await dying.let_step(killed) == "killed"
                killed += 1
            steps.append(killed)  # the last one was killed behind its COMMIT
            after = await state_of(small_stand)
            assert after.waiting == after.seen - before.seen
            await small_stand.start_worker()
            await small_stand.settle()
    assert len(steps) == 5  # it begins, goes over two, two and one, and ends
    assert min(steps) >= FEWEST_STATEMENTS
    assert await tiers_of(small_stand) == dict.fromkeys(PEOPLE, (2, "cold"))
    assert (await state_of(small_stand))[4:] == (5, 5, 0)
    assert await changes(small_stand) == told
    assert await small_stand.breaches() == []
