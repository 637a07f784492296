"""What PostgreSQL and its driver can say, sorted into our verdicts.

asyncpg answers a server that went away with a PostgresError, an InterfaceError, an
InternalClientError or a plain OSError, as it happens to notice; all of them mean *unavailable*.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from shared.kernel.errors import Rejected, Unavailable


class DatabaseUnavailable(Unavailable):
    """The database does not answer; work is paused and nothing is lost."""

    code = "database.unavailable"


class DatabaseFull(DatabaseUnavailable):
    """The disk of the database is full; make room there: work is paused until then, and nothing is lost."""

    code = "database.disk_full"


class WriteConflict(Unavailable):
    """Another transaction held the same rows; this one was undone and can be tried again at once."""

    code = "database.conflict"


class LockNotHad(WriteConflict):
    """Another transaction held the same rows for longer than is waited; this one was undone."""


class CommitUnknown(Unavailable):
    """The connection broke while the answer to COMMIT was awaited: it may have happened or not."""

    code = "database.commit_unknown"


class SchemaMissing(Rejected):
    """The database has no such table or column; run `leadmill migrate` first."""

    code = "database.schema"


class SchemaOutdated(Rejected):
    """The schema is older than this code needs; run `leadmill migrate`."""

    code = "database.schema"


_CONFLICTS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_MISSING = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InvalidSchemaNameError)
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
    OSError,
    TimeoutError,
    EOFError,
)


@contextmanager
def verdicts() -> Iterator[None]:
    """Turn the driver's exceptions into verdicts; whatever is left over is a bug and stays as it is."""
    try:
        yield
    except asyncpg.LockNotAvailableError as error:
        raise LockNotHad from error
    except _CONFLICTS as error:
        raise WriteConflict(f"{type(error).__name__}: the rows were held by another transaction") from error
    except _MISSING as error:
        raise SchemaMissing from error
    except asyncpg.DiskFullError as error:
        raise DatabaseFull from error
    except _AWAY as error:
        raise DatabaseUnavailable(f"the database does not answer ({type(error).__name__})") from error


@contextmanager
def connecting() -> Iterator[None]:
    """As :func:`verdicts`, while a connection is opened: no answer but yes is one that we can use."""
    with verdicts():
        try:
            yield
        except asyncpg.PostgresError as error:
            raise DatabaseUnavailable(f"the database takes no connection ({type(error).__name__})") from error
