"""One worker of tally as a process of its own: ``python -m tests.failure.worker '<plan as JSON>'``.

SIGTERM stops it in order once it has said "ready". A trip makes it signal itself at a named point
of the loop. It dies with the process that started it, and its watchdog ends it if it is stuck.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from datetime import timedelta
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry

from shared.kernel.errors import Unavailable
from shared.kernel.instants import Instant
from shared.log.kafka.log import KafkaLog
from shared.postgres.database import Database, DatabaseLimits
from shared.processor.loop import LoopSettings, Worker
from shared.processor.loop.watchdog import Watchdog
from shared.processor.tables import outbox
from shared.telemetry.logging import configure_logging
from shared.telemetry.metrics import ProcessorMetrics
from tests.engine.tally import COUNTED, EXTRA, PARTITIONS, TallyStage, TallyState
from tests.failure import plants
from tests.failure.oracle.journal import journal_of

SESSION_SECONDS: Final = 2.0
LIMITS: Final = DatabaseLimits(
    connect_timeout=timedelta(seconds=5),
    statement_timeout=timedelta(seconds=10),
    lock_timeout=timedelta(seconds=1.5),
    idle_in_transaction_timeout=timedelta(seconds=1.5),
)
_DIE_WITH_PARENT: Final = 1


class Trip(msgspec.Struct, frozen=True):
    """Signal yourself at the ``passes``-th pass of a point."""

    point: str
    passes: int = 1
    signal: int = signal.SIGKILL


class WorkerPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told."""

    name: str
    group: str
    database: str
    kafka: str
    parent: int
    trip: Trip | None = None
    plant: str = ""


class WallClock:
    """The machine's clock."""

    def now(self) -> Instant:
        """Return the present instant."""
        return time.time_ns() // 1000


def log_on(address: str, *, session_seconds: float = SESSION_SECONDS) -> KafkaLog:
    """Return Kafka as the runs use it: sessions of two seconds, and little patience."""
    return KafkaLog(
        address,
        session_timeout=session_seconds,
        metadata_max_age=2.0,
        answer_timeout=5.0,
        stop_timeout=2.0,
    )


def die_with(parent: int) -> None:
    """Have this process killed when its parent ends, also while it is stopped."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")


async def open_database(url: str, *, application: str, schema: str = "tally") -> Database:
    """Return a started database, once it answers."""
    database = Database(url, schema=schema, application=application, limits=LIMITS)
    while True:
        try:
            await database.start()
        except Unavailable:
            await asyncio.sleep(0.2)
        else:
            return database


class Wire:
    """A tripwire: called at each point, it signals its own process at the one it was told."""

    def __init__(self, trip: Trip | None) -> None:
        self._trip = trip
        self._left = trip.passes if trip else 0

    def __call__(self, point: str) -> None:
        if self._trip is not None and point == self._trip.point and self._left:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), self._trip.signal)


async def work(plan: WorkerPlan) -> None:
    """Run the worker until SIGTERM."""
    database = await open_database(plan.database, application=plan.name)
    log = log_on(plan.kafka)
    worker: Worker[TallyState] = Worker(
        stage=TallyStage(
            with_timers=True, with_latest=True, topics=(COUNTED.name, EXTRA.name), group=plan.group
        ),
        log=log,
        database=database,
        clock=WallClock(),
        metrics=ProcessorMetrics(CollectorRegistry(), service="tally", group=plan.group),
        member=plan.name,
        settings=LoopSettings(
            partitions=PARTITIONS,
            batch_records=200,
            revoke_deadline=timedelta(seconds=1),
            longest_pause=timedelta(seconds=1),
        ),
        tripwire=Wire(plan.trip),
        journal=plants.spoil_journal(plan.plant, journal_of(plan.name), log),
    )
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, worker.stop)
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    print("ready", flush=True)
    watchdog = Watchdog([worker.standing])
    watchdog.start()
    with contextlib.suppress(Unavailable):  # the publisher looks into its outbox by itself, too
        await database.listen(outbox.channel_of(database.schema), worker.publisher.notice)
    await worker.run()
    watchdog.stop()
    await database.stop()


def main() -> None:
    """Read the plan and work."""
    plan = msgspec.json.decode(sys.argv[1], type=WorkerPlan)
    die_with(plan.parent)
    configure_logging(service="tally", version="test")
    plants.plant(plan.plant)
    asyncio.run(work(plan))


if __name__ == "__main__":
    main()
