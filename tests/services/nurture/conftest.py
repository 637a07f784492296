"""Nurture's surroundings: a migrated database, one of the two logs, a mail server, a front door."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from leadmill.demo.mail_sink import MailSink
from services.nurture.bootstrap import MIGRATIONS
from shared.kernel.clock import SimulatedClock
from shared.postgres.migrations import migrate
from tests.services.nurture.front_door import FrontDoor
from tests.services.nurture.stand import Stand
from tests.services.nurture.words import Words
from tests.services.surroundings.logs import BOTH, create_topics, open_log
from tests.unit.nurture.stories import START


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, Path]:
    """The tables of nurture."""
    return {"nurture": MIGRATIONS}


@contextlib.asynccontextmanager
async def open_stand(
    kind: str, request: pytest.FixtureRequest, database_url: str, **settings: Any
) -> AsyncIterator[Stand]:
    """Prepare the database, the log and its topics; stop whatever still runs at the end."""
    await migrate(database_url, schema="nurture", scripts=MIGRATIONS)
    async with open_log(kind, request, database_url) as log, contextlib.AsyncExitStack() as stack:
        sink = await stack.enter_async_context(MailSink())
        door = await stack.enter_async_context(FrontDoor())
        data = request.getfixturevalue("tmp_path")
        stand = Stand(log, database_url, SimulatedClock(START), data=data, sink=sink, door=door, **settings)
        await create_topics(log, {*stand.blueprint.topics, *stand.blueprint.outputs})
        await stand.blueprint.start()
        stack.push_async_callback(stand.end)
        stack.push_async_callback(stand.stop)
        await stand.begin_here()
        yield stand


@pytest.fixture(params=BOTH)
async def stand(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Nurture on each log in turn, under a clock that stands still until it is moved."""
    async with open_stand(request.param, request, database_url) as opened:
        await opened.start()
        yield opened


@pytest.fixture
async def small_stand(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Nurture on the embedded log, for what does not depend on the log."""
    async with open_stand("embedded", request, database_url) as opened:
        await opened.start()
        yield opened


@pytest.fixture
async def idle_stand(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """The same, with the worker running and no job."""
    async with open_stand("embedded", request, database_url, lease="13s") as opened:
        await opened.start(jobs=False)
        yield opened


@pytest.fixture
def words(database_url: str) -> Words:
    """What is said to nurture, with ids that no other test uses."""
    return Words(database_url)
