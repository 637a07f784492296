"""Exceptions as log fields: type, code and where, never the message of what is no verdict.

The message of an exception that we did not write may hold anything, for example the value that a
database refused. A verdict's message is ours and says what to do.
"""

from __future__ import annotations

import errno
from types import FrameType, TracebackType
from typing import Final

from shared.kernel.errors import Verdict, code_of
from shared.telemetry.redaction import blot_out

_MOST_FRAMES: Final = 40
_MOST_CAUSES: Final = 5
_MOST_IN_GROUP: Final = 10
_PATH_PARTS: Final = 3


def describe_exception(error: BaseException, *, causes: int = _MOST_CAUSES) -> dict[str, object]:
    """Return what may be logged about ``error``: its type, code, frames, causes, and those grouped in it."""
    told: dict[str, object] = {"type": type(error).__qualname__, "code": code_of(error)}
    if isinstance(error, Verdict):
        told["message"] = blot_out(error.message)
    number = getattr(error, "errno", None)
    if isinstance(error, OSError) and isinstance(number, int):
        told["errno"] = errno.errorcode.get(number, str(number))
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str) and len(sqlstate) == 5:
        told["sqlstate"] = sqlstate
    told["frames"] = describe_traceback(error.__traceback__)
    if causes > 0:
        if isinstance(error, BaseExceptionGroup):
            members = error.exceptions[:_MOST_IN_GROUP]
            told["exceptions"] = [describe_exception(member, causes=causes - 1) for member in members]
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is not None:
            told["cause"] = describe_exception(cause, causes=causes - 1)
    return told


def describe_traceback(traceback: TracebackType | None) -> list[str]:
    """Return ``file:line function`` for each frame, the innermost last, at most forty of them."""
    frames: list[str] = []
    while traceback is not None:
        frames.append(describe_frame(traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    return frames[-_MOST_FRAMES:]


def describe_stack(frame: FrameType | None) -> list[str]:
    """Return ``file:line function`` for a running frame and its callers, the innermost last."""
    frames: list[str] = []
    while frame is not None and len(frames) < _MOST_FRAMES:
        frames.append(describe_frame(frame, frame.f_lineno))
        frame = frame.f_back
    return frames[::-1]


def describe_frame(frame: FrameType, line: int) -> str:
    """Return one frame as ``file:line function``; the file by its last three parts."""
    path = "/".join(frame.f_code.co_filename.split("/")[-_PATH_PARTS:])
    return f"{path}:{line} {frame.f_code.co_qualname}"
