"""What is run with everything of scoring switched on: kills, zombies, outages amid all of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

from tests.failure.commander import POINTS as COMMAND_POINTS
from tests.failure.faults.commits import lose_answers
from tests.failure.faults.kills import NAMES, kill_at_points, kill_at_random, kill_in_commands
from tests.failure.faults.mixture import strike_at_random
from tests.failure.faults.outages import take_kafka_away, take_postgres_away
from tests.failure.faults.zombies import freeze_at_points, freeze_at_random
from tests.failure.on_models.field import ModelsField, open_models
from tests.failure.on_models.jobs import PASS_POINTS, WEBHOOK_POINTS
from tests.failure.on_services.runs import on_both, on_one
from tests.failure.plan import Run
from tests.failure.surroundings.ground import Field, Ground

RATE: Final = 60.0
"""Messages a second; scoring's processes have more to do than those of the services alone."""
UNMERGES: Final = 1.5
PATIENCE: Final = 150.0

_UNTAKEN: Final = 6
"""Steps left where a bug is planted: by then a version was shared, one published and taken back."""

Strike = Callable[[ModelsField], Awaitable[None]]


def _open(ground: Ground, run: Run) -> AbstractAsyncContextManager[ModelsField]:
    return open_models(ground, seed=run.number, rate=RATE, commands=UNMERGES, plant=run.plant)


def with_a_life(strike: Callable[..., Awaitable[None]], *, left: int = 0) -> Strike:
    """Strike while every step but the last ``left`` is taken, and the receiver dies now and then."""

    async def strike_in_life(field: ModelsField) -> None:
        killing = asyncio.create_task(_kill_the_receiver(field))
        try:
            await strike(field)
            field.man()
            await field.wait_for_steps(left=left)
        finally:
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
            field.revive_receiver()

    return strike_in_life


async def _kill_the_receiver(field: ModelsField) -> None:
    pick = random.Random(f"{field.crew.seed}-receiver")
    while True:
        await asyncio.sleep(pick.uniform(2.0, 8.0))
        await field.kill_receiver(pick)


async def _work_on(field: ModelsField) -> None:
    """Let everything work undisturbed."""
    field.man()
    await asyncio.gather(*(front.progress(within=90) for front in field.fronts))


def _run(kind: str, strike: Callable[..., Awaitable[None]], *, seconds: float, number: int = 1) -> Run:
    return Run(
        kind=f"models-{kind}",
        number=number,
        strike=with_a_life(strike),
        seconds=seconds,
        patience=PATIENCE,
        open=_open,
    )


def _planted(plant: str, *caught_by: str, strike: Callable[..., Awaitable[None]] = _work_on) -> Run:
    return Run(
        kind="models-planted",
        number=1,
        strike=with_a_life(strike, left=_UNTAKEN),
        seconds=40,
        plant=plant,
        caught_by=frozenset(caught_by),
        patience=20,
        open=_open,
    )


async def _kill_in_webhooks(field: Field) -> None:
    await kill_at_points(field, points=("webhook_claimed",) * 2, most=1)
    for name in NAMES:
        await field.crew.stop(name)
    await kill_at_points(field, points=WEBHOOK_POINTS, most=3)


MODELS_PLANTED: Final = (
    _planted("delivered_before_the_answer", "unheard"),
    _planted("skipped_after_takeover", "unheard", strike=on_one("scoring", _kill_in_webhooks)),
    _planted("shadow_rules", "shadow", "different"),
    _planted("cursor_forgotten", "renewal"),
    _planted("past_told", "different"),
    _planted("step_taken_twice", "unexplained"),
)

MODELS: Final = (
    _run("calm", _work_on, seconds=39),
    _run("webhooks", on_one("scoring", _kill_in_webhooks), seconds=70),
    _run(
        "pass",
        on_one("scoring", partial(kill_at_points, points=PASS_POINTS, times=2, most=3)),
        seconds=54,
    ),
    _run(
        "zombies",
        on_one(
            "scoring",
            partial(freeze_at_points, points=(*PASS_POINTS, *WEBHOOK_POINTS), most=1, is_alone=True),
        ),
        seconds=80,
    ),
    _run("points", on_both(kill_at_points), seconds=67),
    _run("random", on_both(partial(kill_at_random, count=12)), seconds=60),
    *(
        _run(
            "killed-step",
            on_one("scoring", partial(kill_in_commands, count=1, points=(point,), most=1)),
            number=number,
            seconds=35,
        )
        for number, point in enumerate(COMMAND_POINTS, 1)
    ),
    _run("frozen", on_both(partial(freeze_at_random, count=3)), seconds=45),
    _run("kafka-kill", on_one("scoring", partial(take_kafka_away, how="kill", seconds=5)), seconds=45),
    _run("postgres-stop", on_one("scoring", partial(take_postgres_away, how="stop", seconds=10)), seconds=45),
    _run("postgres-kill", on_one("scoring", partial(take_postgres_away, how="kill", seconds=0)), seconds=41),
    _run("commits", on_one("scoring", partial(lose_answers, seconds=15)), seconds=60),
    _run("mixture", on_one("scoring", partial(strike_at_random, seconds=45)), seconds=78),
    *MODELS_PLANTED,
)
