"""A database with sources, write keys and tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.postgres.database import Database
from shared.security.tables import ACCESS_TABLES, SOURCE_TABLES, WRITE_KEY_LIFE


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "CREATE SCHEMA ingest; SET search_path = ingest;" + SOURCE_TABLES + WRITE_KEY_LIFE + ACCESS_TABLES
    )
    await connection.close()
    database = Database(database_url, schema="ingest", application="test")
    await database.start()
    yield database
    await database.stop()
