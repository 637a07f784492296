"""Empty databases for tests, each under a name of its own, emptied and renamed more often than made.

PostgreSQL makes a database by writing some three hundred files; dropping what a test has left in one costs
a small part of that. Whoever still holds the address of an earlier test finds nothing under it.
"""

from __future__ import annotations

import itertools
import os
from urllib.parse import urlsplit, urlunsplit

import asyncpg

_MOST_USES = 20
"""After so many tests a database is dropped: its catalogue has grown by what was dropped in it."""

_EMPTY = """
DO $$ DECLARE room text; BEGIN
    FOR room IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    LOOP EXECUTE format('DROP SCHEMA %I CASCADE', room); END LOOP;
    CREATE SCHEMA public AUTHORIZATION pg_database_owner;
    GRANT USAGE ON SCHEMA public TO PUBLIC;
END $$
"""


class FreshDatabases:
    """Hands out empty databases of one server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = itertools.count(1)
        self._uses: dict[str, int] = {}
        self._spare: list[str] = []

    async def take(self) -> str:
        """Return the address of an empty database that nobody else has."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        admin = await asyncpg.connect(self._url)
        try:
            while self._spare:
                spare = self._spare.pop()
                try:
                    await admin.execute(f"ALTER DATABASE {spare} RENAME TO {name}")
                except asyncpg.ObjectInUseError:  # whoever looks in again late keeps it to the end
                    continue
                self._uses[name] = self._uses.pop(spare) + 1
                return self._address(name)
            await admin.execute(f"CREATE DATABASE {name}")
            self._uses[name] = 1
        finally:
            await admin.close()
        return self._address(name)

    async def give_back(self, address: str) -> None:
        """Take a database back, and end whatever is still connected to it."""
        name = urlsplit(address).path.removeprefix("/")
        admin = await asyncpg.connect(self._url)
        try:
            await admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name
            )
            if self._uses[name] < _MOST_USES and await self._is_emptied(address):
                self._spare.append(name)
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

    @staticmethod
    async def _is_emptied(address: str) -> bool:
        """Empty it; False if whatever the test left does not allow that."""
        try:
            inside = await asyncpg.connect(address)
            try:
                await inside.execute(_EMPTY)
            finally:
                await inside.close()
        except asyncpg.PostgresError:
            return False
        return True

    def _address(self, name: str) -> str:
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))
