"""Token buckets: never more than the burst and the rate, never less than promised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.admission.token_bucket import Rate, draw, full_bucket
from shared.kernel.instants import SECOND

rates = st.builds(Rate, st.integers(1, 5_000), st.integers(1, 5_000))
pauses = st.lists(st.integers(0, 3 * SECOND), max_size=200)


def admitted(rate: Rate, steps: list[int], *, start: int = 0) -> list[int]:
    """Return the instants of requests that were let through; each step is a pause before a request."""
    bucket, now = full_bucket(rate, now=start), start
    through = []
    for pause in steps:
        now += pause
        bucket, wait = draw(bucket, rate, now=now)
        if not wait:
            through.append(now)
    return through


@given(rates, pauses)
def test_never_more_than_the_burst_and_the_rate_are_let_through_in_any_span(
    rate: Rate, steps: list[int]
) -> None:
    through = admitted(rate, steps)
    for first, begin in enumerate(through):
        for last in range(first, len(through)):
            span = through[last] - begin
            assert (last - first + 1) * SECOND <= rate.burst * SECOND + rate.per_second * span


@given(rates, st.integers(1, 200))
def test_as_many_as_the_burst_are_let_through_at_once_and_no_more(rate: Rate, count: int) -> None:
    assert len(admitted(rate, [0] * count)) == min(count, rate.burst)


@given(rates, pauses)
def test_who_waits_as_long_as_was_said_is_let_through_and_not_a_microsecond_earlier(
    rate: Rate, steps: list[int]
) -> None:
    bucket, now = full_bucket(rate, now=0), 0
    for pause in steps:
        now += pause
        bucket, wait = draw(bucket, rate, now=now)
        if wait:
            assert draw(bucket, rate, now=now + wait)[1] == 0
            assert draw(bucket, rate, now=now + wait - 1)[1] == 1


@given(rates, st.lists(st.integers(-SECOND, SECOND), max_size=100))
def test_a_clock_that_steps_back_lets_nothing_more_through(rate: Rate, steps: list[int]) -> None:
    start = 1_000 * SECOND
    through = admitted(rate, steps, start=start)
    highest = max([start, *(start + sum(steps[:n]) for n in range(len(steps) + 1))])
    assert len(through) * SECOND <= rate.burst * SECOND + rate.per_second * (highest - start)


@given(rates, rates)
def test_a_rate_that_is_lowered_holds_at_once(old: Rate, new: Rate) -> None:
    bucket = full_bucket(old, now=0)
    through = 0
    for _ in range(new.burst + 1):
        bucket, wait = draw(bucket, new, now=0)
        through += not wait
    assert through <= new.burst
