"""Analytics' surroundings: a migrated database and one of the two logs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from services.analytics.bootstrap import MIGRATIONS
from tests.services.analytics.stand import Stand
from tests.services.surroundings.logs import BOTH
from tests.services.surroundings.stand import open_service_stand


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, Path]:
    """The tables of analytics."""
    return {"analytics": MIGRATIONS}


def open_stand(
    kind: str, request: pytest.FixtureRequest, database_url: str
) -> AbstractAsyncContextManager[Stand]:
    """Open analytics on one of the logs."""
    return open_service_stand(
        kind,
        request,
        database_url,
        schema="analytics",
        scripts=MIGRATIONS,
        make=lambda log: Stand(log, database_url),
    )


@pytest.fixture(params=BOTH)
async def stand(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Analytics on each log in turn."""
    async with open_stand(request.param, request, database_url) as opened:
        yield opened


@pytest.fixture
async def small_stand(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Analytics on the embedded log, for what does not depend on the log."""
    async with open_stand("embedded", request, database_url) as opened:
        yield opened
