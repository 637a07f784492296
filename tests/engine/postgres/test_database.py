"""Transactions on a real PostgreSQL, and what becomes of them when something breaks."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from shared.kernel.errors import code_of
from shared.postgres.database import Database
from shared.postgres.faults import CommitUnknown, DatabaseUnavailable, SchemaMissing, WriteConflict

pytestmark = pytest.mark.postgres


LINGER_IN_COMMIT = """
CREATE FUNCTION room.linger() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN PERFORM pg_sleep(5); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON room.thing DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION room.linger();
"""


async def cut(connection: Any, *, where: str) -> None:
    """Have the server cut a connection of the database under test, as soon as there is such a one."""
    statement = (
        "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE application_name = 'tests' AND "
    )
    async with asyncio.timeout(60):
        while True:
            if await connection.fetch(statement + where):
                return
            await asyncio.sleep(0.01)


async def count_things(database: Database) -> int:
    async with database.connection() as connection:
        return int(await connection.fetch_value("SELECT count(*) FROM thing"))


class TestATransaction:
    async def test_is_committed_at_its_end(self, database: Database) -> None:
        async with database.transaction() as transaction:
            assert await transaction.execute("INSERT INTO thing VALUES ('a', 1), ('b', 2)") == 2
        async with database.connection() as connection:
            row = await connection.fetch_row("SELECT name, count FROM thing WHERE name = $1", "b")
        assert row is not None
        assert dict(row.items()) == {"name": "b", "count": 2}

    async def test_is_undone_if_its_body_fails(self, database: Database) -> None:
        async def fail() -> None:
            async with database.transaction() as transaction:
                await transaction.execute("INSERT INTO thing VALUES ('a', 1)")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert await count_things(database) == 0

    async def test_is_undone_if_it_is_cancelled_in_the_middle_of_a_statement(
        self, database: Database
    ) -> None:
        async def linger() -> None:
            async with database.transaction() as transaction:
                await transaction.execute("INSERT INTO thing VALUES ('a', 1)")
                await transaction.execute("SELECT pg_sleep(5)")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(linger(), 0.1)
        assert await count_things(database) == 0

    async def test_that_need_not_be_durable_waits_for_no_disk(self, database: Database) -> None:
        async with database.transaction(durable=False) as transaction:
            assert await transaction.fetch_value("SHOW synchronous_commit") == "off"
        async with database.transaction() as transaction:
            assert await transaction.fetch_value("SHOW synchronous_commit") == "on"

    async def test_copies_rows_in(self, database: Database) -> None:
        async with database.transaction() as transaction:
            await transaction.copy("thing", columns=["name", "count"], rows=((str(n), n) for n in range(100)))
        assert await count_things(database) == 100

    async def test_that_stands_still_is_ended_so_that_its_successor_need_not_wait(
        self, database: Database
    ) -> None:
        async def stand_still() -> None:
            async with database.transaction() as transaction:
                await transaction.execute("INSERT INTO thing VALUES ('a', 1)")
                await asyncio.sleep(0.6)
                await transaction.execute("INSERT INTO thing VALUES ('b', 1)")

        with pytest.raises(DatabaseUnavailable):
            await stand_still()
        assert await count_things(database) == 0

    @pytest.mark.parametrize("where", ["between its messages", "before an answer"])
    async def test_that_stands_still_in_a_statement_is_ended_by_whoever_wants_its_locks(
        self, where: str, database: Database, database_url: str
    ) -> None:
        """No time-out of PostgreSQL ends it: it does not count as idle, and the statement is not running."""
        stopped = await asyncpg.connect(
            database_url, server_settings={"idle_in_transaction_session_timeout": "300"}
        )
        async with database.transaction() as transaction:
            await transaction.execute("INSERT INTO thing VALUES ('a', 1)")
        await stopped.execute("BEGIN; UPDATE room.thing SET count = 2")
        ask = await stopped.prepare("SELECT repeat('x', 50000000)")
        stopped._transport.pause_reading()  # as far as the server can tell, it is frozen from here on
        waiting = asyncio.create_task(
            ask.fetchval() if where == "before an answer" else stopped.fetchval("SELECT $1::int", 1)
        )

        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(WriteConflict):
                    async with database.transaction() as transaction:
                        await transaction.execute("UPDATE thing SET count = 3")
                    break

        stopped._transport.resume_reading()
        with pytest.raises(
            (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
        ):
            await waiting
        async with database.connection() as connection:
            assert await connection.fetch_value("SELECT count FROM thing") == 3
        stopped.terminate()

    async def test_that_only_reads_is_left_alone_however_slowly_it_does(
        self, database: Database, database_url: str
    ) -> None:
        reader = await asyncpg.connect(database_url)
        await reader.execute("BEGIN; SELECT 1 FROM room.thing")
        ask = await reader.prepare("SELECT repeat('x', 50000000)")
        reader._transport.pause_reading()
        reading = asyncio.create_task(ask.fetchval())
        await asyncio.sleep(0.5)

        async with database.transaction() as first:
            await first.execute("INSERT INTO thing VALUES ('a', 1)")
            with pytest.raises(WriteConflict):
                async with database.transaction() as second:
                    await second.execute("INSERT INTO thing VALUES ('a', 2)")

        reader._transport.resume_reading()
        assert len(await reading) == 50_000_000
        await reader.close()

    async def test_that_waits_too_long_for_a_lock_is_a_conflict(self, database: Database) -> None:
        async with database.transaction() as first:
            await first.execute("INSERT INTO thing VALUES ('a', 1)")
            with pytest.raises(WriteConflict) as conflict:
                async with database.transaction() as second:
                    await second.execute("LOCK TABLE thing")
            assert code_of(conflict.value) == "database.conflict"

    async def test_whose_commit_is_not_answered_is_neither_done_nor_undone(
        self, database: Database, database_url: str
    ) -> None:
        """The server hangs in COMMIT (a deferred trigger), then the connection is cut."""
        other = await asyncpg.connect(database_url)
        try:
            await other.execute(LINGER_IN_COMMIT)

            async def insert() -> None:
                async with database.transaction() as transaction:
                    await transaction.execute("INSERT INTO thing VALUES ('a', 1)")

            inserting = asyncio.create_task(insert())
            await cut(other, where="query = 'COMMIT' AND state = 'active'")
            with pytest.raises(CommitUnknown) as unknown:
                await inserting
        finally:
            await other.close()
        assert code_of(unknown.value) == "database.commit_unknown"
        assert await count_things(database) == 0


class TestADatabase:
    async def test_names_a_table_that_is_not_there_as_a_schema_that_is_too_old(
        self, database: Database
    ) -> None:
        with pytest.raises(SchemaMissing, match="leadmill migrate"):
            async with database.connection() as connection:
                await connection.fetch("SELECT * FROM nothing")

    async def test_goes_on_after_the_server_has_cut_its_connections(
        self, database: Database, database_url: str
    ) -> None:
        assert await count_things(database) == 0
        other = await asyncpg.connect(database_url)
        try:
            await cut(other, where="true")
        finally:
            await other.close()
        with contextlib.suppress(DatabaseUnavailable):
            await count_things(database)
        assert await count_things(database) == 0

    async def test_says_so_if_nobody_answers(self) -> None:
        database = Database("postgresql://nobody@127.0.0.1:1/none", schema="room", application="tests")
        with pytest.raises(DatabaseUnavailable):
            await database.start()

    async def test_says_so_if_the_server_takes_no_connections(self, postgres_url: str) -> None:
        missing = urlunsplit(urlsplit(postgres_url)._replace(path="/there_is_no_such_database"))
        with pytest.raises(DatabaseUnavailable):
            await Database(missing, schema="room", application="tests").start()

    async def test_says_so_if_it_was_not_started(self) -> None:
        database = Database("postgresql://nobody@127.0.0.1:1/none", schema="room", application="tests")
        with pytest.raises(DatabaseUnavailable):
            async with database.connection():
                pass

    async def test_hands_out_connections_without_an_open_transaction(self, database: Database) -> None:
        for _ in range(20):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.002), database.transaction() as transaction:
                    await transaction.execute("INSERT INTO thing VALUES ('a', 1)")
                    await transaction.execute("SELECT pg_sleep(1)")
        async with database.connection() as connection:
            assert await connection.fetch_value("SELECT pg_current_xact_id_if_assigned()") is None
        assert await count_things(database) == 0

    async def test_tells_a_listener_about_notices(self, database: Database) -> None:
        heard = asyncio.Event()
        await database.listen("news", heard.set)
        async with database.transaction() as transaction:
            await transaction.execute("NOTIFY news")
        async with asyncio.timeout(60):
            await heard.wait()
