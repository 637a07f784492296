"""Rows that several partitions share: sums agree, timers ring once, one command wins, on both logs."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from shared.contracts.envelope import decode_envelope, decode_event
from shared.kernel.errors import Rejected
from shared.processor.commands import Commands
from shared.processor.fold import Announcer
from shared.processor.replay import Replays
from shared.processor.transaction import Bench as TransactionBench
from shared.telemetry.metrics import ProcessorMetrics
from tests.engine.processor.conftest import Bench
from tests.engine.tally import PARTITIONS, Totalled
from tests.engine.till import DDL, Close, TillDesk, till_stage

pytestmark = pytest.mark.lasts(15)


@pytest.fixture
async def till(bench: Bench) -> Bench:
    async with bench.database.connection() as connection:
        await connection.execute(DDL)
    return bench


def bench_of(till: Bench) -> TransactionBench:
    return TransactionBench(
        announcer=Announcer(source="/leadmill/tally", partitions=PARTITIONS, max_record_bytes=900_000),
        database=till.database,
        clock=till.clock,
        metrics=ProcessorMetrics(CollectorRegistry(), service="tally", group="tally"),
    )


def commands(till: Bench) -> Commands[TillDesk]:
    return Commands(till_stage(), bench_of(till))


async def paid(till: Bench) -> tuple[object, object]:
    return await till.value("SELECT paid FROM till"), await till.value("SELECT sum(paid) FROM customer")


async def test_two_workers_on_all_partitions_agree_on_the_shared_sum(till: Bench) -> None:
    for _ in range(2):
        await till.start_worker(till_stage())
    await till.feed([(f"customer-{number % 40}", number % 7 + 1) for number in range(2000)])

    await till.until_counted(2000)

    expected = sum(number % 7 + 1 for number in range(2000))
    assert await paid(till) == (expected, expected)


async def test_a_refused_fact_and_a_bug_leave_the_rows_as_they_were(till: Bench) -> None:
    await till.start_worker(till_stage())
    await till.feed([("a", 1), ("a", 13), ("a", 666), ("a", 2)])

    await till.until_counted(2)

    assert await paid(till) == (3, 3)
    codes = "SELECT array_agg(code ORDER BY code) FROM dead_letter"
    assert await till.value(codes) == ["internal.bug", "till.thirteen"]


async def test_a_timer_rings_once_and_its_row_goes_with_its_effect(till: Bench) -> None:
    await till.start_worker(till_stage())
    await till.feed([("a", 500), ("b", 500)])

    await till.until_counted(4)

    assert await paid(till) == (3_000, 3_000)
    assert await till.value("SELECT count(*) FROM timer") == 0


async def test_a_timer_rings_before_the_first_later_fact_of_its_lead(till: Bench) -> None:
    at = till.clock.now()
    await till.feed([("a", 500)], received=at - 5_000_000)
    await till.feed([("a", 1)], received=at)
    await till.start_worker(till_stage())

    await till.until_counted(3)

    said = [decode_event(decode_envelope(record.value or b"")) for record in await till.records()]
    assert [event.total for event in said if isinstance(event, Totalled)] == [500, 1_500, 1_501]


async def test_one_of_two_hundred_commands_wins_and_the_others_hear_who_did(till: Bench) -> None:
    run = commands(till).run

    async def close(number: int) -> str:
        try:
            await run(key="a", command=Close(f"rep {number}"), received=1, idempotency_key=f"close-{number}")
        except Rejected as error:
            return error.message
        return "won"

    answers = await asyncio.gather(*(close(number) for number in range(200)))

    winner = await till.value("SELECT closed_by FROM till")
    assert answers.count("won") == 1
    assert answers.count(f"{winner} has closed it already") == 199


async def test_a_dead_letter_is_replayed_once_over_the_rows_as_they_are_now(till: Bench) -> None:
    await till.start_worker(till_stage())
    await till.feed([("a", 13), ("a", 1)])
    await till.until_counted(1)
    letter = await till.value("SELECT id FROM dead_letter")
    # the fix: what was thirteen is one hundred now
    async with till.database.connection() as connection:
        await connection.execute(
            "UPDATE dead_letter SET record_value = convert_to(replace("
            "convert_from(record_value, 'UTF8'), '\"amount\":13', '\"amount\":100'), 'UTF8')"
        )

    results = [
        str((await Replays(till_stage(), bench_of(till)).replay(str(letter))).result) for _ in range(2)
    ]

    assert results == ["applied", "replayed before"]
    assert await paid(till) == (101, 101)
