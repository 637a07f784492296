"""Scoring's surroundings: a migrated database and one of the two logs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from services.scoring.bootstrap import MIGRATIONS
from shared.kernel.clock import SimulatedClock
from tests.services.scoring.deeds import Deeds
from tests.services.scoring.stand import Stand
from tests.services.surroundings.logs import BOTH
from tests.services.surroundings.stand import open_service_stand
from tests.unit.scoring.stories import START


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, Path]:
    """The tables of scoring."""
    return {"scoring": MIGRATIONS}


def open_stand(
    kind: str, request: pytest.FixtureRequest, database_url: str
) -> AbstractAsyncContextManager[Stand]:
    """Open scoring on one of the logs."""
    return open_service_stand(
        kind,
        request,
        database_url,
        schema="scoring",
        scripts=MIGRATIONS,
        make=lambda log: Stand(log, database_url, SimulatedClock(START)),
    )


@pytest.fixture(params=BOTH)
async def stand(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Scoring on each log in turn, under a clock that stands still until it is moved."""
    async with open_stand(request.param, request, database_url) as opened:
        yield opened


@pytest.fixture
async def small_stand(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Scoring on the embedded log, for what does not depend on the log."""
    async with open_stand("embedded", request, database_url) as opened:
        yield opened


@pytest.fixture
def deeds(database_url: str) -> Deeds:
    """What happens, with ids that no other test uses."""
    return Deeds(database_url)
