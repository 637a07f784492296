"""The quick share of the crash matrix; ``python -m tests.failure`` does all of it."""

from __future__ import annotations

import pytest

from tests.failure.plan import PLANTED, QUICK, Run
from tests.failure.report import carry_out
from tests.failure.surroundings.ground import Ground

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.slow, pytest.mark.lasts(80)]

_IN_EVERY_TEST_RUN = PLANTED[:1]
_TRIES = 3
"""A bug that needs two at once shows only where a busy machine lets them meet."""


@pytest.mark.parametrize("run", QUICK, ids=lambda run: run.kind)
async def test_nothing_is_lost_double_or_reordered_whatever_dies(run: Run, ground: Ground) -> None:
    outcome = await carry_out(run, ground)

    assert outcome.differences.lines == []
    assert outcome.facts > 2_000
    assert outcome.commands > 20
    assert outcome.timers > 20
    assert outcome.dead_letters > 5


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(run, id=run.plant, marks=[] if run in _IN_EVERY_TEST_RUN else [pytest.mark.failure])
        for run in PLANTED
    ],
)
async def test_the_matrix_catches_a_planted(run: Run, ground: Ground) -> None:
    seen = []
    for _ in range(_TRIES):
        outcome = await carry_out(run, ground)
        if run.is_caught(outcome.differences.kinds):
            return
        seen.append(outcome.differences.lines[:20])
    pytest.fail(f"not caught in {_TRIES} runs: {seen}")
