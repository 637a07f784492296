"""The quick share of the matrix on the real services; ``make failure`` does all of it."""

from __future__ import annotations

import pytest

from tests.failure.on_services.runs import SERVICES_PLANTED, SERVICES_QUICK
from tests.failure.plan import Run
from tests.failure.report import carry_out
from tests.failure.surroundings.ground import Ground

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.slow, pytest.mark.lasts(30)]


@pytest.mark.parametrize("run", SERVICES_QUICK, ids=lambda run: run.kind)
@pytest.mark.thorough
async def test_no_message_is_lost_double_or_reordered_on_its_way_to_a_tier(run: Run, ground: Ground) -> None:
    outcome = await carry_out(run, ground)

    assert outcome.differences.lines == []
    assert outcome.facts > 1_000
    assert outcome.merges > 30
    assert outcome.activations > 0
    assert outcome.timers > 0
    assert outcome.dead_letters > 0


@pytest.mark.failure
@pytest.mark.parametrize("run", SERVICES_PLANTED, ids=lambda run: run.plant)
async def test_the_matrix_catches_in_the_services(run: Run, ground: Ground) -> None:
    outcome = await carry_out(run, ground)

    assert run.is_caught(outcome.differences.kinds), outcome.differences.lines[:20]
