"""When clocks may ring, and how many of them in one batch."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import Instant
from shared.log.port import TopicPartition, Watermark
from shared.postgres.database import Database
from shared.processor.batch import Batch
from shared.processor.loop.ringing import (
    BUDGET_SECONDS,
    FEWEST,
    FIRST,
    LIVE_BUDGET_SECONDS,
    Ringing,
    next_limit,
)
from shared.processor.tables.fence import Claim

MOST = 2_000
LEADS, DEEDS = TopicPartition("leads", 3), TopicPartition("deeds", 3)


async def until(batch: Batch, *, ends: dict[TopicPartition, int], positions: int = 10) -> dict[int, Instant]:
    """Up to when clocks may ring with this batch, after a fetch that told these ends, at instant 500."""
    database = Database("postgresql://nowhere", schema="none", application="none")
    ringing = Ringing(database, SimulatedClock(500), limit=MOST)
    ringing.sample()
    answered_at = asyncio.get_running_loop().time()
    claim = Claim(positions=dict.fromkeys((LEADS, DEEDS), positions))
    marks = {tp: Watermark(end, answered_at) for tp, end in ends.items()}
    return ringing.until(marks, batch.positions_after(claim))


async def test_clocks_may_ring_with_the_batch_that_reads_their_partition_to_its_end() -> None:
    batch = Batch(moves={LEADS: (10, 12)})
    assert await until(batch, ends={LEADS: 12, DEEDS: 10}) == {3: 500}


async def test_no_clock_rings_while_something_of_its_partition_is_left_to_be_read() -> None:
    batch = Batch(moves={LEADS: (10, 12)})
    assert await until(batch, ends={LEADS: 13, DEEDS: 10}) == {}
    assert await until(batch, ends={LEADS: 12, DEEDS: 11}) == {}
    assert await until(batch, ends={LEADS: 12}) == {}


async def test_a_fetch_that_was_answered_before_any_note_of_the_time_proves_nothing() -> None:
    database = Database("postgresql://nowhere", schema="none", application="none")
    ringing = Ringing(database, SimulatedClock(500), limit=MOST)
    answered_at = asyncio.get_running_loop().time() - 1.0
    ringing.sample()
    assert ringing.until({LEADS: Watermark(10, answered_at)}, {LEADS: 10}) == {}


@given(
    st.integers(FEWEST, MOST),
    st.floats(1e-6, 1e-2),
    st.floats(0, 0.25),
    st.sampled_from([BUDGET_SECONDS, LIVE_BUDGET_SECONDS]),
)
def test_as_many_ring_as_fit_into_the_budget_whatever_the_machine(
    limit: int, seconds_each: float, share_anyway: float, budget: float
) -> None:
    for _ in range(20):
        took = share_anyway * budget + limit * seconds_each
        limit = next_limit(limit, rung=limit, seconds=took, most=MOST, budget=budget)
    took = share_anyway * budget + limit * seconds_each
    assert FEWEST <= limit <= MOST
    assert took <= 2 * budget or limit == FEWEST
    assert took >= budget / 4 or limit == MOST


def test_a_batch_in_which_nothing_rang_says_nothing() -> None:
    assert next_limit(FIRST, rung=0, seconds=9.0, most=MOST) == FIRST
    assert next_limit(FIRST, rung=FIRST - 1, seconds=0.0, most=MOST) == FIRST
