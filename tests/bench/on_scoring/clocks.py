"""Clocks due in one second: everybody asked for a demo in the same second, and cools below a tier in one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

import msgspec

from leadmill.platform.topics import apply_topics
from services.scoring import bootstrap as scoring
from services.scoring.domain.facts import Fact
from services.scoring.domain.scored_lead import KeptFact, Working
from services.scoring.domain.told_changes import TierChangeRow
from services.scoring.handlers.scoring import ScoringHandlers
from services.scoring.handlers.subjects import Subject
from services.scoring.handlers.telling import COOLING
from shared.contracts.topics import partition_of
from shared.kernel.changes import Fact as Learned
from shared.kernel.changes import TimerKey
from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import HOUR, SECOND, Instant, parse_instant
from shared.postgres.database import Database
from shared.processor.assembly import AssembledStage
from shared.processor.stage import Write
from shared.processor.tables.timers import ring, save_timers
from tests.bench.cost import Cost, Meter
from tests.bench.loops.processor import ProcessorRun
from tests.bench.on_services.workload import CONFIG
from tests.bench.surroundings import PARTITIONS, Servers, ends_of, open_fresh

CLOCKS: Final = 100_000
_BEGIN: Final = parse_instant("2026-03-02T09:00:00Z")
_PORTION: Final = 5_000


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What it cost until all had rung and it was published, and within how many seconds they were due."""

    cost: Cost
    due_within: float


async def measure_clocks(servers: Servers, meter: Meter) -> Settled:
    """Let 100,000 leads cool out of a tier within one second, one worker for all partitions.

    :raises AssertionError: if not all clocks are due within that second, or one of them tells nothing.
    """
    await apply_topics(servers.log, partitions=PARTITIONS)
    models = scoring.load_models(CONFIG)
    stage = scoring.build_stage(models, partitions=PARTITIONS)
    async with open_fresh(servers, scoring.NAME, migrations=scoring.MIGRATIONS) as database:
        leads = _leads(ScoringHandlers(models))
        while portion := list(islice(leads, _PORTION)):
            await _save(database, stage, portion)
        async with database.connection() as connection:
            count = await connection.fetch_value("SELECT count(*) FROM timer")
            first = await connection.fetch_value("SELECT min(due) FROM timer")
            last = await connection.fetch_value("SELECT max(due) FROM timer")
            before = await connection.fetch_value("SELECT count(*) FROM tier_change")
            await connection.execute("VACUUM ANALYZE")
            await connection.execute("CHECKPOINT")
        assert count == CLOCKS
        assert last - first < SECOND
        run = ProcessorRun(
            servers=servers,
            stage=stage,
            clock=SimulatedClock(last + SECOND),
            starts=await ends_of(servers, stage.topics),
            goals={},
        )
        cost = await run.run(database, meter, then=partial(_until_rung, last))
        async with database.connection() as connection:
            told = await connection.fetch_value("SELECT count(DISTINCT lead) FROM tier_change")
            assert told == CLOCKS
            assert await connection.fetch_value("SELECT count(*) FROM tier_change") >= before + CLOCKS
    return Settled(cost=cost, due_within=(last - first) / SECOND)


async def _until_rung(last: Instant, database: Database) -> None:
    while True:
        async with database.connection() as connection:
            if not await connection.fetch_value("SELECT EXISTS (SELECT FROM timer WHERE due <= $1)", last):
                return
        await asyncio.sleep(0.02)


def _leads(handlers: ScoringHandlers) -> Iterator[tuple[str, Working, list[object], Instant]]:
    """Everybody with two acts, who became warm by them and cools; all did the same at the same time."""
    acts: tuple[tuple[str, dict[str, object]], ...] = (
        ("demo_requested", {}),
        ("page_viewed", {"kind": "price", "path": "/pricing"}),
    )
    working, rows, wake = handlers.begin("somebody"), list[object](), None
    for place, (name, fields) in enumerate(acts):
        identity = deterministic_id("clock", str(place))
        fact = Fact(identity, working.lead, _BEGIN + place, _BEGIN + HOUR, name, fields)
        changes = handlers.handle(working, Learned(identity, working.lead, fact.received, fact))
        assert changes.state is not None
        working = changes.state
        rows += changes.rows
        wake = changes.timers.get(COOLING, wake)
    assert wake is not None
    while not (
        rung := handlers.handle(working, ring(scoring.NAME, TimerKey(working.lead, COOLING), wake))
    ).rows:
        assert rung.state is not None  # it had been set for what the first act alone came to
        working, wake = rung.state, rung.timers[COOLING] or wake
    for number in range(CLOCKS):
        lead = deterministic_id("clock", str(number), "lead")
        yield lead, Working(lead, working.kept), [_of(lead, row) for row in rows], wake


def _of(lead: str, row: object) -> object:
    if isinstance(row, KeptFact):
        return KeptFact(lead, msgspec.structs.replace(row.fact, profile=lead))
    assert isinstance(row, TierChangeRow)
    return msgspec.structs.replace(row, lead=lead)


async def _save(
    database: Database,
    stage: AssembledStage[Subject],
    portion: list[tuple[str, Working, list[object], Instant]],
) -> None:
    homes = {lead: partition_of(lead, PARTITIONS) for lead, *_ in portion}
    async with database.transaction(durable=False) as transaction:
        writes: list[Write[Subject]] = [
            Write(lead, homes[lead], 1, working, rows)
            for lead, working, rows, _ in sorted(portion, key=lambda one: one[0])
        ]
        assert await stage.save(transaction, writes) == len(portion)
        due: dict[TimerKey, Instant | None] = {TimerKey(lead, COOLING): wake for lead, *_, wake in portion}
        await save_timers(transaction, due, partitions=homes)
