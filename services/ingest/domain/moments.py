"""When something happened, told by three clocks of which only ours is right.

The client's clock may be wrong; how long it kept a message is nonetheless the difference of two of
its own readings. So the moment is our receipt minus that difference, and where the client did not
say when it sent (a historical import), its word stands.
"""

from __future__ import annotations

from typing import Final

from shared.kernel.instants import SECOND, Instant, parse_instant

_LONGEST_TIMESTAMP: Final = 40


def read_moment(value: object) -> Instant | None:
    """Return the instant that a client wrote, or None if it wrote none that can be read."""
    if not isinstance(value, str) or len(value) > _LONGEST_TIMESTAMP:
        return None
    try:
        return parse_instant(value)
    except (ValueError, OverflowError):
        return None


def correct_moment(*, original: Instant | None, sent: Instant | None, received: Instant) -> Instant:
    """Return when it happened by our clock; never later than it was received.

    ``original`` is the client's reading when it happened, ``sent`` when it sent.
    """
    if original is None:
        return received
    corrected = received - (sent - original) if sent is not None and sent >= original - SECOND else original
    return min(corrected, received)
