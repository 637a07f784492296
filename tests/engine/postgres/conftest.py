"""Databases with tables to try things on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from shared.postgres.database import Database, DatabaseLimits


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A started database with one table, ``thing(name, count)``, and short limits."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "CREATE SCHEMA room; CREATE TABLE room.thing (name text PRIMARY KEY, count int)"
        )
    finally:
        await connection.close()
    limits = DatabaseLimits(
        connections=3,
        connect_timeout=timedelta(seconds=2),
        lock_timeout=timedelta(milliseconds=100),
        idle_in_transaction_timeout=timedelta(milliseconds=300),
    )
    database = Database(database_url, schema="room", application="tests", limits=limits)
    await database.start()
    try:
        yield database
    finally:
        await database.stop()
