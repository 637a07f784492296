"""Analytics' surroundings: a migrated database and one of the two logs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from services.analytics.bootstrap import MIGRATIONS
from shared.contracts.topics import all_topics
from shared.log.embedded.log import EmbeddedLog
from shared.log.port import Log, TopicLayout
from shared.postgres.database import Database
from shared.postgres.migrations import migrate
from tests.services.analytics.stand import PARTITIONS, Stand


@contextlib.asynccontextmanager
async def open_stand(kind: str, request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Prepare the database, the log and its topics; stop whatever still runs at the end."""
    await migrate(database_url, schema="analytics", scripts=MIGRATIONS)
    async with contextlib.AsyncExitStack() as stack:
        log: Log
        if kind == "embedded":
            await migrate_log(database_url)
            log_database = Database(database_url, schema="log", application="log")
            stack.push_async_callback(log_database.stop)
            await log_database.start()
            embedded = EmbeddedLog(log_database, lease=3.0)
            await embedded.prepare()
            log = embedded
        else:
            from shared.log.kafka.log import KafkaLog

            log = KafkaLog(request.getfixturevalue("kafka_broker").address, session_timeout=6.0)
        stand = Stand(log, database_url)
        wanted = {*stand.stage.topics, stand.stage.dead_letters}
        topic_admin = await log.admin()
        await topic_admin.create(
            [TopicLayout(name=one.name, partitions=PARTITIONS) for one in all_topics() if one.name in wanted]
        )
        await topic_admin.stop()
        stack.push_async_callback(stand.blueprint.stop)
        await stand.blueprint.start()
        await stand.begin_here()
        stack.push_async_callback(stand.stop)
        yield stand


async def migrate_log(database_url: str) -> None:
    """Make the schema that the embedded log lives in."""
    admin = Database(database_url, schema="public", application="prepare")
    await admin.start()
    async with admin.connection() as connection:
        await connection.execute("CREATE SCHEMA IF NOT EXISTS log")
    await admin.stop()


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def stand(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Analytics on each log in turn."""
    async with open_stand(request.param, request, database_url) as opened:
        yield opened


@pytest.fixture
async def small_stand(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Analytics on the embedded log, for what does not depend on the log."""
    async with open_stand("embedded", request, database_url) as opened:
        yield opened
