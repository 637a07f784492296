"""The watchdog ends who is stuck, and nobody who has only waited for what was away."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from shared.processor.loop import LoopSettings, Worker
from shared.processor.loop.standing import Standing
from shared.processor.loop.watchdog import Watchdog
from shared.telemetry.metrics import ProcessorMetrics
from tests.engine.processor.conftest import Bench
from tests.engine.tally import PARTITIONS, TallyStage, TallyState


class Hand:
    """The hand of a clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at

    def look_each_second(self, watchdog: Watchdog, *, seconds: int) -> bool:
        """Let time pass; return whether somebody was found stuck meanwhile."""
        found = False
        for _ in range(seconds):
            self.at += 1
            found = found or watchdog.find_stuck() is not None
        return found


@pytest.mark.parametrize(
    "standing",
    [
        Standing(beat=1_000.0, progress=1_000.0, waits_for=None),
        Standing(beat=9_999.0, progress=1_000.0, waits_for=None, is_claimed=True, lag=5),
    ],
    ids=["the loop turns no more", "it lags and commits nothing"],
)
class TestAWorker:
    def test_that_is_stuck_for_as_long_as_it_is_waited_for_is_found(self, standing: Standing) -> None:
        hand = Hand()
        watchdog = Watchdog([standing], time=hand)

        assert not hand.look_each_second(watchdog, seconds=30)
        assert hand.look_each_second(watchdog, seconds=1)

    def test_whose_whole_process_was_stopped_is_waited_for_anew(self, standing: Standing) -> None:
        hand = Hand()
        watchdog = Watchdog([standing], time=hand)
        hand.look_each_second(watchdog, seconds=3)

        hand.at += 600  # SIGSTOP, SIGCONT
        assert not hand.look_each_second(watchdog, seconds=30)
        assert hand.look_each_second(watchdog, seconds=2)


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
