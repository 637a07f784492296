"""Ingest's tables in a fresh database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from services.ingest.bootstrap import MIGRATIONS
from shared.postgres.database import Database
from shared.postgres.migrations import migrate
from tests.services.ingest.running import RunningIngest, run_ingest


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, Path]:
    """The tables of ingest."""
    return {"ingest": MIGRATIONS}


@pytest.fixture
async def ingest_database(database_url: str) -> AsyncIterator[Database]:
    """A started database with the schema of ingest."""
    await migrate(database_url, schema="ingest", scripts=MIGRATIONS)
    database = Database(database_url, schema="ingest", application="tests")
    await database.start()
    yield database
    await database.stop()


@pytest.fixture
async def ingest(database_url: str, tmp_path: Path) -> AsyncIterator[RunningIngest]:
    """The whole service, running."""
    async with run_ingest(database_url, tmp_path) as running:
        yield running


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def ingest_on_each_log(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path
) -> AsyncIterator[RunningIngest]:
    """The whole service, running on each log in turn."""
    kafka = request.getfixturevalue("kafka_broker").address if request.param == "kafka" else ""
    async with run_ingest(database_url, tmp_path, kafka=kafka) as running:
        yield running


@pytest.fixture
def database_of_any_cut(
    postgres_url: str,
) -> Iterator[tuple[Callable[[Coroutine[Any, Any, Any]], Any], Database]]:
    """A started database and the loop that it lives in, for tests that draw many examples."""
    with asyncio.Runner() as runner:
        name = "test_any_cut"
        url = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))

        async def on_server(*statements: str) -> None:
            admin = await asyncpg.connect(postgres_url)
            for statement in statements:
                await admin.execute(statement)
            await admin.close()

        runner.run(on_server(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}"))
        runner.run(migrate(url, schema="ingest", scripts=MIGRATIONS))
        database = Database(url, schema="ingest", application="tests")
        runner.run(database.start())
        yield runner.run, database
        runner.run(database.stop())
        runner.run(on_server(f"DROP DATABASE {name} WITH (FORCE)"))
