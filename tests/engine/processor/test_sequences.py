"""Sequences: a repeat is dropped, a gap halts and is named, a fenced worker changes nothing."""

from __future__ import annotations

from shared.contracts.topics import partition_of
from shared.log.port import NewRecord, TopicPartition
from shared.processor.tables import dead_letters, fence
from tests.engine.processor.conftest import Bench
from tests.engine.tally import COUNTED, PARTITIONS, TallyStage, counted


def numbered(bench: Bench, sequence: int, *, amount: int = 1) -> NewRecord:
    """An input record from a producer that numbers what it says."""
    record = counted("a", amount, number=1_000 + sequence, received=bench.clock.now())
    return record._replace(headers=[("sequence", f"feeder:{sequence}".encode())])


TARGET = TopicPartition(COUNTED.name, partition_of("a", PARTITIONS))


async def test_what_is_published_twice_counts_once(bench: Bench) -> None:
    await bench.start_worker(TallyStage(with_timers=False))

    await bench.append({TARGET: [numbered(bench, n) for n in (1, 2, 2, 1, 3)]})
    await bench.until_counted(3)

    assert await bench.value("SELECT sum(duplicate)::int FROM receipt") == 2
    assert await bench.value("SELECT sequence FROM mark") == 3


async def test_a_lost_record_batch_halts_its_partition_and_is_named(bench: Bench) -> None:
    worker = await bench.start_worker(TallyStage(with_timers=False))
    await bench.append({TARGET: [numbered(bench, n) for n in (1, 2, 5, 6)]})

    async def is_halted() -> bool:
        return bool(worker.standing.halted)

    await bench.until(is_halted)
    (halt,) = worker.standing.halted.values()
    assert (halt.code, halt.target) == ("processor.lost_record_batch", TARGET)
    assert "sequences 3 to 4 of feeder" in halt.detail
    await bench.until_counted(2)

    async with bench.database.transaction() as transaction:
        await dead_letters.resume(transaction, group="tally", topic=COUNTED.name)
    await bench.until_counted(4)


async def test_a_worker_that_was_fenced_off_joins_again_and_goes_on(bench: Bench) -> None:
    worker = await bench.start_worker(TallyStage(with_timers=False))
    await bench.feed([("a", 1)])
    await bench.until_counted(1)

    async with bench.database.transaction() as transaction:
        raised = await fence.raise_epochs(transaction, group="tally", partitions=range(PARTITIONS))
    await bench.feed([("a", 2)])
    await bench.until_counted(2)

    async def is_claimed() -> bool:
        return worker.standing.is_claimed

    await bench.until(is_claimed)
    assert await bench.value("SELECT min(epoch) FROM fence") > max(raised.values())  # type: ignore[operator]


async def test_two_workers_share_the_work_and_survive_each_other(bench: Bench) -> None:
    keys = [f"k{n}" for n in range(40)]
    await bench.start_worker(TallyStage(with_timers=False))
    await bench.feed([(key, 1) for key in keys])
    await bench.start_worker(TallyStage(with_timers=False))
    await bench.feed([(key, 1) for key in keys])
    await bench.until_counted(80, within=60)

    bench.workers[0].stop()
    await bench.tasks.pop(0)
    bench.workers.pop(0)
    await bench.feed([(key, 1) for key in keys])

    await bench.until_counted(120, within=60)
    async with bench.database.connection() as connection:
        assert await connection.fetch_value("SELECT count(*) FROM tally WHERE version < 1") == 0
