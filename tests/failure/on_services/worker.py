"""One worker of a service as a process: ``python -m tests.failure.on_services.worker '<plan>'``.

It is what the service's bootstrap builds, with a tripwire, a journal and the clock of the run. Ingest's
brings uploaded tables in besides, as its process does in production.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

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
from services.scoring.bootstrap import build_stage, load_models
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
    return build_stage(load_models(CONFIG), partitions=PARTITIONS)


async def work(plan: ServicePlan) -> None:
    """Run the worker until SIGTERM."""
    registry = CollectorRegistry()
    stage = stage_of(plan.service, registry)
    database = await open_database(plan.database, application=plan.name, schema=plan.service)
    log, clock, wire = log_on(plan.kafka), FastClock(Path(plan.clock)), Wire(plan.trip)
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
    beside: list[asyncio.Task[None]] = []
    if plan.service == "ingest":
        desk = desk_of(
            log=log, database=database, clock=clock, config=CONFIG, identity_key=IDENTITY_KEY, wire=wire
        )
        beside.append(asyncio.create_task(Working(desk).run(stopping)))
    print("ready", flush=True)
    watchdog = Watchdog([worker.standing])
    watchdog.start()
    await worker.run()
    stopping.set()
    await asyncio.gather(*beside)
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
