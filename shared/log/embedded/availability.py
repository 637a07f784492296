"""Turns what PostgreSQL says into what the log says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.log.port import LogUnavailable
from shared.postgres.faults import CommitUnknown, DatabaseFull, DatabaseUnavailable, WriteConflict


@contextmanager
def availability() -> Iterator[None]:
    """Report a database that is away, busy or silent as a log that is.

    :raises LogUnavailable: in its stead.
    """
    try:
        yield
    except DatabaseFull as error:
        # told apart, because waiting does not help: somebody has to make room
        raise LogUnavailable(error.message, code=error.reason) from error
    except (CommitUnknown, DatabaseUnavailable, WriteConflict) as error:
        raise LogUnavailable(f"the embedded log's database: {error.message}") from error
