"""Analytics' surroundings: a migrated database and one of the two logs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from services.analytics.bootstrap import MIGRATIONS
from shared.postgres.migrations import migrate
from tests.services.analytics.stand import Stand
from tests.services.surroundings.logs import BOTH, create_topics, open_log


@contextlib.asynccontextmanager
async def open_stand(kind: str, request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Prepare the database, the log and its topics; stop whatever still runs at the end."""
    await migrate(database_url, schema="analytics", scripts=MIGRATIONS)
    async with open_log(kind, request, database_url) as log, contextlib.AsyncExitStack() as stack:
        stand = Stand(log, database_url)
        await create_topics(log, {*stand.blueprint.topics, *stand.blueprint.outputs})
        stack.push_async_callback(stand.blueprint.stop)
        await stand.blueprint.start()
        stack.push_async_callback(stand.stop)
        await stand.begin_here()
        yield stand


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
