"""What is worked out before a test begins, so that no example has to wait for it."""

from __future__ import annotations

import pytest

from tests.unit.working_time.seasons import SEASONS


@pytest.fixture(scope="session", autouse=True)
def instants_of_all_seasons() -> None:
    """Find every edge of every season: a second's walk, which Hypothesis would blame on an example."""
    for season in SEASONS:
        assert season.edges
