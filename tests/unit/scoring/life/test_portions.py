"""Work in portions leaves two thirds of the time to others, and looks seldom where there is nothing to do."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.jobs.life.portions import LONGEST_REST, LOOK_EVERY, RESTS, Came, in_portions, rest_after
from shared.kernel.errors import Unavailable


@given(st.floats(0, 60))
def test_after_a_portion_it_rests_twice_as_long_as_that_took_but_never_long(seconds: float) -> None:
    assert rest_after(Came.FURTHER, seconds) == min(timedelta(seconds=seconds) * RESTS, LONGEST_REST)
    assert rest_after(Came.FURTHER, seconds, rests=4) == min(timedelta(seconds=seconds) * 4, LONGEST_REST)
    assert rest_after(Came.NO_FURTHER, seconds) == LONGEST_REST
    assert rest_after(Came.TO_NOTHING, seconds) == LOOK_EVERY


async def test_what_is_unavailable_is_tried_again_and_a_stop_is_heard_in_the_rest() -> None:
    stopping, steps = asyncio.Event(), 0

    async def step() -> Came:
        nonlocal steps
        steps += 1
        if steps == 2:
            stopping.set()
            raise Unavailable
        return Came.FURTHER

    await in_portions(step, stopping, job="a test")
    assert steps == 2
