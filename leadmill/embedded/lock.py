"""One owner per data directory: a lock that the kernel releases when its holder dies, however it dies.

The lock file also tells who holds it and at which address the database answers, so that other
commands work beside a running ``up``.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from leadmill.embedded.errors import DataDirInUse

_NAME: Final = "lock"
_TRIES: Final = 10


class DataDirLock:
    """The right to start a database in one directory."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock at once.

        :raises DataDirInUse: if another process, or another part of this one, holds it; names the process.
        """
        file = os.open(self._data_dir / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for last_try in (False,) * _TRIES + (True,):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = os.pread(file, 4096, 0).decode().partition("\n")[0]
                if holder or last_try:
                    os.close(file)
                    raise DataDirInUse(
                        f"{self._data_dir} is in use by process {holder or 'unknown'}; "
                        "stop it, or name another directory with --data"
                    ) from None
                time.sleep(0.02)  # somebody is only looking (find_running), or has not signed yet
        self._file = file
        self._write(f"{os.getpid()}\n")

    def announce(self, url: str) -> None:
        """Write down where the database answers."""
        self._write(f"{os.getpid()}\n{url}\n")

    def release(self) -> None:
        """Give the directory free; harmless if it is free already."""
        if self._file is not None:
            self._write("")
            os.close(self._file)
            self._file = None

    def _write(self, text: str) -> None:
        assert self._file is not None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0)


def find_running(data_dir: Path) -> str | None:
    """Return the URL of the database that runs in ``data_dir`` now, or None if none does."""
    try:
        file = os.open(data_dir / _NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        _, _, url = os.pread(file, 4096, 0).decode().partition("\n")
        return url.strip() or None
    finally:
        os.close(file)
    return None
