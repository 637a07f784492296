"""Empty databases for tests, each under a name of its own, emptied and renamed more often than made.

PostgreSQL makes a database by writing some three hundred files; dropping what a test has left in one costs
a small part of that. Whoever still holds the address of an earlier test finds nothing under it. Where tests
want the tables of services, those stay from one test to the next, as long as only rows have changed, with
the rows that their migrations have put into them.
"""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from shared.postgres.migrations import migrate

_MOST_USES = 40
"""After so many tests a database is dropped: its catalogue has grown by what was dropped in it."""

_EMPTY = """
DO $$ DECLARE
    kept text[] := ARRAY[{kept}]::text[];
    room text; found record; has_rows boolean; filled text[] := '{{}}';
BEGIN
    FOR room IN
        SELECT nspname FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND nspname <> ALL (kept)
    LOOP EXECUTE format('DROP SCHEMA %I CASCADE', room); END LOOP;
    CREATE SCHEMA public AUTHORIZATION pg_database_owner;
    GRANT USAGE ON SCHEMA public TO PUBLIC;
    FOR found IN
        SELECT format('%I.%I', nspname, relname) AS name
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = ANY (kept) AND relkind = 'r' AND relname <> 'schema_version'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', found.name) INTO has_rows;
        IF has_rows THEN filled := filled || found.name; END IF;
    END LOOP;
    IF filled <> '{{}}' THEN EXECUTE 'TRUNCATE ' || array_to_string(filled, ', '); END IF;
    FOR found IN SELECT schemaname, sequencename FROM pg_sequences
        WHERE schemaname = ANY (kept) AND last_value IS NOT NULL
    LOOP EXECUTE format('ALTER SEQUENCE %I.%I RESTART', found.schemaname, found.sequencename); END LOOP;
END $$
"""

_TABLES = """
SELECT format('%I.%I', nspname, relname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = ANY ($1) AND relkind = 'r' AND relname <> 'schema_version'
"""

_SHAPE = """
SELECT md5(
    (SELECT string_agg(to_jsonb(pg_attribute)::text, E'\\n' ORDER BY attrelid, attnum)
     FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relnamespace::regnamespace::text = ANY ($1))
    || (SELECT coalesce(string_agg(pg_get_constraintdef(oid), E'\\n' ORDER BY oid), '') FROM pg_constraint
        WHERE connamespace::regnamespace::text = ANY ($1))
    || (SELECT coalesce(string_agg(tgname, E'\\n' ORDER BY pg_trigger.oid), '') FROM pg_trigger)
    || (SELECT count(*) FROM pg_proc WHERE pronamespace::regnamespace::text = ANY ($1))
)
"""


class FreshDatabases:
    """Hands out empty databases of one server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = itertools.count(1)
        self._uses: dict[str, int] = {}
        self._spare: dict[frozenset[str], list[str]] = defaultdict(list)
        self._shapes: dict[str, str] = {}
        self._seeds: dict[frozenset[str], dict[str, str]] = {}

    async def take(self, schemas: Mapping[str, Path] | None = None) -> str:
        """Return the address of an empty database that nobody else has.

        With ``schemas``, names with the folders of their migrations, it has these and their empty tables.
        """
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        admin = await asyncpg.connect(self._url)
        spares = self._spare[frozenset(schemas or ())]
        try:
            while spares:
                spare = spares.pop()
                try:
                    await admin.execute(f"ALTER DATABASE {spare} RENAME TO {name}")
                except asyncpg.ObjectInUseError:  # whoever looks in again late keeps it to the end
                    continue
                self._uses[name] = self._uses.pop(spare) + 1
                self._shapes[name] = self._shapes.pop(spare, "")
                return self._address(name)
            await admin.execute(f"CREATE DATABASE {name}")
            self._uses[name] = 1
        finally:
            await admin.close()
        address = self._address(name)
        for schema, scripts in (schemas or {}).items():
            await migrate(address, schema=schema, scripts=scripts)
        self._shapes[name] = await _read_shape(address, schemas) if schemas else ""
        if schemas and frozenset(schemas) not in self._seeds:
            self._seeds[frozenset(schemas)] = await _read_rows(address, schemas)
        return address

    async def give_back(self, address: str, schemas: Mapping[str, Path] | None = None) -> None:
        """Take a database back, and end whatever is still connected to it."""
        name = urlsplit(address).path.removeprefix("/")
        admin = await asyncpg.connect(self._url)
        try:
            await admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name
            )
            if self._uses[name] < _MOST_USES and await self._is_emptied(address, schemas or {}):
                self._spare[frozenset(schemas or ())].append(name)
            else:
                await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
                del self._uses[name]
        finally:
            await admin.close()

    async def drop_all(self) -> None:
        """Leave nothing behind."""
        admin = await asyncpg.connect(self._url)
        try:
            for name in self._uses:
                await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        finally:
            await admin.close()

    async def _is_emptied(self, address: str, schemas: Mapping[str, Path]) -> bool:
        """Empty it; False if whatever the test left does not allow that."""
        name = urlsplit(address).path.removeprefix("/")
        try:
            if schemas and await _read_shape(address, schemas) != self._shapes[name]:
                return False
            inside = await asyncpg.connect(address)
            try:
                await inside.execute(_EMPTY.format(kept=", ".join(f"'{schema}'" for schema in schemas)))
                for table, rows in self._seeds.get(frozenset(schemas), {}).items():
                    await inside.execute(
                        f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, $1)",
                        rows,
                    )
            finally:
                await inside.close()
        except asyncpg.PostgresError:
            return False
        return True

    def _address(self, name: str) -> str:
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))


async def _read_shape(address: str, schemas: Mapping[str, Path]) -> str:
    """Return what changes with any change but of rows."""
    inside = await asyncpg.connect(address)
    try:
        return str(await inside.fetchval(_SHAPE, list(schemas)))
    finally:
        await inside.close()


async def _read_rows(address: str, schemas: Mapping[str, Path]) -> dict[str, str]:
    """Return the rows that migrations have put into tables, as JSON by table."""
    inside = await asyncpg.connect(address)
    try:
        tables = [row[0] for row in await inside.fetch(_TABLES, list(schemas))]
        found = {table: await inside.fetchval(f"SELECT json_agg(t) FROM {table} AS t") for table in tables}
        return {table: rows for table, rows in found.items() if rows is not None}
    finally:
        await inside.close()
