"""What is run: every kind of fault, as often as the issue asks, and every planted bug."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from tests.failure.faults.commits import lose_answers
from tests.failure.faults.gaps import lose_a_record_batch
from tests.failure.faults.kills import kill_at_points, kill_at_random, kill_in_commands
from tests.failure.faults.mixture import strike_at_random
from tests.failure.faults.outages import take_kafka_away, take_postgres_away
from tests.failure.faults.restarts import join_and_leave, restart_rolling
from tests.failure.faults.zombies import (
    freeze_at_points,
    freeze_at_random,
    freeze_in_commands,
    freeze_with_late_publish,
)
from tests.failure.surroundings.crew import Crew
from tests.failure.surroundings.ground import Field, Ground, Outcome

_BREAKDOWNS: Final = frozenset({"broken", "exit", "stuck", "unproven", "kept"})
"""Kinds that tell of the run itself."""

Strike = Callable[[Any], Awaitable[None]]


class Opened(Protocol):
    """A field as a run needs it; ``crew`` knows what was struck and what went wrong on the way."""

    @property
    def crew(self) -> Crew:
        """The processes."""
        ...

    async def settle(self, *, within: float) -> None:
        """End the load, wait until all is quiet, stop the processes in good order."""
        ...

    async def compare(self) -> Outcome:
        """Compare everything with the oracle."""
        ...


Open = Callable[[Ground, "Run"], AbstractAsyncContextManager[Opened]]


def open_tally(ground: Ground, run: Run) -> AbstractAsyncContextManager[Field]:
    """Open a field of tally."""
    return ground.field(seed=run.number, commands=run.commands, plant=run.plant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: its kind, its number among them (also its seed), what strikes, and about how long it takes.

    ``plant`` is a bug that the run must catch, by differences of all the kinds in ``caught_by`` (if it
    is empty, of any kind but that the run itself broke down). ``patience`` is how long everything may
    take to get quiet, in seconds. ``open`` opens the field it runs on.
    """

    kind: str
    number: int
    strike: Strike
    seconds: float
    plant: str = ""
    caught_by: frozenset[str] = frozenset()
    commands: float = 20.0
    patience: float = 90.0
    open: Open = open_tally

    def is_caught(self, kinds: Collection[str]) -> bool:
        """Whether these kinds of differences show the planted bug."""
        shown = set(kinds) - _BREAKDOWNS
        return bool(shown) and self.caught_by <= shown

    @property
    def name(self) -> str:
        """The run's name in reports."""
        return f"{self.kind}-{self.number}" + (f" with {self.plant}" if self.plant else "")


def _runs(kind: str, times: int, strike: Strike, *, seconds: float, first: int = 1) -> list[Run]:
    return [Run(kind=kind, number=first + n, strike=strike, seconds=seconds) for n in range(times)]


async def _strike_quickly(field: Field) -> None:
    await lose_answers(field, seconds=4, share=0.05)
    await take_kafka_away(field, "stop", seconds=2)
    await take_postgres_away(field, "kill", seconds=0)
    for name in list(field.crew.workers):
        await field.crew.stop(name)
    await freeze_with_late_publish(field)


async def _kill_quickly(field: Field) -> None:
    await kill_at_points(field)
    await kill_at_random(field, 4, longest=1.5)


def _planted(plant: str, strike: Strike, *caught_by: str, commands: float = 20.0) -> Run:
    return Run(
        kind="planted",
        number=1,
        strike=strike,
        seconds=15,
        plant=plant,
        caught_by=frozenset(caught_by),
        commands=commands,
        patience=8,
    )


_work_on: Final = partial(restart_rolling, rounds=1)

PLANTED: Final = (
    _planted("fence_removed", partial(freeze_at_points, points=("before_transaction",)), "double"),
    _planted("version_check_removed", _work_on, "different", "state", commands=80),
    _planted(
        "publish_before_commit",
        partial(kill_at_points, points=("before_commit",) * 4),
        "double",
        commands=80,
    ),
    _planted("mark_per_group", _work_on, "different", "state"),
    _planted("gap_swallowed", lose_a_record_batch, "lost"),
    _planted("heal_removed", freeze_with_late_publish, "stale"),
)

QUICK: Final = (
    Run(kind="kills", number=1, strike=_kill_quickly, seconds=25),
    Run(kind="outages", number=1, strike=_strike_quickly, seconds=25),
)

FULL: Final = (
    *_runs("points", 3, partial(kill_at_points, times=2), seconds=40),
    *_runs("random", 10, partial(kill_at_random, count=20), seconds=48),
    *_runs("rebalances", 3, partial(join_and_leave, count=8), seconds=40),
    *_runs("zombies", 2, freeze_at_points, seconds=38),
    *_runs("late-publish", 3, freeze_with_late_publish, seconds=13),
    *_runs("frozen", 2, partial(freeze_at_random, count=8), seconds=40),
    *_runs("killed-command", 1, partial(kill_in_commands, count=10), seconds=45),
    *_runs("frozen-command", 2, partial(freeze_in_commands, count=4), seconds=30),
    *_runs("kafka-stop", 2, partial(take_kafka_away, how="stop", seconds=20), seconds=35),
    *_runs("kafka-kill", 1, partial(take_kafka_away, how="kill", seconds=20), seconds=35),
    *_runs("kafka-pause", 1, partial(take_kafka_away, how="pause", seconds=20), seconds=30),
    *_runs("postgres-stop", 2, partial(take_postgres_away, how="stop", seconds=20), seconds=30),
    *_runs("postgres-kill", 1, partial(take_postgres_away, how="kill", seconds=20), seconds=30),
    *_runs("postgres-kill", 1, partial(take_postgres_away, how="kill", seconds=0), seconds=12, first=2),
    *_runs("rolling", 2, partial(restart_rolling, rounds=3), seconds=20),
    *_runs("commits", 3, partial(lose_answers, seconds=15), seconds=28),
    *_runs("gap", 1, lose_a_record_batch, seconds=10),
    *_runs("mixture", 3, partial(strike_at_random, seconds=75), seconds=90),
    *PLANTED,
)


def cut(runs: tuple[Run, ...], share: int, shares: int) -> tuple[Run, ...]:
    """Return the ``share``-th of ``shares`` parts (from 1), of about the same length each."""
    total = sum(run.seconds for run in runs)
    done = 0.0
    part = []
    for run in runs:
        middle = done + run.seconds / 2
        done += run.seconds
        if min(shares - 1, int(middle / total * shares)) == share - 1:
            part.append(run)
    return tuple(part)
