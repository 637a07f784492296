"""One worker of a service as a process: ``python -m tests.failure.on_services.worker '<plan>'``.

It is what the service's bootstrap builds, with a tripwire, a journal and the clock of the run. Ingest's
brings uploaded tables in besides, as its process does in production.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from prometheus_client import CollectorRegistry

from services.analytics import bootstrap as analytics
from services.analytics.metrics import AnalyticsMetrics
from services.analytics.store.documents import read_rulebook as read_reports
from services.ingest.bootstrap import build_resolver
from services.ingest.jobs.imports.working import Working
from services.ingest.metrics import IngestMetrics
from services.nurture import bootstrap as nurture
from services.nurture.store.documents import read_rulebook as read_sequences
from services.routing import bootstrap as routing
from services.routing.store.documents import read_rulebook
from services.scoring.bootstrap import build_stage, load_attention, load_company_models, load_models
from shared.log.port import Log
from shared.postgres.database import Database
from shared.processor.loop import LoopSettings, Worker
from shared.processor.loop.watchdog import Watchdog
from shared.processor.stage import SharedStage, Stage
from shared.telemetry.logging import configure_logging
from shared.telemetry.metrics import ProcessorMetrics
from tests.engine.tally import PARTITIONS
from tests.failure.on_services.importing import desk_of, hurry
from tests.failure.on_services.plants import plant
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.oracle.journal import journal_of
from tests.failure.worker import Trip, Wire, die_with, log_on, open_database

CONFIG: Final = Path(__file__).parents[3] / "config"
CALENDAR: Final = "china"
"""By which mails are sent."""
IDENTITY_KEY: Final = b"an identity key of the matrix..."


class ServicePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told; ``clock`` is the file of the run's clock."""

    service: str
    name: str
    database: str
    kafka: str
    clock: str
    parent: int
    trip: Trip | None = None
    plant: str = ""


class Bench(NamedTuple):
    """What a worker is built from."""

    plan: ServicePlan
    registry: CollectorRegistry
    database: Database
    log: Log
    clock: FastClock
    wire: Wire


class Staff(NamedTuple):
    """What a worker does: its stage, and what runs beside it until it is told to stop."""

    stage: Stage[Any] | SharedStage
    beside: Sequence[Callable[[asyncio.Event], Awaitable[None]]] = ()


def stage_of(service: str, registry: CollectorRegistry) -> Stage[Any] | SharedStage:
    """Return the stage as the service's bootstrap builds it."""
    if service == "ingest":
        return build_resolver(CONFIG, identity_key=IDENTITY_KEY, metrics=IngestMetrics(registry))
    if service == "routing":
        return routing.build_stage(read_rulebook(CONFIG), partitions=PARTITIONS)
    if service == "nurture":
        return nurture.build_stage(read_sequences(CONFIG, calendar=CALENDAR).rules, partitions=PARTITIONS)
    if service == "analytics":
        documents = read_reports(CONFIG / service)
        metrics = AnalyticsMetrics(registry)
        return analytics.build_stage(documents, partitions=PARTITIONS, metrics=metrics)
    companies = load_company_models(CONFIG)
    attention = load_attention(CONFIG)
    models = load_models(CONFIG)
    return build_stage(models, partitions=PARTITIONS, companies=companies, attention=attention)


def staff_of(bench: Bench) -> Staff:
    """Return what a service's process does; ingest's brings uploaded tables in besides."""
    stage = stage_of(bench.plan.service, bench.registry)
    if bench.plan.service != "ingest":
        return Staff(stage)
    desk = desk_of(
        log=bench.log,
        database=bench.database,
        clock=bench.clock,
        config=CONFIG,
        identity_key=IDENTITY_KEY,
        wire=bench.wire,
    )
    return Staff(stage, [Working(desk).run])


async def work(plan: ServicePlan, staff: Callable[[Bench], Staff] = staff_of) -> None:
    """Run the worker until SIGTERM."""
    registry = CollectorRegistry()
    database = await open_database(plan.database, application=plan.name, schema=plan.service)
    log, clock, wire = log_on(plan.kafka), FastClock(Path(plan.clock)), Wire(plan.trip)
    stage, beside = staff(Bench(plan, registry, database, log, clock, wire))
    worker: Worker[Any] = Worker(
        stage=stage,
        log=log,
        database=database,
        clock=clock,
        metrics=ProcessorMetrics(registry, service=plan.service, group=stage.group),
        member=plan.name,
        settings=LoopSettings(
            partitions=PARTITIONS,
            batch_records=200,
            revoke_deadline=timedelta(seconds=1),
            longest_pause=timedelta(seconds=1),
        ),
        tripwire=wire,
        journal=journal_of(plan.name),
    )
    stopping = asyncio.Event()

    def stop() -> None:
        stopping.set()
        worker.stop()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    tasks = [asyncio.ensure_future(run(stopping)) for run in beside]
    print("ready", flush=True)
    watchdog = Watchdog([worker.standing])
    watchdog.start()
    await worker.run()
    stopping.set()
    await asyncio.gather(*tasks)
    watchdog.stop()
    await database.stop()


def main() -> None:
    """Read the plan and work."""
    plan = msgspec.json.decode(sys.argv[1], type=ServicePlan)
    die_with(plan.parent)
    configure_logging(service=plan.service, version="test")
    hurry()
    plant(plan.plant)
    asyncio.run(work(plan))


if __name__ == "__main__":
    main()
