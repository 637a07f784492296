"""The disk is full while the log is away: refused is refused, and what was acknowledged comes through."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from services.ingest.store.raw_log import RawLog
from shared.log.spill import SpillFull
from shared.testing.small_disk import NoSmallDisk, SmallDisk
from tests.unit.ingest.edge.raw_logs import FakeLog, record, running, until

ROOMY = 1024**3


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    """A disk with room for some thousand records, and less than the spill may have."""
    try:
        small = SmallDisk(megabytes=4)
    except NoSmallDisk as error:
        pytest.skip(str(error))
    with small:
        yield small


async def keep(raw_log: RawLog, names: list[str]) -> tuple[list[str], list[BaseException]]:
    """Send records one by one, all at once; returns those that were acknowledged, and the refusals."""
    answers = await asyncio.gather(
        *(raw_log.append([record(name, b"v" * 900)], is_last_chance=True) for name in names),
        return_exceptions=True,
    )
    kept = [name for name, answer in zip(names, answers, strict=True) if answer is None]
    return kept, [answer for answer in answers if answer is not None]


async def test_everything_acknowledged_is_in_the_log_at_last_and_nothing_else(disk: SmallDisk) -> None:
    log = FakeLog()
    log.mood = "away"
    acknowledged: list[str] = []
    async with running(log, spill=disk.inside / "spill", spill_bytes=ROOMY) as raw_log:
        refusals: list[BaseException] = []
        for turn in range(20):
            kept, refused = await keep(raw_log, [f"before-{turn}-{n}" for n in range(500)])
            acknowledged += kept
            refusals += refused
        assert acknowledged
        assert {type(refusal) for refusal in refusals} == {SpillFull}
        with pytest.raises(SpillFull):
            await raw_log.check()

        log.mood = "well"
        await until(lambda: not raw_log.is_spilling)
        kept, refused = await keep(raw_log, ["after"])
        assert (kept, refused) == (["after"], [])
        await raw_log.check()
    assert sorted(log.keys) == sorted([*acknowledged, "after"])


async def test_what_was_acknowledged_before_the_process_died_comes_through_in_the_next(
    disk: SmallDisk,
) -> None:
    log = FakeLog()
    log.mood = "away"
    async with running(log, spill=disk.inside / "spill", spill_bytes=ROOMY) as raw_log:
        first, _ = await keep(raw_log, [f"a-{n}" for n in range(500)])
        disk.fill()
        second, refused = await keep(raw_log, [f"b-{n}" for n in range(500)])
        assert refused
        disk.make_room()
        third, _ = await keep(raw_log, [f"c-{n}" for n in range(100)])
        assert third
    log.mood = "well"
    async with running(log, spill=disk.inside / "spill", spill_bytes=ROOMY) as raw_log:
        await until(lambda: log.keys and not raw_log.is_spilling)
    assert sorted(log.keys) == sorted([*first, *second, *third])
