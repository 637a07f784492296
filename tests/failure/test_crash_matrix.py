"""The quick share of the crash matrix; ``python -m tests.failure`` does all of it."""

from __future__ import annotations

import pytest

from tests.failure.plan import PLANTED, QUICK, Run
from tests.failure.report import carry_out
from tests.failure.surroundings.ground import Ground

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.slow, pytest.mark.lasts(80)]

_IN_EVERY_TEST_RUN = PLANTED[:2]


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
    outcome = await carry_out(run, ground)

    assert run.is_caught(outcome.differences.kinds), outcome.differences.lines[:20]
