"""The quick share of the matrix on the whole chain; ``make failure`` does all of it."""

from __future__ import annotations

import pytest

from tests.failure.on_chain.runs import CHAIN_PLANTED, CHAIN_QUICK
from tests.failure.plan import Run
from tests.failure.report import carry_out
from tests.failure.surroundings.ground import Ground

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.slow, pytest.mark.lasts(60)]


@pytest.mark.parametrize("run", CHAIN_QUICK, ids=lambda run: run.kind)
async def test_leads_clocks_mails_and_credits_survive_every_death_in_the_chain(
    run: Run, ground: Ground
) -> None:
    outcome = await carry_out(run, ground)

    assert outcome.differences.lines == []
    assert outcome.commands > 0
    assert outcome.timers > 0
    assert outcome.said["LeadPooled"] > 0
    assert outcome.said["mails"] > 0
    assert outcome.said["credits"] > 0


@pytest.mark.failure
@pytest.mark.parametrize("run", CHAIN_PLANTED, ids=lambda run: run.plant)
async def test_the_matrix_catches_in_the_chain(run: Run, ground: Ground) -> None:
    outcome = await carry_out(run, ground)

    assert run.is_caught(outcome.differences.kinds), outcome.differences.lines[:20]
