"""The watchdog: a healthy group proves nothing, so somebody outside the loop looks at its work.

It runs on a thread of its own, because a blocked event loop blocks everything that runs on it. A
worker that lags and has not committed for a while, or whose loop has stopped turning, is ended with
the stacks of all threads in the log; whoever runs the process starts it again, and the fence makes
that safe. A worker that says what it waits for (a dependency, a person) is left alone while its
loop turns. When the whole process was stopped for a while (SIGSTOP, a machine that slept), so was the
watchdog: its patience begins again when it wakes up.
"""

from __future__ import annotations

import faulthandler
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from shared.processor.loop.standing import Standing

_EVERY_SECONDS: Final = 1.0
_STANDSTILL_SECONDS: Final = 5.0

STUCK_EXIT_CODE: Final = 70
"""Exit code of a process that its watchdog has ended (EX_SOFTWARE)."""


def end_process() -> None:
    """Write every thread's stack to standard error and end the process at once."""
    faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
    os._exit(STUCK_EXIT_CODE)


class Watchdog:
    """Watches workers; :meth:`start` it once they run, :meth:`stop` it before they do."""

    def __init__(
        self,
        standings: Sequence[Standing],
        *,
        patience: timedelta = timedelta(seconds=30),
        on_stuck: Callable[[], None] = end_process,
        time: Callable[[], float] = time.monotonic,
    ) -> None:
        self._standings = standings
        self._patience = patience.total_seconds()
        self._on_stuck = on_stuck
        self._time = time
        self._looked = time()
        self._awake_since = -math.inf
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look, once a second."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def find_stuck(self) -> Standing | None:
        """Return a worker that is stuck, if there is one."""
        now = self._time()
        if now - self._looked > _EVERY_SECONDS + _STANDSTILL_SECONDS:
            self._awake_since = now
        self._looked = now
        awake = now - self._awake_since
        for standing in self._standings:
            loop_stands_still = standing.beat > 0 and min(awake, now - standing.beat) > self._patience
            lags = standing.lag > 0 and standing.is_claimed and standing.waits_for is None
            if loop_stands_still or (lags and min(awake, now - standing.progress) > self._patience):
                return standing
        return None

    def _watch(self) -> None:
        while not self._stopped.wait(_EVERY_SECONDS):
            if self.find_stuck() is not None:
                self._on_stuck()
                return
