"""How a command says how it ended; scripts rely on these numbers."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from enum import IntEnum

from shared.kernel.errors import Duplicate, Rejected, Unavailable


class ExitCode(IntEnum):
    """What the exit codes mean."""

    DONE = 0
    FAILED = 1
    """A check failed, or there is a bug."""
    MISUSED = 2
    """Wrong usage or settings."""
    UNAVAILABLE = 3
    """A dependency is away: the database, the log, a port, room on the disk."""


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the exit code that tells about ``error``; of a group the gravest: bug, misuse, dependency."""
    return min((_one(member) for member in members_of(error)), key=_BY_WEIGHT.index)


def members_of(error: BaseException) -> Iterator[BaseException]:
    """Give the exceptions inside a group, or the one itself."""
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from members_of(member)
    else:
        yield error


def is_full_disk(error: BaseException) -> bool:
    """Return whether a file could not be written because its disk, or what one may use of it, is full."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


_BY_WEIGHT = (ExitCode.FAILED, ExitCode.MISUSED, ExitCode.UNAVAILABLE, ExitCode.DONE)


def _one(error: BaseException) -> ExitCode:
    match error:
        case Rejected():
            return ExitCode.MISUSED
        case Unavailable():
            return ExitCode.UNAVAILABLE
        case Duplicate():
            return ExitCode.DONE
        case OSError() if is_full_disk(error):
            return ExitCode.UNAVAILABLE
        case _:
            return ExitCode.FAILED
