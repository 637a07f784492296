"""Those who count: the processor with and without clocks, and the bare loop."""

from __future__ import annotations

import asyncio
from functools import partial

from shared.kernel.clock import SimulatedClock
from shared.postgres.database import Database
from tests.bench.cost import Cost, Meter
from tests.bench.loops.bare import BareLoop
from tests.bench.loops.processor import ProcessorRun
from tests.bench.on_tally.bare import TallyWork
from tests.bench.on_tally.workload import AFTERWARDS, TallyWorkload
from tests.bench.rounds import Contender
from tests.bench.surroundings import open_fresh
from tests.engine.tally import DDL, TallyStage

PROCESSOR = "processor on tally"
WITH_TIMERS = "processor, a clock per ten events"
BARE = "bare loop on tally"


def tally_contenders(workload: TallyWorkload) -> list[Contender]:
    """Return the contenders."""
    return [
        Contender(name=PROCESSOR, run=partial(_process, workload, with_timers=False)),
        Contender(name=BARE, run=partial(_run_bare, workload)),
        Contender(name=WITH_TIMERS, run=partial(_process, workload, with_timers=True)),
    ]


async def _process(workload: TallyWorkload, meter: Meter, *, with_timers: bool) -> Cost:
    before = await workload.ends()
    async with open_fresh(workload.servers, "tally", ddl=DDL) as database:
        cost = await ProcessorRun(
            servers=workload.servers,
            stage=TallyStage(with_timers=with_timers),
            clock=SimulatedClock(AFTERWARDS),
            starts=workload.starts,
            goals=workload.goals,
        ).run(database, meter, then=_until_all_have_rung if with_timers else None)
        await workload.verify(database, since=before, with_timers=with_timers)
    return cost


async def _until_all_have_rung(database: Database) -> None:
    while True:
        async with database.connection() as connection:
            if not await connection.fetch_value("SELECT EXISTS (SELECT FROM timer)"):
                return
        await asyncio.sleep(0.01)


async def _run_bare(workload: TallyWorkload, meter: Meter) -> Cost:
    before = await workload.ends()
    async with open_fresh(workload.servers, "tally", ddl=DDL) as database:
        loop = BareLoop(
            servers=workload.servers,
            schema="tally",
            work=TallyWork(),
            starts=workload.starts,
            events=workload.events,
        )
        cost = await loop.run(meter)
        await workload.verify(database, since=before)
    return cost
