"""Routing's surroundings: a migrated database and one of the two logs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from services.routing.bootstrap import MIGRATIONS
from shared.kernel.clock import SimulatedClock
from shared.postgres.migrations import migrate
from tests.services.routing.stand import Stand
from tests.services.routing.words import Words
from tests.services.surroundings.logs import BOTH, create_topics, open_log
from tests.unit.routing.floor import local

START = local("2026-05-08 10:00")
"""A Friday; the Saturday after it is a make-up day, the Sunday is not."""


@contextlib.asynccontextmanager
async def open_stand(kind: str, request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Prepare the database, the log and its topics; stop whatever still runs at the end."""
    await migrate(database_url, schema="routing", scripts=MIGRATIONS)
    async with open_log(kind, request, database_url) as log, contextlib.AsyncExitStack() as stack:
        stand = Stand(log, database_url, SimulatedClock(START))
        await create_topics(log, {*stand.blueprint.topics, *stand.blueprint.outputs})
        stack.push_async_callback(stand.blueprint.stop)
        await stand.blueprint.start()
        stack.push_async_callback(stand.stop)
        await stand.begin_here()
        yield stand


@pytest.fixture(params=BOTH)
async def stand(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Routing on each log in turn, under a clock that stands still until it is moved."""
    async with open_stand(request.param, request, database_url) as opened:
        yield opened


@pytest.fixture
async def small_stand(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Routing on the embedded log, for what does not depend on the log."""
    async with open_stand("embedded", request, database_url) as opened:
        yield opened


@pytest.fixture
def words(database_url: str) -> Words:
    """What is said to routing, with ids that no other test uses."""
    return Words(database_url)
