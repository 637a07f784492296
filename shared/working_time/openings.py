"""The table behind a calendar: every opening of some years, and how much was worked before each.

With W(t), the time worked before an instant, all sums are differences of W and all deadlines are its
inverse; both are one bisection. Instants and sums lie in arrays, a year of two spans a day in 12 KB.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from shared.kernel.instants import DAY, Instant
from shared.working_time.stretches import Stretch, stretches_of

Spans: TypeAlias = tuple[tuple[int, int], ...]
"""Openings of one day in order, in microseconds of its wall clock: (32400000000, 64800000000) is 9 to 18."""

DayNumber: TypeAlias = int
"""Days since 1970-01-01, as a calendar's zone counts them."""

_EPOCH: Final = date(1970, 1, 1).toordinal()

_MARGIN: Final = 2 * DAY
"""No clock is further from UTC; so far from its edges, nothing in a table depends on what it left out."""


def day_number(day: date) -> DayNumber:
    """Return the number of a day."""
    return day.toordinal() - _EPOCH


def day_of(number: DayNumber) -> date:
    """Return the day of a number."""
    return date.fromordinal(number + _EPOCH)


class Openings:
    """Openings from the start of year ``first`` to the end of year ``last``, in order and apart.

    Someone works at an instant if the zone's clock then shows a time within the hours of its day. So
    hours that a change of the clock skips are not worked, and hours that come twice are worked twice.
    ``closes`` are not included. ``days`` are the days on which there is work. Answers hold for instants
    from ``since`` up to ``until``, two days inside the edges.
    """

    __slots__ = ("before", "closes", "days", "first", "last", "opens", "since", "stretches", "total", "until")

    def __init__(
        self, zone: ZoneInfo, hours_of: Callable[[DayNumber], Spans], *, first: int, last: int
    ) -> None:
        self.first, self.last = first, last
        days = range(day_number(date(first, 1, 1)), day_number(date(last, 12, 31)) + 1)
        start, end = days.start * DAY, days.stop * DAY
        self.since, self.until = start + _MARGIN, end - _MARGIN
        self.stretches = stretches_of(zone, start - _MARGIN, end + _MARGIN)
        self.days: array[int] = array("q")
        pieces: list[tuple[Instant, Instant]] = []
        nearby = 0
        for day in days:
            spans = hours_of(day)
            if not spans:
                continue
            while self.stretches[nearby].end + self.stretches[nearby].offset <= day * DAY:
                nearby += 1
            if found := _pieces(day * DAY, spans, self.stretches, nearby):
                self.days.append(day)
                pieces += found
        pieces.sort()
        self.opens: array[int] = array("q")
        self.closes: array[int] = array("q")
        self.before: array[int] = array("q")
        self.total = 0
        self._join(pieces)

    def _join(self, pieces: Sequence[tuple[Instant, Instant]]) -> None:
        """Make one opening of pieces that touch, and add up."""
        for opens, closes in pieces:
            if self.closes and self.closes[-1] == opens:
                self.closes[-1] = closes
            else:
                self.opens.append(opens)
                self.closes.append(closes)
                self.before.append(self.total)
            self.total += closes - opens

    def worked(self, at: Instant) -> int:
        """Return the time worked from the start of the table until ``at``."""
        place = bisect_right(self.opens, at) - 1
        if place < 0:
            return 0
        return self.before[place] + min(at, self.closes[place]) - self.opens[place]

    def reached(self, worked: int) -> Instant | None:
        """Return the first instant until which so much was worked, from 1 µs up; None if it lies beyond."""
        if worked > self.total:
            return None
        place = bisect_left(self.before, worked) - 1
        return self.opens[place] + worked - self.before[place]

    def is_open(self, at: Instant) -> bool:
        """Tell whether somebody works at ``at``."""
        place = bisect_right(self.opens, at) - 1
        return place >= 0 and at < self.closes[place]

    def next_opening(self, at: Instant) -> Instant | None:
        """Return ``at`` if it is open, else the next opening; None if that lies beyond the table."""
        place = bisect_right(self.closes, at)
        return max(at, self.opens[place]) if place < len(self.opens) else None

    def previous_closing(self, at: Instant) -> Instant | None:
        """Return the last closing at or before ``at``; None if that lies before the table."""
        place = bisect_right(self.closes, at) - 1
        return self.closes[place] if place >= 0 else None

    def wall_clock(self, at: Instant) -> int:
        """Return what the zone's clock shows at ``at``, in microseconds since its own 1970-01-01T00:00."""
        place = bisect_right(self.stretches, at, key=_start) - 1
        return at + self.stretches[place].offset

    def instant_of(self, wall_clock: int) -> Instant:
        """Return when the zone's clock shows this: of two times the first, and for one that a change of
        the clock skips, the instant of the change.
        """
        place = bisect_right(self.stretches, wall_clock - _MARGIN, key=_start) - 1
        for start, end, offset in self.stretches[max(place, 0) : max(place, 0) + 4]:
            if wall_clock - offset < end:
                return max(start, wall_clock - offset)
        raise AssertionError("unreachable: the stretches of a table reach past its days")


def _start(stretch: Stretch) -> Instant:
    return stretch.start


def _pieces(
    midnight: int, spans: Spans, stretches: Sequence[Stretch], nearby: int
) -> list[tuple[Instant, Instant]]:
    """Return the instants at which a day's clock shows its hours, stretch by stretch."""
    found: list[tuple[Instant, Instant]] = []
    for start, end, offset in stretches[nearby : nearby + 3]:
        if start + offset >= midnight + DAY:
            break
        for opens, closes in spans:
            begin, stop = max(start, midnight + opens - offset), min(end, midnight + closes - offset)
            if begin < stop:
                found.append((begin, stop))
    return found
