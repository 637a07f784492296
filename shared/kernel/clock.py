"""Business time as a port, and the simulated clock that the demo and the tests drive.

Heartbeats, back-off and time-outs use the event loop's own time and never a ``Clock``.
"""

from __future__ import annotations

from typing import Protocol

from shared.kernel.instants import Instant, format_instant


class Clock(Protocol):
    """Tells what time it is for the business."""

    def now(self) -> Instant:
        """Return the present instant; it never blocks."""
        ...


class SimulatedClock:
    """A clock that stands still until it is moved, and never goes back."""

    def __init__(self, start: Instant) -> None:
        self._now = start

    def now(self) -> Instant:
        """Return the instant it was last moved to."""
        return self._now

    def advance_to(self, instant: Instant) -> None:
        """Move forward to ``instant``.

        :raises ValueError: if ``instant`` lies in the past.
        """
        if instant < self._now:
            now, then = format_instant(self._now), format_instant(instant)
            raise ValueError(f"a clock never goes back: {now} to {then}")
        self._now = instant
