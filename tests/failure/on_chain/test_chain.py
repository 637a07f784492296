"""A share of the matrix on the whole chain; ``python -m tests.failure --kind chain`` does all of it."""

from __future__ import annotations

import pytest

from tests.failure.on_chain.runs import CHAIN
from tests.failure.plan import Run
from tests.failure.report import carry_out
from tests.failure.surroundings.ground import Ground

pytestmark = [pytest.mark.failure, pytest.mark.kafka, pytest.mark.postgres, pytest.mark.slow]


@pytest.mark.parametrize("run", CHAIN[:2], ids=lambda run: run.kind)
async def test_leads_clocks_and_credits_survive_every_death_in_the_chain(run: Run, ground: Ground) -> None:
    outcome = await carry_out(run, ground)

    assert outcome.differences.lines == []
    assert outcome.commands > 0
    assert outcome.timers > 0
    assert outcome.said["LeadAssigned"] > 0
