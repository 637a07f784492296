"""Notices from outside when the event loop stands still, and tells what it is busy with.

A loop that is blocked answers nobody, so its liveness probe fails by itself; what the probe cannot
tell is why. This thread can: it logs the stack of the loop's thread while the loop is stuck in it.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final, Self

from shared.telemetry.exceptions import describe_stack
from shared.telemetry.logging import get_logger

logger = get_logger(__name__)

PATIENCE: Final = timedelta(seconds=30)


class LoopWatch:
    """Pings the running event loop from a thread; use it as a context manager on that loop.

    ``on_blocked`` gets the stack of the loop's thread, once for each time that it stands still for
    longer than ``patience``, by the seconds of ``now``; by default it is logged.
    """

    def __init__(
        self,
        *,
        patience: timedelta = PATIENCE,
        interval: timedelta = timedelta(seconds=1),
        on_blocked: Callable[[list[str]], None] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._patience = patience.total_seconds()
        self._interval = interval.total_seconds()
        self._on_blocked = on_blocked or self._log_stack
        self._answered = self._now()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        loop, watched = asyncio.get_running_loop(), threading.get_ident()
        self._answered = self._now()
        self._thread = threading.Thread(
            target=self._watch, args=(loop, watched), name="loop-watch", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _answer(self) -> None:
        self._answered = self._now()

    def _watch(self, loop: asyncio.AbstractEventLoop, watched: int) -> None:
        is_told = False
        while not self._ended.wait(self._interval):
            try:
                loop.call_soon_threadsafe(self._answer)
            except RuntimeError:  # the loop was closed
                return
            is_blocked = self._now() - self._answered > self._patience
            if is_blocked and not is_told:
                self._on_blocked(describe_stack(sys._current_frames().get(watched)))  # noqa: SLF001  # the only way
            is_told = is_blocked

    def _log_stack(self, stack: list[str]) -> None:
        logger.error("event_loop_blocked", seconds=round(self._now() - self._answered, 1), stack=stack)
