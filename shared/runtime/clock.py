"""The machine's clock as business time; the only place that reads it."""

from __future__ import annotations

import time

from shared.kernel.instants import Instant


class SystemClock:
    """Tells what time it is. It may step back when the machine's clock is set; handlers allow for it."""

    def now(self) -> Instant:
        """Return the present instant."""
        return time.time_ns() // 1_000
