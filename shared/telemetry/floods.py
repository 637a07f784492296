"""Log lines that come in floods are sampled: the first ones pass, the rest is counted."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_MOST_KINDS: Final = 1_000


@dataclass(slots=True)
class _Window:
    opened: float
    passed: int = 0
    held: int = 0


class FloodGate(logging.Filter):
    """Lets at most ``burst`` lines of one kind pass per ``window`` seconds.

    A kind is level, logger, event name and code. The first line of the next window tells in
    ``suppressed`` how many of its kind were held back. Memory is bounded: the kinds longest unseen
    are forgotten.
    """

    def __init__(
        self, *, burst: int = 20, window: float = 10.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._burst = burst
        self._window = window
        self._now = now
        self._windows: OrderedDict[tuple[object, ...], _Window] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the line passes."""
        message: object = record.msg
        fields = message if isinstance(message, dict) else {}
        kind = (record.levelno, record.name, str(fields.get("event", message)), str(fields.get("code", "")))
        now = self._now()
        window = self._windows.get(kind)
        if window is None:
            window = self._windows[kind] = _Window(now)
            if len(self._windows) > _MOST_KINDS:
                self._windows.popitem(last=False)
        self._windows.move_to_end(kind)
        if now - window.opened >= self._window:
            if window.held:
                record.suppressed = window.held
            window.opened, window.passed, window.held = now, 0, 0
        if window.passed >= self._burst:
            window.held += 1
            return False
        window.passed += 1
        return True
