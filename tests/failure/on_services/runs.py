"""What is run on the services: the faults of the matrix, on one of them or on both at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final, Literal

from tests.failure.faults.commits import lose_answers
from tests.failure.faults.kills import NAMES, kill_at_points, kill_at_random, kill_in_commands
from tests.failure.faults.mixture import strike_at_random
from tests.failure.faults.outages import take_kafka_away, take_postgres_away
from tests.failure.faults.restarts import join_and_leave, restart_rolling
from tests.failure.faults.zombies import (
    freeze_at_points,
    freeze_at_random,
    freeze_in_commands,
    freeze_with_late_publish,
)
from tests.failure.on_services.surroundings.field import ServicesField, open_services
from tests.failure.plan import Run
from tests.failure.surroundings.ground import Field, Ground

RATE: Final = 150.0
"""Messages a second: most of the machine's two cores is spent on starting workers again."""
COMMANDS: Final = 1.5
"""Merges taken back a second; about six are made."""
PATIENCE: Final = 150.0

Strike = Callable[[Field], Awaitable[None]]


def _open(ground: Ground, run: Run) -> AbstractAsyncContextManager[ServicesField]:
    return open_services(ground, seed=run.number, rate=RATE, commands=COMMANDS, plant=run.plant)


def on_both(strike: Strike) -> Callable[[ServicesField], Awaitable[None]]:
    """Strike both services at once, each with its own dice."""

    async def strike_both(field: ServicesField) -> None:
        await asyncio.gather(*(strike(front) for front in field.fronts))

    return strike_both


def on_one(
    service: Literal["ingest", "scoring"], strike: Strike
) -> Callable[[ServicesField], Awaitable[None]]:
    """Strike one service, or what both stand on, while the other works; both must go on afterwards."""

    async def strike_one(field: ServicesField) -> None:
        struck, other = field.fronts if service == "ingest" else reversed(field.fronts)
        other.crew.man(*NAMES)
        await strike(struck)
        if not field.feeder.is_stopped:
            await asyncio.gather(*(front.progress() for front in field.fronts))

    return strike_one


async def _kill_quickly(field: Field) -> None:
    await kill_at_points(field, points=("before_commit", "after_commit"))
    await kill_at_random(field, 2, longest=1.0)


async def _work_on(field: ServicesField) -> None:
    """Let both services work undisturbed for a while."""
    field.man()
    await asyncio.gather(*(front.progress(transactions=300, within=90) for front in field.fronts))


def _run(
    kind: str, strike: Callable[[ServicesField], Awaitable[None]], *, seconds: float, number: int = 1
) -> Run:
    return Run(
        kind=f"services-{kind}", number=number, strike=strike, seconds=seconds, patience=PATIENCE, open=_open
    )


def _planted(plant: str, strike: Callable[[ServicesField], Awaitable[None]], *caught_by: str) -> Run:
    return Run(
        kind="services-planted",
        number=1,
        strike=strike,
        seconds=40,
        plant=plant,
        caught_by=frozenset(caught_by),
        patience=20,
        open=_open,
    )


SERVICES_PLANTED: Final = (
    _planted("lead_lock_removed", _work_on, "lead"),
    _planted("history_not_loaded", _work_on, "state", "score", "lost"),
    _planted("messages_forgotten", _work_on, "double"),
    _planted(
        "fence_removed",
        on_one("ingest", partial(freeze_at_points, points=("before_transaction",))),
        "double",
    ),
    _planted("contacts_not_healed", on_one("ingest", freeze_with_late_publish), "stale"),
    _planted("scores_not_healed", on_one("scoring", freeze_with_late_publish), "stale"),
)

SERVICES_QUICK: Final = (_run("quick", on_both(_kill_quickly), seconds=55),)

SERVICES: Final = (
    *(_run("points", on_both(kill_at_points), number=n, seconds=100) for n in (1, 2)),
    *(_run("random", on_both(partial(kill_at_random, count=15)), number=n, seconds=55) for n in range(1, 8)),
    _run("rebalances", on_both(partial(join_and_leave, count=5)), seconds=70),
    _run("zombies-ingest", on_one("ingest", freeze_at_points), seconds=90),
    _run("zombies-scoring", on_one("scoring", freeze_at_points), seconds=90),
    _run("late-publish-ingest", on_one("ingest", freeze_with_late_publish), seconds=35),
    _run("late-publish-scoring", on_one("scoring", freeze_with_late_publish), seconds=35),
    _run("killed-command", on_one("ingest", partial(kill_in_commands, count=6)), seconds=60),
    _run("frozen-command", on_one("ingest", partial(freeze_in_commands, count=4)), seconds=70),
    _run("frozen", on_both(partial(freeze_at_random, count=4)), seconds=70),
    _run("kafka-stop", on_one("ingest", partial(take_kafka_away, how="stop", seconds=20)), seconds=70),
    _run("kafka-kill", on_one("scoring", partial(take_kafka_away, how="kill", seconds=5)), seconds=60),
    _run("postgres-stop", on_one("scoring", partial(take_postgres_away, how="stop", seconds=20)), seconds=70),
    _run("postgres-kill", on_one("ingest", partial(take_postgres_away, how="kill", seconds=0)), seconds=50),
    _run("rolling", on_both(partial(restart_rolling, rounds=2)), seconds=70),
    _run("commits", on_both(partial(lose_answers, seconds=15)), seconds=65),
    _run("mixture", on_one("ingest", partial(strike_at_random, seconds=45)), seconds=90),
    _run("mixture", on_one("scoring", partial(strike_at_random, seconds=45)), seconds=90, number=2),
    *SERVICES_PLANTED,
)
