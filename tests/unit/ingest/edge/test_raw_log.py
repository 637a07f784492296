"""The way into the raw topic: together, in order, and never answered too early."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from services.ingest.metrics import IngestMetrics
from services.ingest.store.raw_log import EdgeBusy, RawLog
from shared.contracts.topics import RAW, partition_of
from shared.kernel.errors import Unavailable
from shared.log.port import Log, LogUnavailable, RecordTooLarge, TopicPartition
from shared.log.spill import SpillFull, SpillReserved
from tests.unit.ingest.edge.raw_logs import PARTITIONS, FakeLog, record, running, until


class TestAppending:
    async def test_puts_requests_that_come_together_into_one_append(self) -> None:
        log = FakeLog()
        async with running(log) as raw_log:
            await asyncio.gather(*(raw_log.append([record(f"k{n}")]) for n in range(100)))
        assert sorted(log.keys) == sorted(f"k{n}" for n in range(100))
        assert log.appends <= 2

    async def test_parts_those_who_come_again_and_again_so_that_half_is_worked_on_while_half_waits(
        self,
    ) -> None:
        log = FakeLog()

        async def come_again(number: int) -> None:
            for _ in range(4):
                await raw_log.append([record(f"k{number}")])

        async with running(log) as raw_log:
            await asyncio.gather(*(come_again(number) for number in range(100)))
        assert log.sizes == [50] * 8

    async def test_does_not_part_what_is_little_or_one_request(self) -> None:
        log = FakeLog()
        async with running(log) as raw_log:
            await asyncio.gather(*(raw_log.append([record(f"k{n}")]) for n in range(32)))
            await raw_log.append([record(f"k{n}") for n in range(100)])
        assert log.sizes == [32, 100]

    async def test_keeps_the_order_of_a_visitor_over_its_parts(self) -> None:
        log = FakeLog()
        async with running(log) as raw_log:
            await asyncio.gather(*(raw_log.append([record("k", b"%d" % n)]) for n in range(500)))
        (kept,) = log.records.values()
        assert [one.value for one in kept] == [b"%d" % n for n in range(500)]
        assert log.sizes == [250, 250]

    async def test_sends_each_key_to_its_partition_in_order(self) -> None:
        log = FakeLog()
        async with running(log) as raw_log:
            for n in range(5):
                await raw_log.append([record("k", b"%d" % n), record("other")])
        home = log.records[TopicPartition(RAW.name, partition_of("k", PARTITIONS))]
        assert [one.value for one in home if one.key == b"k"] == [b"0", b"1", b"2", b"3", b"4"]

    @pytest.mark.parametrize("mood", ["away", "silent"])
    async def test_says_unavailable_when_the_log_does_not_answer(self, mood: str) -> None:
        log = FakeLog()
        async with running(log, patience=timedelta(milliseconds=200)) as raw_log:
            log.mood = mood
            with pytest.raises(LogUnavailable):
                await raw_log.append([record("k")])
            log.mood = "well"
            await raw_log.append([record("l")])
        assert log.keys == ["l"]

    async def test_lets_one_record_that_is_too_large_hurt_only_its_request(self) -> None:
        log = FakeLog()
        async with running(log) as raw_log:
            results = await asyncio.gather(
                raw_log.append([record("a")]),
                raw_log.append([record("b", b"x" * 2000)]),
                raw_log.append([record("c")]),
                return_exceptions=True,
            )
        assert [type(result) for result in results] == [type(None), RecordTooLarge, type(None)]
        assert sorted(log.keys) == ["a", "c"]

    async def test_refuses_what_the_log_would_never_take(self, tmp_path: Path) -> None:
        log = FakeLog()
        log.mood = "away"
        async with running(log, spill=tmp_path, largest_record=100) as raw_log:
            with pytest.raises(RecordTooLarge):
                await raw_log.append([record("k", b"x" * 101)])
            assert not raw_log.is_spilling

    async def test_holds_only_so_much(self) -> None:
        log = FakeLog()
        async with running(log, most_waiting=3) as raw_log:
            with pytest.raises(EdgeBusy):
                await raw_log.append([record("k")] * 4)

    async def test_does_not_let_anybody_wait_who_comes_before_it_has_begun(self) -> None:
        raw_log = RawLog(
            log=cast("Log", FakeLog()),
            partitions=PARTITIONS,
            meter=IngestMetrics(CollectorRegistry()),
            patience=timedelta(milliseconds=10),
        )
        with pytest.raises(EdgeBusy):
            await raw_log.append([record("k")])

    async def test_answers_everybody_before_it_ends(self) -> None:
        log = FakeLog()
        async with running(log) as raw_log:
            waiting = [asyncio.create_task(raw_log.append([record(f"k{n}")])) for n in range(3)]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        assert len(log.keys) == 3
        with pytest.raises(Unavailable):
            await raw_log.append([record("late")])


class TestSpilling:
    async def test_keeps_everything_while_the_log_is_away_and_in_order(self, tmp_path: Path) -> None:
        log = FakeLog()
        async with running(log, spill=tmp_path) as raw_log:
            await raw_log.append([record("k", b"0")])
            log.mood = "away"
            for n in range(1, 4):
                await raw_log.append([record("k", b"%d" % n)])
            assert raw_log.is_spilling
            log.mood = "well"
            await raw_log.append([record("k", b"4")])
            await until(lambda: not raw_log.is_spilling)
            await raw_log.append([record("k", b"5")])
        (kept,) = log.records.values()
        assert [one.value for one in kept] == [b"0", b"1", b"2", b"3", b"4", b"5"]

    async def test_is_drained_by_the_next_process(self, tmp_path: Path) -> None:
        log = FakeLog()
        log.mood = "away"
        async with running(log, spill=tmp_path) as raw_log:
            await raw_log.append([record("a")])
        log.mood = "well"
        async with running(log, spill=tmp_path) as raw_log:
            await until(lambda: log.keys == ["a"])
            await raw_log.append([record("b")])
            await until(lambda: sorted(log.keys) == ["a", "b"])


class TestTheReserveOfTheSpill:
    async def test_is_for_those_who_cannot_send_again(self, tmp_path: Path) -> None:
        log = FakeLog()
        log.mood = "away"
        async with running(log, spill=tmp_path, spill_bytes=1_000, reserved=500) as raw_log:
            await raw_log.append([record("a", b"v" * 400)])
            with pytest.raises(SpillReserved) as refused:
                await raw_log.append([record("b", b"v" * 400)])
            assert refused.value.retry_after >= 1
            await raw_log.append([record("c", b"v" * 400)], is_last_chance=True)
            await raw_log.check()
            with pytest.raises(SpillFull):
                await raw_log.append([record("d", b"v" * 400)], is_last_chance=True)
            with pytest.raises(SpillFull):
                await raw_log.check()
            log.mood = "well"
            await until(lambda: not raw_log.is_spilling)
            await raw_log.append([record("e")])
        assert sorted(log.keys) == ["a", "c", "e"]

    async def test_takes_as_many_as_fit_of_those_that_come_together(self, tmp_path: Path) -> None:
        log = FakeLog()
        log.mood = "away"
        async with running(log, spill=tmp_path, spill_bytes=2_000, reserved=1_000) as raw_log:
            answers = await asyncio.gather(
                *(
                    raw_log.append([record(f"k{n}", b"v" * 400)], is_last_chance=n % 2 == 0)
                    for n in range(12)
                ),
                return_exceptions=True,
            )
            kept = [f"k{n}" for n, answer in enumerate(answers) if answer is None]
            assert kept == ["k0", "k2", "k4", "k6"]
            assert {type(answer) for answer in answers[1::2]} == {SpillReserved}
            assert {type(answer) for answer in answers[8::2]} == {SpillFull}
            log.mood = "well"
            await until(lambda: not raw_log.is_spilling)
        assert sorted(log.keys) == kept

    async def test_is_free_again_as_soon_as_the_log_has_taken_something(self, tmp_path: Path) -> None:
        log = FakeLog()
        log.mood = "away"
        async with running(log, spill=tmp_path, spill_bytes=1_000, reserved=500) as raw_log:
            await raw_log.append([record("a", b"v" * 400)])
            await raw_log.append([record("b", b"v" * 400)], is_last_chance=True)
            with pytest.raises(SpillReserved):
                await raw_log.append([record("c")])
            log.mood = "well"
            await until(lambda: not raw_log.is_spilling)
            await raw_log.append([record("c")])
        assert sorted(log.keys) == ["a", "b", "c"]

    async def test_shows_what_waits_and_that_the_log_does_not_answer(self, tmp_path: Path) -> None:
        log, registry = FakeLog(), CollectorRegistry()
        log.mood = "away"

        def shown() -> tuple[float | None, float | None]:
            names = ("leads_ingest_spilling", "leads_ingest_spill_bytes")
            spilling, size = (registry.get_sample_value(name) for name in names)
            return spilling, size

        async with running(log, spill=tmp_path, registry=registry) as raw_log:
            await raw_log.append([record("a")])
            lying = sum(path.stat().st_size for path in tmp_path.rglob("*.segment"))
            await until(lambda: shown() == (1, lying))
            assert lying > 0
            log.mood = "well"
            await until(lambda: shown() == (0, 0))


class TestReadiness:
    async def test_is_off_for_as_long_as_nothing_can_be_kept_and_says_why(self) -> None:
        log = FakeLog()
        async with running(log) as raw_log:
            await raw_log.append([record("a")])
            await raw_log.check()
            log.mood, log.trouble = "away", LogUnavailable("no room", code="database.disk_full")
            for refused in (raw_log.append([record("b")]), raw_log.check()):
                with pytest.raises(LogUnavailable) as caught:
                    await refused
                assert caught.value.reason == "database.disk_full"
            log.mood = "well"
            await raw_log.append([record("c")])
            await raw_log.check()

    async def test_is_off_when_the_spill_is_full_too(self, tmp_path: Path) -> None:
        log = FakeLog()
        log.mood = "away"
        async with running(log, spill=tmp_path, spill_bytes=200) as raw_log:
            await raw_log.append([record("a")])
            await raw_log.check()
            for refused in (raw_log.append([record("b", b"v" * 500)]), raw_log.check()):
                with pytest.raises(SpillFull):
                    await refused
