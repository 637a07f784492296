"""Where every task of the event loop stands, for the log of a process that is stuck."""

from __future__ import annotations

import asyncio
from types import CoroutineType
from typing import Any, Final

from shared.telemetry.exceptions import describe_frame

_MOST_TASKS: Final = 100


def describe_tasks(loop: asyncio.AbstractEventLoop | None = None) -> dict[str, list[str]]:
    """Return for each task, by name, the frames it waits in, the innermost last."""
    told: dict[str, list[str]] = {}
    for task in sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())[:_MOST_TASKS]:
        frames: list[str] = []
        waiting: Any = task.get_coro()
        while isinstance(waiting, CoroutineType):
            frame = waiting.cr_frame
            if frame is not None:
                frames.append(describe_frame(frame, frame.f_lineno))
            waiting = waiting.cr_await
        told[task.get_name()] = frames
    return told
