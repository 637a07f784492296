"""The jobs of hooks as the process sees them: busy while they work, and stopped on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from services.ingest.jobs.hooks.activities import hook_activities
from shared.kernel.errors import Unavailable
from shared.runtime.service import Activity


class AwayDatabase:
    """A database that is away, and counts who asked."""

    def __init__(self) -> None:
        self.asked = 0

    def transaction(self) -> Any:
        self.asked += 1
        raise Unavailable


def activities(database: AwayDatabase) -> Sequence[Activity]:
    tools: Any = SimpleNamespace(database=database, listed=["meta"])
    return hook_activities(
        tools,
        commands=None,  # type: ignore[arg-type]
        look_every=timedelta(minutes=15),
        overlap=timedelta(hours=6),
        gives_up=timedelta(days=3),
    )


async def test_they_go_on_while_the_database_is_away_and_stop_when_told() -> None:
    database = AwayDatabase()
    made = activities(database)
    tasks = [asyncio.create_task(activity.run()) for activity in made]
    while database.asked < len(made):
        await asyncio.sleep(0)
    now = asyncio.get_running_loop().time()
    for activity in made:
        assert activity.beat is not None
        assert 0 < activity.beat() <= now
        activity.stop()
    await asyncio.gather(*tasks)


def test_a_long_answer_of_a_vendor_is_no_reason_to_end_the_process() -> None:
    for activity in activities(AwayDatabase()):
        assert activity.patience >= timedelta(minutes=5)
