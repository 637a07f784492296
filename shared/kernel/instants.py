"""Instants: whole microseconds since 1970-01-01T00:00:00Z.

The domain computes with plain integers, so that two machines, or one machine twice, get the
same answer. Text and ``datetime`` appear at the edges only, and only through this module.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

Instant = int
"""Microseconds since the Unix epoch, UTC."""

MICROSECOND: Final = 1
MILLISECOND: Final = 1_000
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)


def from_datetime(moment: datetime) -> Instant:
    """Turn an aware ``datetime`` into an instant.

    :raises ValueError: if ``moment`` carries no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone; add one, for example +00:00")
    return (moment - _EPOCH) // _TICK


def to_datetime(instant: Instant) -> datetime:
    """Turn an instant into an aware ``datetime`` in UTC."""
    return _EPOCH + timedelta(microseconds=instant)


def parse_instant(text: str) -> Instant:
    """Read an RFC 3339 / ISO 8601 text; a text without a zone is taken as UTC.

    :raises ValueError: if the text is no instant.
    """
    moment = datetime.fromisoformat(text)
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def format_instant(instant: Instant) -> str:
    """Write an instant as RFC 3339 in UTC, with as many decimals as it needs (0, 3 or 6)."""
    if instant % SECOND == 0:
        precision = "seconds"
    else:
        precision = "milliseconds" if instant % MILLISECOND == 0 else "microseconds"
    return to_datetime(instant).replace(tzinfo=None).isoformat(timespec=precision) + "Z"
