"""Commands beside the loop: same rows, same outbox, each once."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from shared.kernel.errors import Rejected
from shared.processor.commands import Commands, KeyReused
from shared.processor.fold import Announcer
from shared.processor.transaction import Bench as TransactionBench
from shared.telemetry.metrics import ProcessorMetrics
from tests.engine.processor.conftest import Bench
from tests.engine.tally import PARTITIONS, Add, TallyStage, TallyState


def commands(bench: Bench) -> Commands[TallyState]:
    """Commands as an API process runs them: nothing in common with the worker but the database."""
    return Commands(
        TallyStage(with_timers=False),
        TransactionBench(
            announcer=Announcer(source="/leadmill/tally", partitions=PARTITIONS, max_record_bytes=900_000),
            database=bench.database,
            clock=bench.clock,
            metrics=ProcessorMetrics(CollectorRegistry(), service="tally", group="tally"),
        ),
    )


async def test_a_command_is_published_by_the_partition_s_owner(bench: Bench) -> None:
    await bench.start_worker(TallyStage(with_timers=False))
    await bench.feed([("a", 1)])
    await bench.until_counted(1)

    reply = await commands(bench).run(
        key="a", command=Add(5), received=bench.clock.now(), idempotency_key="once"
    )

    assert reply == 2
    await bench.until_counted(2)


async def test_the_same_key_gets_the_same_reply_and_does_nothing_more(bench: Bench) -> None:
    run = commands(bench).run
    replies = [
        await run(key="a", command=Add(5), received=1, idempotency_key="k"),
        await run(key="a", command=Add(5), received=2, idempotency_key="k"),
    ]

    assert replies == [1, 1]
    with pytest.raises(KeyReused):
        await run(key="a", command=Add(6), received=3, idempotency_key="k")


async def test_a_refused_command_leaves_nothing_behind(bench: Bench) -> None:
    with pytest.raises(Rejected, match="thirteen"):
        await commands(bench).run(key="a", command=Add(13), received=1, idempotency_key="k")

    assert await bench.value("SELECT count(*) FROM tally WHERE payload IS NOT NULL") == 0
    assert await bench.value("SELECT count(*) FROM command") == 0


async def test_commands_and_the_loop_never_overwrite_each_other(bench: Bench) -> None:
    await bench.start_worker(TallyStage(with_timers=False))
    run = commands(bench).run

    async def command(number: int) -> None:
        await run(key="a", command=Add(1), received=bench.clock.now(), idempotency_key=f"c{number}")

    async def feed() -> None:
        for _ in range(20):
            await bench.feed([("a", 1)] * 10)
            await asyncio.sleep(0.005)

    async with asyncio.TaskGroup() as group:
        group.create_task(feed())
        for number in range(60):
            group.create_task(command(number))
            await asyncio.sleep(0.003)

    await bench.until_counted(260)
    assert await bench.value("SELECT next - 1 FROM sequence WHERE topic = 'tally.totals' AND next > 1") == 260
