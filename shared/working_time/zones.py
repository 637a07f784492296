"""Zones by their IANA names, from the system's data or from the package ``tzdata``."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.kernel.errors import Rejected


class UnknownZone(Rejected):
    """No zone has this name; use one of the IANA database, such as Asia/Shanghai."""

    code = "working_time.unknown_zone"


def load_zone(key: str) -> ZoneInfo:
    """Return a zone; each is read once and kept.

    :raises UnknownZone: if there is no such zone.
    """
    try:
        return ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone from error
