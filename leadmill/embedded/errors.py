"""Why there is no database, and what to do about it. All are ``Unavailable``: exit code 3."""

from __future__ import annotations

from shared.kernel.errors import Unavailable


class DataDirInUse(Unavailable):
    """Another process has this data directory; stop it, or name another one with --data."""

    code = "embedded.in_use"


class PostgresNotStarted(Unavailable):
    """The database did not start; the end of its log says why."""

    code = "embedded.not_started"


class DiskFull(PostgresNotStarted):
    """The disk that holds the database is full; make room there and start again, nothing is lost."""

    code = "embedded.disk_full"


class PostgresUnusable(Unavailable):
    """This machine or directory cannot hold the database; the text says what is in the way."""

    code = "embedded.unusable"
