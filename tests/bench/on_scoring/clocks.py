"""Clocks due in one second: everybody asked for a demo in the same second, and cools below a tier in one."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from services.scoring import bootstrap as scoring
from services.scoring.domain.facts import Fact
from services.scoring.domain.scored_lead import KeptFact, Working
from services.scoring.domain.told_changes import TierChangeRow
from services.scoring.handlers.scoring import ScoringHandlers
from services.scoring.handlers.subjects import Subject
from services.scoring.handlers.telling import COOLING
from services.scoring.jobs.listing import Listing
from services.scoring.store.scoring_models.rulings import RegisteredRulings
from services.scoring.store.scoring_models.shelf import Shelf
from shared.contracts.topics import partition_of
from shared.kernel.changes import Fact as Learned
from shared.kernel.changes import TimerKey
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import HOUR, SECOND, Instant
from shared.postgres.database import Database
from shared.processor.assembly import AssembledStage
from shared.processor.stage import Write
from shared.processor.tables.timers import ring, save_timers
from shared.runtime.clock import SystemClock
from tests.bench.cost import Cost, Meter
from tests.bench.on_scoring.worker import environment_of, prepare
from tests.bench.on_services.workload import CONFIG
from tests.bench.surroundings import PARTITIONS, Servers
from tests.operations.processes import Running

CLOCKS: Final = 100_000
_PORTION: Final = 5_000
_AHEAD: Final = 90 * SECOND
"""How long before the clocks are due the first is set; then all are, and the workers start."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What it cost from when they were due until all had rung and it was published."""

    cost: Cost
    due_within: float


async def measure_clocks(servers: Servers, meter: Meter, *, workers: int) -> Settled:
    """Let 100,000 leads cool out of a tier within one second, with so many worker processes.

    :raises AssertionError: if not all clocks are due within that second, if the workers are not ready by
        then, or if a clock tells nothing.
    """
    with tempfile.TemporaryDirectory(prefix="leadmill-bench-", ignore_cleanup_errors=True) as name:
        environment = environment_of(servers, Path(name))
        await asyncio.to_thread(prepare, environment)
        database = Database(servers.postgres, schema=scoring.NAME, application="bench")
        await database.start()
        try:
            await _set_clocks(database, first=SystemClock().now() + _AHEAD)
            with ExitStack() as stack:
                running = []
                for number in range(workers):
                    log = Path(name) / f"worker-{number}.log"
                    worker = Running(["run", "scoring", "--role", "worker"], environment, log)
                    running.append(stack.enter_context(worker))
                for worker in running:
                    await asyncio.to_thread(worker.until, "/readyz", status=200)
                settled = await _settle(database, meter, running)
                for worker in running:
                    assert await asyncio.to_thread(worker.terminate) == 0, worker.said()
                return settled
        finally:
            await database.stop()


async def _set_clocks(database: Database, *, first: Instant) -> None:
    models = scoring.load_models(CONFIG)
    stage = scoring.build_stage(models, partitions=PARTITIONS)
    handlers = ScoringHandlers(models)
    *_, wake = next(_leads(handlers, begin=0))
    leads = _leads(handlers, begin=first - wake)
    while portion := list(islice(leads, _PORTION)):
        await _save(database, stage, portion)
    listing = Listing(database, RegisteredRulings(Shelf(CONFIG / scoring.NAME)), portion=_PORTION)
    while await listing.step():
        pass  # a mill that runs has listed everybody long ago
    async with database.connection() as connection:
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")


async def _settle(database: Database, meter: Meter, running: Sequence[Running]) -> Settled:
    first, last = await _find(database, "min(due)", "timer"), await _find(database, "max(due)", "timer")
    told = await _find(database, "count(*)", "tier_change")
    assert await _find(database, "count(*)", "timer") == CLOCKS
    assert last - first < SECOND
    left = first - SystemClock().now()
    assert left > 0, "the clocks were due before the workers were ready"
    await asyncio.sleep(left / SECOND)
    meter.start(pids=[worker.process.pid for worker in running if worker.process is not None])
    while await _find(database, "count(*)", f"timer WHERE due <= {last}"):
        await asyncio.sleep(0.1)
    while await _find(database, "count(*)", "outbox"):
        await asyncio.sleep(0.02)
    cost = meter.stop(events=CLOCKS)
    assert await _find(database, "count(DISTINCT lead)", "tier_change") == CLOCKS
    assert await _find(database, "count(*)", "tier_change") >= told + CLOCKS
    return Settled(cost=cost, due_within=(last - first) / SECOND)


async def _find(database: Database, what: str, where: str) -> int:
    async with database.connection() as connection:
        return int(await connection.fetch_value(f"SELECT {what} FROM {where}"))


def _leads(
    handlers: ScoringHandlers, *, begin: Instant
) -> Iterator[tuple[str, Working, list[object], Instant]]:
    """Everybody with two acts, who became warm by them and cools; all did the same at the same time."""
    acts: tuple[tuple[str, dict[str, object]], ...] = (
        ("demo_requested", {}),
        ("page_viewed", {"kind": "price", "path": "/pricing"}),
    )
    working, rows, wake = handlers.begin("somebody"), list[object](), None
    for place, (name, fields) in enumerate(acts):
        identity = deterministic_id("clock", str(place))
        fact = Fact(identity, working.lead, begin + place, begin + HOUR, name, fields)
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
