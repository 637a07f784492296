"""One view of several tables: what a question or a check reads must have been true at one moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.postgres.database import Database, Transaction


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Transaction]:
    """Lend a transaction that reads everything as of its first statement and writes nothing."""
    async with database.transaction() as transaction:
        await transaction.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield transaction
