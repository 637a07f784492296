"""A bad record hurts only itself; a flood of them stops the reader; a replay takes effect once."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from shared.contracts.topics import partition_of
from shared.kernel.changes import Changes, Fact
from shared.log.port import NewRecord, TopicPartition
from shared.processor.fold import Announcer
from shared.processor.loop import LoopSettings
from shared.processor.replay import Replayed, Replays
from shared.processor.tables import dead_letters
from shared.processor.transaction import Bench as TransactionBench
from shared.telemetry.metrics import ProcessorMetrics
from tests.engine.processor.conftest import Bench
from tests.engine.tally import COUNTED, DEAD, PARTITIONS, TallyStage, TallyState, counted

pytestmark = pytest.mark.lasts(15)


def replays(bench: Bench, stage: TallyStage) -> Replays:
    """Replays beside the worker, as the command line has them."""
    return Replays(
        stage,
        TransactionBench(
            announcer=Announcer(source="/leadmill/tally", partitions=PARTITIONS, max_record_bytes=900_000),
            database=bench.database,
            clock=bench.clock,
            metrics=ProcessorMetrics(CollectorRegistry(), service="tally", group="tally"),
        ),
    )


class RepairedStage(TallyStage):
    """Tally after the fix: thirteen can be counted."""

    def handle(self, state: TallyState, fact: Fact) -> Changes[TallyState]:
        event = fact.event
        amount = getattr(event, "amount", 0)
        if amount == 13:
            fact = Fact(fact.id, fact.key, fact.received, type(event)(key=fact.key, amount=12))  # type: ignore[call-arg]
        return super().handle(state, fact)


async def malformed(bench: Bench, count: int, *, key: str = "a") -> None:
    """Append records that are no event."""
    target = TopicPartition(COUNTED.name, partition_of(key, PARTITIONS))
    await bench.append({target: [NewRecord(key.encode(), b"{no event", [], 1_000) for _ in range(count)]})


async def test_one_malformed_record_among_ten_thousand_costs_nobody_else_anything(bench: Bench) -> None:
    target = TopicPartition(COUNTED.name, partition_of("a", PARTITIONS))
    at = bench.clock.now()
    records = [counted("a", 1, number=n, received=at) for n in range(9_999)]
    records.insert(5_000, NewRecord(b"a", b"\xff\x00 not json", [("h", b"\x01")], 77))
    await bench.append({target: records})
    await bench.start_worker(TallyStage(with_timers=False))

    await bench.until_counted(9_999, within=60)

    async with bench.database.connection() as connection:
        found = await connection.fetch("SELECT * FROM dead_letter")
    letter = dead_letters.letter_of(found[0])
    assert len(found) == 1
    assert (letter.code, letter.value, letter.key) == ("contract.malformed", b"\xff\x00 not json", b"a")
    assert (letter.topic, letter.partition) == target
    assert letter.offset == bench.starts[target] + 5_000
    assert list(letter.headers) == [("h", b"\x01")]
    assert len(await bench.records(DEAD.name)) == 1


async def test_a_replay_after_the_fix_takes_effect_once_however_often_it_is_asked_for(bench: Bench) -> None:
    await bench.start_worker(TallyStage(with_timers=False))
    await bench.feed([("a", 1), ("a", 13), ("a", 2)])
    await bench.until_counted(2)
    letter_id = str(await bench.value("SELECT id FROM dead_letter"))

    still_broken = await replays(bench, TallyStage(with_timers=False)).replay(letter_id)
    assert (still_broken.result, still_broken.code) == (Replayed.REFUSED, "tally.thirteen")
    repaired = replays(bench, RepairedStage(with_timers=False))
    assert (await repaired.replay(letter_id)).result is Replayed.APPLIED
    assert (await repaired.replay(letter_id)).result is Replayed.BEFORE

    await bench.until_counted(3)
    assert await bench.value("SELECT count(*) FROM dead_letter WHERE replayed IS NULL") == 0


async def test_a_flood_halts_the_partition_until_somebody_resumes_it(bench: Bench) -> None:
    settings = LoopSettings(partitions=PARTITIONS, flood=1_000)
    worker = await bench.start_worker(TallyStage(with_timers=False), settings=settings)
    await malformed(bench, 10_000)
    await bench.feed([("a", 5)])

    async def is_halted() -> bool:
        return bool(worker.standing.halted)

    await bench.until(is_halted, within=30)
    (halt,) = worker.standing.halted.values()
    assert halt.code == "processor.flood"
    assert await bench.value("SELECT count(*) FROM dead_letter") == 1_000
    assert await bench.value("SELECT count(*) FROM tally WHERE key = 'a'") == 0

    async with bench.database.transaction() as transaction:
        assert await dead_letters.resume(transaction, group="tally") == 1
    await bench.until_counted(1, within=60)

    assert await bench.value("SELECT count(*) FROM dead_letter") == 10_000
    assert await bench.value("SELECT count(*) FROM halt") == 0
    assert not worker.standing.halted


async def test_other_partitions_go_on_while_one_is_halted(bench: Bench) -> None:
    other = next(
        k for k in ("b", "c", "d", "e") if partition_of(k, PARTITIONS) != partition_of("a", PARTITIONS)
    )
    await bench.start_worker(
        TallyStage(with_timers=False), settings=LoopSettings(partitions=PARTITIONS, flood=10)
    )
    await malformed(bench, 50)
    await bench.feed([(other, 5)])

    await bench.until_counted(1)

    assert await bench.value("SELECT count(*) FROM dead_letter") == 10


async def test_a_halt_outlives_the_worker(bench: Bench) -> None:
    settings = LoopSettings(partitions=PARTITIONS, flood=10)
    first = await bench.start_worker(TallyStage(with_timers=False), settings=settings)
    await malformed(bench, 50)

    async def is_halted() -> bool:
        return bool(first.standing.halted)

    await bench.until(is_halted)
    await bench.stop()
    second = await bench.start_worker(TallyStage(with_timers=False), settings=settings)

    async def is_claimed() -> bool:
        return second.standing.is_claimed

    await bench.until(is_claimed)
    assert [halt.code for halt in second.standing.halted.values()] == ["processor.flood"]
    assert await bench.value("SELECT count(*) FROM dead_letter") == 10
