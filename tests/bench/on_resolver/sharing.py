"""Two workers that share the raw topic, a process each as an operator starts them: ingest on both cores."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Collection
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from services.ingest import bootstrap as ingest
from shared.log.port import Admin
from shared.postgres.database import Database
from shared.processor.checks import compare_progress
from tests.bench.cost import Cost, Meter
from tests.bench.on_services.results import check_same, ingest_results
from tests.bench.on_services.traffic import SECRET
from tests.bench.on_services.workload import ServicesWorkload, build_resolver, fill_raw
from tests.bench.rounds import Contender
from tests.bench.surroundings import begin_at, ends_of, open_fresh
from tests.operations.processes import Running

TWO_WORKERS: Final = "ingest's step, two workers"
_WORKERS: Final = 2
_CALM_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.05


def two_workers(workload: ServicesWorkload) -> Contender:
    """Return the worker of ingest, twice, over the workload's calls."""
    return Contender(name=TWO_WORKERS, run=partial(_take_in, workload))


async def _take_in(workload: ServicesWorkload, meter: Meter) -> Cost:
    """Start the workers where there is nothing to do, and stop their clocks while the calls are put there.

    :raises AssertionError: if what they made of the calls is not what one worker makes of them.
    """
    servers = workload.servers
    stage = build_resolver(CollectorRegistry())
    admin = await servers.log.admin()
    try:
        async with open_fresh(servers, ingest.NAME, migrations=ingest.MIGRATIONS) as database:
            await begin_at(database, stage.group, await ends_of(servers, stage.topics))
            with tempfile.TemporaryDirectory(prefix="leadmill-bench-") as name, ExitStack() as stack:
                environment = {
                    "LEADMILL_POSTGRES": servers.postgres,
                    "LEADMILL_LOG": "kafka",
                    "LEADMILL_KAFKA": servers.kafka,
                    "LEADMILL_DATA_DIR": name,
                    "LEADMILL_LOG_LEVEL": "warning",
                    "LEADMILL_IDENTITY_KEY": SECRET,
                    "LEADMILL_PEPPER": SECRET,
                }
                workers = [
                    stack.enter_context(
                        Running(
                            ["run", "ingest", "--role", "worker"], environment, Path(name) / f"{number}.log"
                        )
                    )
                    for number in range(_WORKERS)
                ]
                for worker in workers:
                    await asyncio.to_thread(worker.until, "/readyz", status=200)
                await _until_shared_out(database)
                before = await ends_of(servers, stage.outputs)
                _signal(workers, signal.SIGSTOP)
                await fill_raw(servers, visitors=workload.visitors, end=workload.end)
                meter.start(pids=[worker.process.pid for worker in workers if worker.process is not None])
                _signal(workers, signal.SIGCONT)
                await _until_drained(database, admin, stage.topics)
                cost = meter.stop(events=workload.raw.events)
                for worker in workers:
                    assert await asyncio.to_thread(worker.terminate) == 0, worker.said()
            results = await ingest_results(servers, database, before)
    finally:
        await admin.stop()
    check_same(results, workload.ingested, who=TWO_WORKERS)
    return cost


def _signal(workers: list[Running], number: signal.Signals) -> None:
    for worker in workers:
        assert worker.process is not None
        worker.process.send_signal(number)


async def _until_shared_out(database: Database) -> None:
    """Wait until nobody has claimed a partition for a while."""
    claims, since = -1, 0.0
    loop = asyncio.get_running_loop()
    while loop.time() < since + _CALM_SECONDS or claims <= 0:
        async with database.connection() as connection:
            now = await connection.fetch_value("SELECT coalesce(sum(epoch), 0) FROM fence")
        if now != claims:
            claims, since = now, loop.time()
        await asyncio.sleep(_LOOK_SECONDS)


async def _until_drained(database: Database, admin: Admin, topics: Collection[str]) -> None:
    """Wait until every call is committed, and what came of it published, off the outbox and read back."""
    while True:
        bounds = await admin.bounds(topics)
        if (await compare_progress(database, group=ingest.NAME, bounds=bounds)).is_drained:
            return
        await asyncio.sleep(_LOOK_SECONDS)
