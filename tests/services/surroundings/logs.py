"""Either log with the topics of a service, for tests that know nothing of which it is."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection

import pytest

from shared.contracts.topics import all_topics
from shared.log.embedded.log import EmbeddedLog
from shared.log.port import Log, TopicLayout
from shared.postgres.database import Database

PARTITIONS = 4
BOTH = ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)]
"""The parameters of a fixture that stands on each log in turn."""


@contextlib.asynccontextmanager
async def open_log(kind: str, request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Log]:
    """Yield the embedded log in a schema of this database, or a client of the tests' Kafka."""
    if kind == "kafka":
        from shared.log.kafka.log import KafkaLog

        yield KafkaLog(request.getfixturevalue("kafka_broker").address, session_timeout=6.0)
        return
    admin = Database(database_url, schema="public", application="prepare")
    await admin.start()
    async with admin.connection() as connection:
        await connection.execute("CREATE SCHEMA IF NOT EXISTS log")
    await admin.stop()
    database = Database(database_url, schema="log", application="log")
    await database.start()
    try:
        embedded = EmbeddedLog(database, lease=3.0)
        await embedded.prepare()
        yield embedded
    finally:
        await database.stop()


async def create_topics(log: Log, names: Collection[str], *, partitions: int = PARTITIONS) -> None:
    """Create these topics, without retention.

    Under a simulated clock all records are old, and Kafka would remove them at once.
    """
    admin = await log.admin()
    try:
        await admin.create(
            [
                TopicLayout(name=one.name, partitions=partitions, compacted=one.compacted)
                for one in all_topics()
                if one.name in names
            ]
        )
    finally:
        await admin.stop()
