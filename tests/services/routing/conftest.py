"""Routing's surroundings: a migrated database and one of the two logs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from services.routing.bootstrap import MIGRATIONS
from shared.kernel.clock import SimulatedClock
from tests.services.routing.stand import Stand
from tests.services.routing.words import Words
from tests.services.surroundings.logs import BOTH
from tests.services.surroundings.stand import open_service_stand
from tests.unit.routing.floor import local

START = local("2026-05-08 10:00")
"""A Friday; the Saturday after it is a make-up day, the Sunday is not."""


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, Path]:
    """The tables of routing."""
    return {"routing": MIGRATIONS}


def open_stand(
    kind: str, request: pytest.FixtureRequest, database_url: str
) -> AbstractAsyncContextManager[Stand]:
    """Open routing on one of the logs."""
    return open_service_stand(
        kind,
        request,
        database_url,
        schema="routing",
        scripts=MIGRATIONS,
        make=lambda log: Stand(log, database_url, SimulatedClock(START)),
    )


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
