"""What is run on the services: the faults of the matrix, on one of them or on both at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
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
from tests.failure.on_services.importing import POINTS as IMPORT_POINTS
from tests.failure.on_services.importing import RELEASE_POINTS
from tests.failure.on_services.surroundings.field import ServicesField, open_services
from tests.failure.plan import Run
from tests.failure.surroundings.ground import Field, Ground

RATE: Final = 150.0
"""Messages a second: most of the machine's two cores is spent on starting workers again."""
COMMANDS: Final = 4.0
"""Leads put right and merges taken back a second; about six merges are made."""
UNMERGES: Final = 1.5
"""Merges taken back a second where nothing else is asked."""
PATIENCE: Final = 150.0
_PORTIONS_AGAIN: Final = 3
_ASKED: Final = 30

Strike = Callable[[Field], Awaitable[None]]


def _open(ground: Ground, run: Run) -> AbstractAsyncContextManager[ServicesField]:
    return open_services(ground, seed=run.number, rate=RATE, commands=COMMANDS, plant=run.plant)


def _open_without_desks(ground: Ground, run: Run) -> AbstractAsyncContextManager[ServicesField]:
    return open_services(ground, seed=run.number, rate=RATE, commands=UNMERGES, has_desks=False)


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


async def _work_at_desks(field: ServicesField) -> None:
    """Let both work until there were corrections and portions asked for twice, or a minute is over."""
    field.man()
    loop = asyncio.get_running_loop()
    end = loop.time() + 60
    while loop.time() < end:
        await asyncio.gather(*(front.progress() for front in field.fronts))
        tables = [table for one in field.ingest.importers for table in one.tables]
        again = sum(len(portion.answers) > 1 for table in tables for portion in table.portions)
        assert field.ingest.callers is not None
        if again >= _PORTIONS_AGAIN and len(field.ingest.callers.asked) >= _ASKED:
            return


async def _kill_in_imports(field: Field) -> None:
    await kill_at_points(field, points=("import_before_append", "import_noted") * 2, most=3)


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
    _planted("correction_unsaid", _work_at_desks, "different", "lost"),
    _planted("corrected_twice", _work_at_desks, "command"),
    _planted("merge_untold_to_tables", _work_at_desks, "profile"),
    _planted("row_lost_at_border", on_one("ingest", _kill_in_imports), "lost"),
    _planted("rows_named_by_table", _work_at_desks, "double"),
    _planted("other_leads_released", _work_at_desks, "release"),
)

SERVICES_QUICK: Final = (
    replace(_run("quick", on_both(_kill_quickly), seconds=30), open=_open_without_desks),
)
"""Part of every test run, so that it has no more in flight than a slow machine can bear."""

SERVICES: Final = (
    *(_run("desks", on_both(_kill_quickly), seconds=90, number=n) for n in (1, 2)),
    *(_run("points", on_both(kill_at_points), number=n, seconds=100) for n in (1, 2)),
    *(_run("random", on_both(partial(kill_at_random, count=15)), number=n, seconds=55) for n in range(1, 8)),
    _run("rebalances", on_both(partial(join_and_leave, count=5)), seconds=70),
    _run("zombies-ingest", on_one("ingest", freeze_at_points), seconds=90),
    _run("zombies-scoring", on_one("scoring", freeze_at_points), seconds=90),
    _run("late-publish-ingest", on_one("ingest", freeze_with_late_publish), seconds=35),
    _run("late-publish-scoring", on_one("scoring", freeze_with_late_publish), seconds=35),
    _run("killed-command", on_one("ingest", partial(kill_in_commands, count=6)), seconds=60),
    _run("frozen-command", on_one("ingest", partial(freeze_in_commands, count=4)), seconds=70),
    *(
        _run(
            "imports",
            on_one("ingest", partial(kill_at_points, points=IMPORT_POINTS, times=2, most=4)),
            seconds=80,
            number=n,
        )
        for n in (1, 2)
    ),
    _run("zombies-imports", on_one("ingest", partial(freeze_at_points, points=IMPORT_POINTS)), seconds=90),
    _run(
        "killed-release",
        on_one("ingest", partial(kill_in_commands, count=4, points=RELEASE_POINTS, most=2)),
        seconds=60,
    ),
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
