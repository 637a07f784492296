"""Routing's surroundings: a migrated database and one of the two logs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from services.routing.bootstrap import MIGRATIONS
from shared.contracts.topics import all_topics
from shared.kernel.clock import SimulatedClock
from shared.log.embedded.log import EmbeddedLog
from shared.log.port import Log, TopicLayout
from shared.postgres.database import Database
from shared.postgres.migrations import migrate
from tests.services.routing.stand import Stand
from tests.services.routing.words import PARTITIONS, Words
from tests.unit.routing.floor import local

START = local("2026-05-08 10:00")
"""A Friday; the Saturday after it is a make-up day, the Sunday is not."""


@contextlib.asynccontextmanager
async def open_stand(kind: str, request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stand]:
    """Prepare the database, the log and its topics; stop whatever still runs at the end."""
    await migrate(database_url, schema="routing", scripts=MIGRATIONS)
    log_database: Database | None = None
    log: Log
    if kind == "embedded":
        admin = Database(database_url, schema="public", application="prepare")
        await admin.start()
        async with admin.connection() as connection:
            await connection.execute("CREATE SCHEMA IF NOT EXISTS log")
        await admin.stop()
        log_database = Database(database_url, schema="log", application="log")
        await log_database.start()
        embedded = EmbeddedLog(log_database, lease=3.0)
        await embedded.prepare()
        log = embedded
    else:
        from shared.log.kafka.log import KafkaLog

        log = KafkaLog(request.getfixturevalue("kafka_broker").address, session_timeout=6.0)
    stand = Stand(log, database_url, SimulatedClock(START))
    topics = {*stand.stage.topics, *stand.stage.outputs, stand.stage.dead_letters}
    # without retention: under a simulated clock all records are old, and Kafka would remove them at once
    wanted = [
        TopicLayout(name=one.name, partitions=PARTITIONS, compacted=one.compacted)
        for one in all_topics()
        if one.name in topics
    ]
    topic_admin = await log.admin()
    await topic_admin.create(wanted)
    await topic_admin.stop()
    await stand.blueprint.start()
    try:
        await stand.begin_here()
        yield stand
    finally:
        await stand.stop()
        await stand.blueprint.stop()
        if log_database is not None:
            await log_database.stop()


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
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
