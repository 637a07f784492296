"""(a) The processor with tally against the bare loop, in interleaved rounds."""

from __future__ import annotations

import asyncio
import time

from prometheus_client import CollectorRegistry

from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import HOUR
from shared.log.kafka.log import KafkaLog
from shared.log.port import TopicPartition
from shared.postgres.database import Database
from shared.processor.loop import LoopSettings, Worker
from shared.telemetry.metrics import ProcessorMetrics
from tests.bench.surroundings import PARTITIONS, RECEIVED, begin_at, tally_database
from tests.engine.tally import COUNTED, TallyStage, TallyState


async def run_processor(
    kafka: str, postgres: str, *, starts: dict[int, int], events: int, with_timers: bool
) -> tuple[float, CollectorRegistry]:
    """Process ``events`` events with the real worker and return the seconds it took."""
    registry = CollectorRegistry()
    async with tally_database(postgres) as database:
        await begin_at(database, {TopicPartition(COUNTED.name, n): at for n, at in starts.items()})
        worker: Worker[TallyState] = Worker(
            stage=TallyStage(with_timers=with_timers),
            log=KafkaLog(kafka),
            database=database,
            clock=SimulatedClock(RECEIVED + HOUR),
            metrics=ProcessorMetrics(registry, service="tally", group="tally"),
            member="bench",
            settings=LoopSettings(partitions=PARTITIONS),
        )
        running = asyncio.create_task(worker.run())
        while not worker.standing.is_claimed:
            await asyncio.sleep(0.001)
            if running.done():
                running.result()
        begun = time.perf_counter()
        goal = sum(starts.values()) + events
        while sum(worker._claim.positions.values()) < goal or worker.publisher.backlog:
            await asyncio.sleep(0.005)
            if running.done():
                running.result()
        seconds = time.perf_counter() - begun
        if with_timers:
            await _wait_for_timers(database)
            seconds = time.perf_counter() - begun
        worker.stop()
        await running
    return seconds, registry


async def _wait_for_timers(database: Database) -> None:
    while True:
        async with database.connection() as connection:
            if not await connection.fetch_value("SELECT EXISTS (SELECT FROM timer)"):
                return
        await asyncio.sleep(0.01)
