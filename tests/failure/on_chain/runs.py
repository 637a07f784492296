"""What is run on the chain: 200 random kills in all, with zombies and deaths of both servers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

from services.routing.domain.commands import ClaimLead
from tests.failure.on_chain.strikes import (
    cut_off_senders,
    kill_any,
    kill_at_points,
    strike_all,
    take_away,
    wake_the_dead,
)
from tests.failure.on_chain.surroundings.field import ChainField, open_chain
from tests.failure.plan import Run
from tests.failure.surroundings.ground import Ground

RATE: Final = 60.0
"""Messages a second; most of the machine is spent on starting workers again."""
UNDISTURBED: Final = 150.0
"""Messages a second where nothing is killed."""
COMMANDS: Final = 10.0
"""Commands of reps a second."""
PATIENCE: Final = 180.0
_CLAIMS: Final = 10
_MAILS: Final = 30


def _open(ground: Ground, run: Run) -> AbstractAsyncContextManager[ChainField]:
    rate = UNDISTURBED if run.plant else RATE
    has_desks = run.kind != "chain-quick" and not run.plant
    return open_chain(
        ground, seed=run.number, rate=rate, commands=COMMANDS, plant=run.plant, has_desks=has_desks
    )


def _run(
    kind: str, strike: Callable[[ChainField], Awaitable[None]], *, seconds: float, number: int = 1
) -> Run:
    return Run(
        kind=f"chain-{kind}", number=number, strike=strike, seconds=seconds, patience=PATIENCE, open=_open
    )


async def _work_on(field: ChainField) -> None:
    """Let everybody work undisturbed for a while."""
    await field.progress(transactions=80)


async def _work_together(field: ChainField) -> None:
    """Let everybody work until several leads were claimed and several mails taken, or a minute is over."""
    loop, callers = asyncio.get_running_loop(), field.routing.callers
    assert callers is not None
    end = loop.time() + 60
    while loop.time() < end:
        await asyncio.sleep(0.5)
        field.look()
        claimed = sum(isinstance(one.meaning, ClaimLead) and any(one.replies) for one in callers.asked)
        if claimed >= _CLAIMS and len(field.post.received) >= _MAILS:
            return


async def _kill_quickly(field: ChainField) -> None:
    await kill_any(field, 4, longest=1.0)
    await cut_off_senders(field, within=10.0)
    field.man()
    await field.progress()


def _planted(plant: str, *caught_by: str) -> Run:
    return Run(
        kind="chain-planted",
        number=1,
        strike=_work_together,
        seconds=45,
        plant=plant,
        caught_by=frozenset(caught_by),
        patience=20,
        open=_open,
    )


CHAIN_PLANTED: Final = (
    _planted("routing_lock_removed", "command"),  # the history's keys stop who comes second: answered 500
    _planted("second_owner", "owner"),
    _planted("clocks_lost", "timer"),
    _planted("sent_again", "mailed_twice"),
    _planted("credits_doubled", "sum", "credit"),
)

CHAIN_QUICK: Final = (_run("quick", _kill_quickly, seconds=30),)


CHAIN: Final = (
    _run("calm", _work_on, seconds=60),
    *(_run("random", partial(kill_any, count=20), seconds=90, number=n) for n in range(1, 9)),
    _run("points", kill_at_points, seconds=90),
    _run("zombies", wake_the_dead, seconds=160),
    _run("kafka", partial(take_away, what="kafka", seconds=5), seconds=70),
    _run("postgres", partial(take_away, what="postgres", seconds=5), seconds=70),
    _run("mixture", partial(strike_all, kills=14), seconds=180),
    *CHAIN_PLANTED,
)
