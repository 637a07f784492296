"""The scripts of one schema as Alembic has them: one line without branches, run one after the other.

Only whoever has something to run imports this: Alembic and SQLAlchemy take a third of a second to import.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.postgres.faults import verdicts


class AlembicLine:
    """A folder of scripts, whose numbers in order are ``numbers``; ``table`` keeps what has run.

    :raises ValueError: if the scripts say otherwise.
    """

    def __init__(self, folder: Path, numbers: Sequence[str], *, table: str) -> None:
        self._table = table
        self._directory = ScriptDirectory(str(folder), version_locations=[str(folder)])
        found = sorted((script.revision, script.down_revision) for script in self._directory.walk_revisions())
        if found != list(zip(numbers, [None, *numbers], strict=False)):
            raise ValueError(
                "migrations: `revision` is the number of its file and `down_revision` the one before it"
            )

    async def run(
        self, pending: Sequence[str], *, schema: str, connect: Callable[[], Awaitable[Any]]
    ) -> None:
        """Run the scripts of these numbers, each in a transaction of its own.

        :raises DatabaseUnavailable, WriteConflict: as the database says; what ran before stays done.
        """
        engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
        try:
            with verdicts():
                try:
                    async with engine.connect() as connection:
                        await connection.run_sync(self._upgrade, pending, schema)
                except DBAPIError as error:
                    raise (error.orig.__cause__ if error.orig else None) or error from error
        finally:
            await engine.dispose()

    def _upgrade(self, connection: Connection, pending: Sequence[str], schema: str) -> None:
        directory = self._directory
        steps = [
            MigrationStep.upgrade_from_script(directory.revision_map, directory.get_revision(number))
            for number in pending
        ]
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": self._table,
                "version_table_schema": schema,
                "transaction_per_migration": True,
                "script": directory,
                "fn": lambda _present, _context: steps,
            },
        )
        with Operations.context(context), context.begin_transaction():
            context.run_migrations()
