"""A full disk, told apart from everything else that can keep a database from starting.

The database's log lies on the same disk and cannot tell, so the disk itself is asked, too.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from leadmill.embedded.errors import DiskFull, PostgresNotStarted

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_ROOM: Final = 1024 * 1024
"""Bytes; with less than that no server has ended for any other reason."""


@contextmanager
def telling_of_a_full_disk(folder: Path) -> Iterator[None]:
    """Say :class:`DiskFull` of what fails inside because there is no room in ``folder``."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _disk_full(folder) from error
        raise
    except DiskFull:
        raise
    except PostgresNotStarted as error:
        if os.strerror(errno.ENOSPC) in error.message or _free(folder) < _ROOM:
            raise _disk_full(folder) from error
        raise


def _disk_full(folder: Path) -> DiskFull:
    return DiskFull(f"the disk that holds {folder} is full; make room there and start again, nothing is lost")


def _free(folder: Path) -> int:
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize
