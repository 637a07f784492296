"""The watchdog ends who is stuck, and nobody who has only waited for what was away."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry

from shared.processor.loop import LoopSettings, Worker
from shared.processor.loop.watchdog import Watchdog
from shared.telemetry.metrics import ProcessorMetrics
from tests.engine.processor.conftest import Bench
from tests.engine.tally import PARTITIONS, TallyStage, TallyState


async def test_a_worker_back_from_an_outage_longer_than_the_watchdogs_patience_is_left_alone(
    bench: Bench,
) -> None:
    stuck: list[bool] = []

    def look(point: str) -> None:
        if point == "during_claim":  # as an outage leaves it: much has come since the last commit
            worker.standing.progress = asyncio.get_running_loop().time() - 3_600
            worker.standing.lag = 5
        if point == "after_claim":
            stuck.append(Watchdog([worker.standing]).find_stuck() is not None)

    worker: Worker[TallyState] = Worker(
        stage=TallyStage(with_timers=False),
        log=bench.log,
        database=bench.database,
        clock=bench.clock,
        metrics=ProcessorMetrics(CollectorRegistry(), service="tally", group="tally"),
        member="worker",
        settings=LoopSettings(partitions=PARTITIONS),
        tripwire=look,
    )
    bench.workers.append(worker)
    bench.tasks.append(asyncio.create_task(worker.run()))

    await bench.feed([("a", 1)])
    await bench.until_counted(1)

    assert stuck
    assert not any(stuck)
