"""Instants as they stand in a URL."""

from __future__ import annotations

from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, format_instant, parse_instant


class InstantMalformed(Rejected):
    """An instant is written as 2026-03-02T09:00:00Z (a + in a URL is %2B)."""

    code = "http.instant_malformed"


def read_instant(text: str | None) -> Instant | None:
    """Return the instant that a parameter names, None if it was left out.

    :raises InstantMalformed: if it is none.
    """
    if text is None:
        return None
    try:
        instant = parse_instant(text)
        format_instant(instant)  # with a zone, the first and the last day of all years have no text
        return instant
    except (ValueError, OverflowError) as error:
        raise InstantMalformed from error
