"""Brings a service's schema up to date: Alembic, run from here, without configuration files.

A folder of migrations holds ``NNNN_pre_<what>.py`` and ``NNNN_post_<what>.py``, in one line without
branches; each is an Alembic script with ``revision = "NNNN"``. *Pre* scripts expand the schema so
that the old code still runs on it; they run before new code starts. *Post* scripts contract it and
run when no old code is left. Each runs in a transaction of its own, together with its entry in the
table ``schema_version`` of the same schema, waits at most five seconds for a lock (a migration that
queues behind a long transaction would stop everybody behind itself), and can be had again.

What a migration does to many rows belongs into a job that can be resumed, not here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import asyncpg

from shared.kernel.errors import Rejected
from shared.postgres.faults import DatabaseUnavailable, SchemaOutdated, connecting, verdicts

Phase = Literal["all", "pre"]

_VERSION_TABLE = "schema_version"
_FILE = re.compile(r"(?P<number>\d{4})_(?P<phase>pre|post)_[a-z0-9_]+\.py")
_TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
_CONNECT_SECONDS = 5
_WAIT_SECONDS = 120
"""How long to wait for somebody else who migrates the same schema."""


class MigrationScript(NamedTuple):
    """A file of the folder: its number, whether it expands or contracts, its name without ending."""

    number: str
    phase: Literal["pre", "post"]
    name: str


def list_scripts(folder: Path) -> list[MigrationScript]:
    """Return the scripts of a folder in order.

    :raises ValueError: if a file is not named after the rule, or two have the same number.
    """
    scripts: list[MigrationScript] = []
    for path in sorted(folder.glob("*.py")):
        if path.name == "__init__.py":
            continue
        matched = _FILE.fullmatch(path.name)
        if matched is None:
            raise ValueError(f"{path.name}: a migration is named NNNN_pre_<what>.py or NNNN_post_<what>.py")
        phase: Literal["pre", "post"] = "pre" if matched["phase"] == "pre" else "post"
        scripts.append(MigrationScript(matched["number"], phase, path.stem))
    numbers = [script.number for script in scripts]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{folder.name}: two migrations have the same number")
    return scripts


def choose_scripts(
    scripts: Sequence[MigrationScript], *, present: str | None, phase: Phase
) -> list[MigrationScript]:
    """Return what is still to be run, in order, after the version that is ``present``.

    :raises Rejected: code ``database.migration_order`` if phase ``pre`` cannot be had because the
        contracting script of an earlier release comes first.
    """
    pending = [script for script in scripts if present is None or script.number > present]
    if phase == "all":
        return pending
    chosen: list[MigrationScript] = []
    held_back: MigrationScript | None = None
    for script in pending:
        if script.phase == "post":
            held_back = held_back or script
        elif held_back is not None:
            raise Rejected(
                f"{held_back.name} of an earlier release is still to come; finish that release first,"
                " or stop what runs and migrate everything",
                code="database.migration_order",
            )
        else:
            chosen.append(script)
    return chosen


async def migrate(url: str, *, schema: str, scripts: Path, phase: Phase = "all") -> list[str]:
    """Create the schema, run what is pending, and return the names of the scripts that ran.

    ``url`` is ``postgresql://user@host/database``, also with ``?host=/socket/folder``. Two that
    migrate one schema at once take turns. What ran before a failure stays done.

    :raises DatabaseUnavailable: if the database does not answer, or somebody else migrates for
        longer than two minutes.
    :raises WriteConflict: if a lock was not had within five seconds; try again.
    :raises Rejected: as :func:`choose_scripts`.
    :raises ValueError: if the folder is not in order.
    """
    listed = list_scripts(scripts)
    async with _turn(url, schema) as connection:
        present = await _read_version(connection, schema)
        pending = choose_scripts(listed, present=present, phase=phase)
        if not pending and present is not None:
            return []
        # a third of a second of imports, which almost no start needs
        from shared.postgres.alembic_line import AlembicLine

        line = AlembicLine(scripts, [script.number for script in listed], table=_VERSION_TABLE)
        if await connection.fetchval("SELECT to_regnamespace($1)", f'"{schema}"') is None:
            await connection.execute(f'CREATE SCHEMA "{schema}"')
        if pending:
            numbers = [script.number for script in pending]
            await line.run(numbers, schema=schema, connect=lambda: _connect(url, schema))
    return [script.name for script in pending]


async def expected_and_present(url: str, schema: str, scripts: Path) -> tuple[str, str | None]:
    """Return the version that the code needs (its last *pre* script) and the one that is there.

    The present version may be higher: a *post* script, or a release that is being rolled out.

    :raises DatabaseUnavailable: if the database does not answer.
    """
    expected = max(
        (script.number for script in list_scripts(scripts) if script.phase == "pre"), default="0000"
    )
    async with _connection(url, schema) as connection:
        return expected, await _read_version(connection, schema)


async def require_schema(url: str, *, schema: str, scripts: Path) -> None:
    """Make sure that the schema is at least what the code needs.

    :raises SchemaOutdated: if it is not.
    :raises DatabaseUnavailable: if the database does not answer.
    """
    expected, present = await expected_and_present(url, schema, scripts)
    if expected > (present or "0000"):
        raise SchemaOutdated(
            f"schema {schema} is at version {present or 'none'}, this code needs {expected};"
            " run `leadmill migrate`"
        )


def execute_script(sql: str) -> None:
    """Run several statements at once; for migrations, where ``op.execute`` takes one at a time."""
    from alembic import op

    bind = op.get_bind()
    bind.exec_driver_sql("SELECT 1")  # the driver opens a transaction with the first statement it sees itself
    adapted: Any = bind.connection.dbapi_connection
    adapted.run_async(lambda connection: connection.execute(sql))


@asynccontextmanager
async def _connection(url: str, schema: str) -> AsyncIterator[Any]:
    with verdicts():
        connection = await _connect(url, schema)
        try:
            yield connection
        finally:
            await connection.close(timeout=_CONNECT_SECONDS)


async def _connect(url: str, schema: str) -> Any:
    with connecting():
        return await asyncpg.connect(
            url,
            timeout=_CONNECT_SECONDS,
            server_settings={
                "application_name": f"leadmill-migrate/{schema}",
                "search_path": f'"{schema}"',
                "lock_timeout": "5s",
            },
        )


@asynccontextmanager
async def _turn(url: str, schema: str) -> AsyncIterator[Any]:
    """Hold the lock of those who migrate this schema.

    It is asked for again and again instead of waited for: a statement that waits holds a snapshot,
    for which CREATE INDEX CONCURRENTLY of the one before would wait in turn.
    """
    async with _connection(url, schema) as connection:
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                while True:
                    if await connection.fetchval(_TRY_LOCK, f"leadmill migrate {schema}"):
                        break
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise DatabaseUnavailable(f"somebody else has been migrating {schema} for two minutes") from None
        yield connection


async def _read_version(connection: Any, schema: str) -> str | None:
    table = f'"{schema}".{_VERSION_TABLE}'
    if await connection.fetchval("SELECT to_regclass($1)", table) is None:
        return None
    version: str | None = await connection.fetchval(f"SELECT max(version_num) FROM {table}")  # noqa: S608 - our own names
    return version
