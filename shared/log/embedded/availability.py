"""Turns what PostgreSQL says into what the log says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.log.port import LogUnavailable
from shared.postgres.faults import CommitUnknown, DatabaseUnavailable, WriteConflict


@contextmanager
def availability() -> Iterator[None]:
    """Report a database that is away, busy or silent as a log that is.

    :raises LogUnavailable: in its stead.
    """
    try:
        yield
    except (CommitUnknown, DatabaseUnavailable, WriteConflict) as error:
        raise LogUnavailable(f"the embedded log's database: {error.message}") from error
