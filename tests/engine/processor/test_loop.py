"""The loop on tally: each fact counts once, in order, whatever the log."""

from __future__ import annotations

import asyncio

import msgspec

from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.topics import partition_of
from shared.kernel.instants import SECOND
from shared.postgres.database import Transaction
from shared.processor.batch import Account
from shared.processor.tables.outbox import read_sequence
from tests.engine.processor.conftest import Bench
from tests.engine.tally import PARTITIONS, TOTALS, TallyStage, Totalled


async def test_every_fact_is_counted_once_and_said_in_order(bench: Bench) -> None:
    await bench.start_worker(TallyStage(with_timers=False))

    await bench.feed([(f"key-{n % 7}", n) for n in range(2_000) if n not in (13, 666)])
    await bench.until_counted(1_998)

    records = await bench.records(TOTALS.name)
    assert len(records) == 1_998
    counts: dict[str, int] = {}
    for record in records:
        said = decode_event(decode_envelope(record.value or b""))
        assert isinstance(said, Totalled)
        assert said.count == counts.get(said.key, 0) + 1
        counts[said.key] = said.count
    by_partition: dict[int, int] = {}
    for record in records:
        numbered = read_sequence(record.headers)
        assert numbered is not None
        assert numbered == ("tally", by_partition.get(record.partition, 0) + 1)
        by_partition[record.partition] = numbered[1]
    assert sum(counts.values()) == 1_998


async def test_a_second_run_begins_where_the_first_ended(bench: Bench) -> None:
    await bench.start_worker(TallyStage(with_timers=False))
    await bench.feed([("a", 1), ("b", 2)])
    await bench.until_counted(2)
    await bench.stop()

    await bench.feed([("a", 10)])
    await bench.start_worker(TallyStage(with_timers=False))
    await bench.until_counted(3)

    payload = await bench.value("SELECT payload FROM tally WHERE key = 'a'")
    assert isinstance(payload, bytes)
    assert msgspec.msgpack.decode(payload)[:2] == [2, 11]


async def test_a_timer_rings_once_the_log_is_read_and_its_time_has_come(bench: Bench) -> None:
    await bench.start_worker(TallyStage(with_timers=True))

    await bench.feed([("a", 1)] * 10)
    await bench.until_counted(11)

    payload = await bench.value("SELECT payload FROM tally WHERE key = 'a'")
    assert isinstance(payload, bytes)
    assert msgspec.msgpack.decode(payload)[:2] == [11, 1_010]
    assert await bench.value("SELECT count(*) FROM timer") == 0


async def test_a_timer_rings_though_there_is_something_to_be_read_every_time(bench: Bench) -> None:
    home = partition_of("a", PARTITIONS)
    beside = next(key for key in map(str, range(100)) if partition_of(key, PARTITIONS) == home)
    at = bench.clock.now() - 2 * SECOND
    has_rung = asyncio.Event()

    async def say_more(_transaction: Transaction, account: Account) -> None:
        if account.rung:
            has_rung.set()
        if not has_rung.is_set():  # so the next batch has a record of this partition, too
            await bench.feed([(beside, 1)])

    await bench.feed([("a", 1)] * 10, received=at)
    await bench.start_worker(TallyStage(with_timers=True), journal=say_more)

    async with asyncio.timeout(90):
        await has_rung.wait()


async def test_a_record_that_cannot_be_used_hurts_only_itself(bench: Bench) -> None:
    await bench.start_worker(TallyStage(with_timers=False))

    await bench.feed([("a", 1), ("a", 13), ("a", 666), ("a", 2)])
    await bench.until_counted(2)

    async with bench.database.connection() as connection:
        rows = await connection.fetch('SELECT code, attempts FROM dead_letter ORDER BY "offset"')
    assert [tuple(row) for row in rows] == [("tally.thirteen", 1), ("internal.bug", 2)]
    assert await bench.value("SELECT sum(processed)::int FROM receipt") == 2
    assert await bench.value("SELECT sum(dead)::int FROM receipt") == 2
