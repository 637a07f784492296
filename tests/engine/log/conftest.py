"""One log after the other for every test of the suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from shared.log.embedded import EmbeddedLog
from shared.log.port import Log
from shared.postgres.database import Database
from shared.testing.kafka_broker import KafkaBroker
from tests.engine.log.drivers import EmbeddedDriver, KafkaDriver, LogDriver
from tests.engine.log.scenes import Scene


@pytest.fixture
def kafka_driver(kafka_broker: KafkaBroker) -> KafkaDriver:
    return KafkaDriver(kafka_broker)


@pytest.fixture
async def embedded_driver(postgres_url: str, database_url: str) -> AsyncIterator[EmbeddedDriver]:
    database = Database(database_url, schema="log", application="log-suite")
    await database.start()
    try:
        log = EmbeddedLog(database, lease=EmbeddedDriver.session_seconds)
        await log.prepare()
        yield EmbeddedDriver(log, database_url=database_url, postgres_url=postgres_url)
    finally:
        await database.stop()


@pytest.fixture(
    params=[
        pytest.param("kafka", marks=pytest.mark.kafka),
        pytest.param("embedded", marks=pytest.mark.postgres),
    ]
)
def driver(request: pytest.FixtureRequest) -> LogDriver:
    """The log under test, once Kafka's and once the embedded one."""
    driver: LogDriver = request.getfixturevalue(f"{request.param}_driver")
    return driver


@pytest.fixture
def log(driver: LogDriver) -> Log:
    return driver.log


@pytest.fixture
async def scene(driver: LogDriver) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        yield Scene(driver, stack)
