"""A zone as stretches of time whose clocks differ from UTC by one offset each.

In a stretch, wall clock = instant + offset. Everything that summer time does to a calendar (hours that
do not exist, hours that come twice) follows from that, with no case of its own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.kernel.instants import DAY, MICROSECOND, SECOND, Instant, to_datetime


class Stretch(NamedTuple):
    """From ``start`` up to ``end``, not included, clocks are ``offset`` microseconds ahead of UTC."""

    start: Instant
    end: Instant
    offset: int


def stretches_of(zone: ZoneInfo, since: Instant, until: Instant) -> tuple[Stretch, ...]:
    """Return the stretches that cover ``since`` up to ``until``, in order.

    Changes are looked for day by day: of two within 24 hours that undo each other, neither is seen.
    No zone has had such a pair since 1970.
    """
    found: list[Stretch] = []
    start = left = since
    offset = _offset(zone, since)
    while left < until:
        right = min(left + DAY, until)
        ahead = _offset(zone, right)
        if ahead != offset:
            right = _change(zone, left, right, offset)
            found.append(Stretch(start, right, offset))
            start, offset = right, _offset(zone, right)
        left = right
    found.append(Stretch(start, until, offset))
    return tuple(stretch for stretch in found if stretch.start < stretch.end)


def _offset(zone: ZoneInfo, at: Instant) -> int:
    ahead = to_datetime(at).astimezone(zone).utcoffset()
    assert ahead is not None, "a zone always knows its offset"
    return ahead // timedelta(microseconds=MICROSECOND)


def _change(zone: ZoneInfo, before: Instant, after: Instant, offset: int) -> Instant:
    """Return the first whole second after ``before`` at which the offset is no longer ``offset``."""
    low, high = before // SECOND, after // SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle * SECOND) == offset:
            low = middle
        else:
            high = middle
    return high * SECOND
