"""The embedded log on a real PostgreSQL, seen from one process and from several."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from shared.log.embedded import EmbeddedLog
from shared.postgres.database import Database

LEASE = 1.5

OpenLog = Callable[[], Awaitable[EmbeddedLog]]


@pytest.fixture
async def open_log(database_url: str) -> AsyncIterator[OpenLog]:
    """Opens the log as one more process would: with connections and wake-ups of its own."""
    async with AsyncExitStack() as stack:

        async def open_one() -> EmbeddedLog:
            database = Database(database_url, schema="log", application="embedded-log")
            await database.start()
            stack.push_async_callback(database.stop)
            log = EmbeddedLog(database, lease=LEASE)
            await log.prepare()
            return log

        yield open_one


@pytest.fixture
async def log(open_log: OpenLog) -> EmbeddedLog:
    return await open_log()
