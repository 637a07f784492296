"""Connections and transactions: the only place that says COMMIT.

A transaction here is a list of statements and one commit; it is never nested and never kept open
across a wait for anything but PostgreSQL. ``idle_in_transaction_session_timeout`` and
``lock_timeout`` lie inside the log's session timeout: whoever stops in the middle of a transaction
(a stopped process, a lost machine) must not block its successor for longer than that. PostgreSQL
counts as idle only who owes it a statement; who stands still in the middle of one, with parts of it
unsent or of its answer unread, is ended by whoever has waited in vain for a lock.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import asyncpg

from shared.kernel.errors import Unavailable
from shared.postgres.faults import CommitUnknown, DatabaseUnavailable, LockNotHad, connecting, verdicts
from shared.telemetry.logging import get_logger

logger = get_logger(__name__)

_END_STANDSTILLS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND backend_type = 'client backend'
AND state = 'active' AND wait_event_type = 'Client' AND backend_xid IS NOT NULL
AND state_change < clock_timestamp() - $1::interval AND pid <> pg_backend_pid()
"""
"""Those that hold locks and have waited for their client for so long; an export that reads holds none."""


class Row(Protocol):
    """A row as the driver hands it out: by column name or place; iterating gives the values."""

    def __getitem__(self, column: str | int, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...

    def keys(self) -> Iterator[str]:
        """Return the names of the columns."""
        ...

    def values(self) -> Iterator[Any]:
        """Return the values, in the order of the columns."""
        ...

    def items(self) -> Iterator[tuple[str, Any]]:
        """Return names and values, in the order of the columns."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseLimits:
    """How long a statement, a lock and an idle transaction may last, and how many connections."""

    connections: int = 4
    connect_timeout: timedelta = timedelta(seconds=5)
    statement_timeout: timedelta = timedelta(seconds=30)
    lock_timeout: timedelta = timedelta(seconds=10)
    idle_in_transaction_timeout: timedelta = timedelta(seconds=10)


class Transaction:
    """What can be done inside one transaction, or on one connection outside of any."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *arguments: object) -> Sequence[Row]:
        """Run a statement and return its rows."""
        with verdicts():
            rows: Sequence[Row] = await self._connection.fetch(sql, *arguments)
        return rows

    async def fetch_row(self, sql: str, *arguments: object) -> Row | None:
        """Run a statement and return its first row, or None."""
        with verdicts():
            row: Row | None = await self._connection.fetchrow(sql, *arguments)
        return row

    async def fetch_value(self, sql: str, *arguments: object) -> Any:
        """Run a statement and return the first column of its first row, or None."""
        with verdicts():
            return await self._connection.fetchval(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> int:
        """Run a statement and return how many rows it touched (0 where that means nothing)."""
        with verdicts():
            tag: str = await self._connection.execute(sql, *arguments)
        count = tag.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def copy(self, table: str, *, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Append rows to a table by COPY, the fastest way in."""
        with verdicts():
            await self._connection.copy_records_to_table(table, records=rows, columns=list(columns))


class Database:
    """A pool of connections to one schema.

    ``schema`` becomes the search path, so statements name bare tables. Start it once, stop it once.
    """

    def __init__(
        self, url: str, *, schema: str, application: str, limits: DatabaseLimits | None = None
    ) -> None:
        self._url = url
        self.schema = schema
        self._application = application
        self._limits = limits or DatabaseLimits()
        self._pool: Any = None
        self._listener: Any = None
        self._listening = asyncio.Lock()
        self._notices: set[tuple[str, Callable[[], None]]] = set()

    async def start(self) -> None:
        """Open the pool.

        :raises DatabaseUnavailable: if the server does not answer in time.
        """
        limits = self._limits
        with connecting():
            self._pool = await asyncpg.create_pool(
                self._url,
                min_size=1,
                max_size=limits.connections,
                timeout=limits.connect_timeout.total_seconds(),
                command_timeout=limits.statement_timeout.total_seconds() + 5,
                max_inactive_connection_lifetime=0,
                reset=_leave_as_it_is,
                server_settings=self._server_settings(),
            )

    def _server_settings(self) -> dict[str, str]:
        def milliseconds(span: timedelta) -> str:
            return str(int(span.total_seconds() * 1000))

        limits = self._limits
        return {
            "application_name": self._application,
            "search_path": self.schema,
            "statement_timeout": milliseconds(limits.statement_timeout),
            "lock_timeout": milliseconds(limits.lock_timeout),
            "idle_in_transaction_session_timeout": milliseconds(limits.idle_in_transaction_timeout),
            "tcp_keepalives_idle": "5",
            "tcp_keepalives_interval": "2",
            "tcp_keepalives_count": "3",
            "jit": "off",
        }

    async def stop(self) -> None:
        """Close every connection, waiting at most five seconds for those in use."""
        if self._listener is not None:
            self._listener.terminate()
            self._listener = None
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(5):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Transaction]:
        """Lend a connection on which every statement is a transaction of its own.

        For reads, and for writes that are complete in one statement and may be done again: whether a
        statement happened whose answer was lost is not known, and not told apart.
        """
        connection = await self._acquire()
        try:
            yield Transaction(connection)
        finally:
            await self._release(connection)

    @contextlib.asynccontextmanager
    async def transaction(self, *, durable: bool = True) -> AsyncIterator[Transaction]:
        """Run the body in one READ COMMITTED transaction and commit at its end.

        With ``durable=False`` the commit does not wait for the disk: a crash of the server may undo
        it, which is right only for what can be done again.

        :raises CommitUnknown: if the connection broke while COMMIT was under way.
        :raises WriteConflict: on a deadlock or a lock that was not had in time; try again.
        :raises DatabaseUnavailable: if the server went away before COMMIT; nothing was done.
        """
        connection = await self._acquire()
        try:
            with verdicts():
                await connection.execute("BEGIN" if durable else "BEGIN; SET LOCAL synchronous_commit = off")
            try:
                yield Transaction(connection)
            except LockNotHad:
                await _roll_back(connection)
                await self._end_standstills(connection)
                raise
            except BaseException:
                await _roll_back(connection)
                raise
            try:
                with verdicts():
                    await connection.execute("COMMIT")
            except DatabaseUnavailable as error:
                _throw_away(connection)
                raise CommitUnknown from error
            except asyncio.CancelledError:
                _throw_away(connection)
                raise
        finally:
            await self._release(connection)

    async def _end_standstills(self, connection: Any) -> None:
        """End sessions of ours that stand still in the middle of a statement and may hold what we want."""
        with contextlib.suppress(Unavailable), verdicts():
            ended = await connection.fetchval(_END_STANDSTILLS, self._limits.idle_in_transaction_timeout)
            if ended:
                logger.warning("sessions_ended", count=ended, after=self._limits.idle_in_transaction_timeout)

    async def listen(self, channel: str, on_notice: Callable[[], None]) -> None:
        """Call ``on_notice`` whenever ``channel`` is notified, on a connection of its own.

        Asking again takes up a lost connection and does nothing otherwise. A loss in between is
        silent: whoever listens must also poll.
        """
        async with self._listening:  # two workers that ask at once must not open two connections
            if self._pool is None:
                raise DatabaseUnavailable("the database connection is not open")
            with verdicts():
                if self._listener is None or self._listener.is_closed():
                    self._notices.clear()
                    self._listener = await self._connect_listener()
                if (channel, on_notice) not in self._notices:
                    self._notices.add((channel, on_notice))
                    await self._listener.add_listener(channel, lambda *_: on_notice())

    async def _connect_listener(self) -> Any:
        listener = await asyncpg.connect(
            self._url,
            timeout=self._limits.connect_timeout.total_seconds(),
            server_settings={"application_name": self._application + "/listen"},
        )
        if self._pool is None:  # stopped meanwhile
            listener.terminate()
            raise DatabaseUnavailable("the database connection is not open")
        return listener

    async def _acquire(self) -> Any:
        if self._pool is None:
            raise DatabaseUnavailable("the database connection is not open")
        with connecting():
            return await self._pool.acquire(timeout=self._limits.connect_timeout.total_seconds())

    async def _release(self, connection: Any) -> None:
        pool = self._pool
        if pool is None:
            _throw_away(connection)
            return
        with contextlib.suppress(asyncpg.InterfaceError, asyncpg.PostgresError, OSError, TimeoutError):
            await pool.release(connection, timeout=2)


async def _leave_as_it_is(_connection: Any) -> None:
    """Nothing here changes a session, so a released connection needs no round trip to be cleaned.

    A transaction that is still open is rolled back by the pool before it asks.
    """


def _throw_away(connection: Any) -> None:
    """Cut a connection; one that broke has been taken back by the pool and answers to nothing any more."""
    with contextlib.suppress(asyncpg.InterfaceError):
        connection.terminate()


async def _roll_back(connection: Any) -> None:
    """Undo what is open; a connection that cannot say so any more is thrown away."""
    try:
        async with asyncio.timeout(2):
            await connection.execute("ROLLBACK")
    except (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        OSError,
        TimeoutError,
    ):
        _throw_away(connection)
