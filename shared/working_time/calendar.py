"""A calendar as it computes. What each question means at its edges stands here, once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from shared.kernel.errors import Rejected
from shared.kernel.instants import DAY, Instant, to_datetime
from shared.working_time.openings import DayNumber, Openings, Spans, day_number, day_of
from shared.working_time.zones import load_zone

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199
"""Calendars answer for these years, less two days at either end."""

_EARLIEST: Final = (day_number(date(FIRST_YEAR, 1, 1)) + 2) * DAY
_LATEST: Final = (day_number(date(LAST_YEAR, 12, 31)) - 1) * DAY


class OutOfYears(Rejected):
    """The instant, or the answer, lies outside the years that calendars reckon with; correct the date."""

    code = "working_time.out_of_years"


class Years(NamedTuple):
    """From one year until another, both included."""

    first: int
    last: int


class Calendar:
    """When people work: immutable, made by :func:`~shared.working_time.compiler.compile_calendar`.

    Instants are microseconds since 1970 in UTC, amounts microseconds. Openings are open and closings are
    closed; two spans that touch are one opening. Every question may raise :class:`OutOfYears`, and asks
    no more than a few bisections of tables that are built when their years are first needed.
    """

    __slots__ = ("_days", "_elsewhere", "_table", "_week", "complete", "name", "version", "zone")

    def __init__(
        self,
        *,
        name: str,
        version: int,
        zone: ZoneInfo,
        week: Sequence[Spans],
        days: Mapping[DayNumber, Spans],
        complete: Years | None,
    ) -> None:
        self.name = name
        self.version = version
        self.zone = zone
        self.complete = complete
        """The years whose holidays are all known; None if the document does not say."""
        self._week = tuple(week)
        self._days = days
        self._table: Openings | None = None
        self._elsewhere: dict[str, Calendar] = {}

    def in_zone(self, key: str) -> Calendar:
        """Return the same days and hours by the clocks of another zone, for a rep or recipient there.

        :raises UnknownZone: if the zone's data is not known here.
        """
        if key == self.zone.key:
            return self
        if key not in self._elsewhere:
            self._elsewhere[key] = Calendar(
                name=self.name,
                version=self.version,
                zone=load_zone(key),
                week=self._week,
                days=self._days,
                complete=self.complete,
            )
        return self._elsewhere[key]

    # --- openings --------------------------------------------------------------------------------------

    def is_open(self, at: Instant) -> bool:
        """Tell whether ``at`` lies in working hours."""
        return self._around(at).is_open(at)

    def next_opening(self, at: Instant) -> Instant:
        """Return ``at`` if it is open, else the next opening: when a clock starts, and a breach fires."""
        table = self._around(at)
        while (found := table.next_opening(at)) is None:
            table = self._later(table)
        return found

    def previous_closing(self, at: Instant) -> Instant:
        """Return the last closing at or before ``at``, whether ``at`` is open or not."""
        table = self._around(at)
        while (found := table.previous_closing(at)) is None:
            table = self._earlier(table)
        return found

    def due_in_hours(self, due: Instant) -> Instant:
        """Return ``due`` if it is open, else the closing before it (R4)."""
        return due if self.is_open(due) else self.previous_closing(due)

    # --- working time ----------------------------------------------------------------------------------

    def working_between(self, since: Instant, until: Instant) -> int:
        """Return the working time from ``since`` to ``until``; negative if ``until`` comes first."""
        table = self._around(since, until)
        return table.worked(until) - table.worked(since)

    def add_working(self, at: Instant, amount: int) -> Instant:
        """Return the first instant from ``at`` on until which ``amount`` was worked (R3).

        That is a closing where the amount ends with the hours, and ``at`` itself for 0.

        :raises ValueError: if the amount is negative.
        """
        if amount < 0:
            raise ValueError("an amount of working time is not negative; turn the question round")
        if amount == 0:
            return at
        table = self._around(at)
        while (found := table.reached(table.worked(at) + amount)) is None:
            table = self._later(table)
        return found

    def due_after_pause(self, due: Instant, *, paused: Instant, resumed: Instant) -> Instant:
        """Return when something is due whose clock stood from ``paused`` until ``resumed``.

        The working time that was left then is left now. What was due before the pause stays due then.
        """
        if due <= paused:
            return due
        return self.add_working(resumed, self.working_between(paused, due))

    # --- days ------------------------------------------------------------------------------------------

    def add_working_days(self, at: Instant, days: int) -> Instant:
        """Return the same clock time so many working days later, in hours (R4).

        Outside hours it is counted from the next opening. Where that day is closed at that time, the
        closing before it is meant; where its clock skips that time, the first instant after.

        :raises ValueError: if ``days`` is negative.
        """
        _refuse_negative(days)
        start = self.next_opening(at)
        if days == 0:
            return start
        day, clock = divmod(self._around(start).wall_clock(start), DAY)
        return self.due_in_hours(self._instant_of(self._working_day(day + 1, days), clock))

    def add_calendar_days(self, at: Instant, days: int) -> Instant:
        """Return the same clock time so many days later, working days or not, due in hours (R4).

        :raises ValueError: if ``days`` is negative.
        """
        _refuse_negative(days)
        day, clock = divmod(self._around(at).wall_clock(at), DAY)
        return self.due_in_hours(self._instant_of(day + days, clock))

    def at_clock(self, at: Instant, *, days: int, clock: int) -> Instant:
        """Return when the clock shows ``clock`` so many days after the day of ``at`` (N1).

        ``clock`` is in microseconds since midnight. Where nobody works that day, the next working day is
        meant; hours do not matter. For 0 days it may lie before ``at``.

        :raises ValueError: if ``days`` is negative, or ``clock`` is no time of a day.
        """
        _refuse_negative(days)
        if not 0 <= clock < DAY:
            raise ValueError("a clock shows 0 to 24 hours in microseconds, 24 not included")
        day = self._around(at).wall_clock(at) // DAY
        return self._instant_of(self._working_day(day + days, 1), clock)

    def day_of(self, at: Instant) -> date:
        """Return the day that the zone's calendar shows at ``at``."""
        return day_of(self._around(at).wall_clock(at) // DAY)

    def works_on(self, day: date) -> bool:
        """Tell whether there are working hours on a day."""
        number = day_number(day)
        return self._working_day(number, 1) == number

    def years_in_doubt(self, since: Instant, until: Instant) -> tuple[int, ...]:
        """Return the years from ``since`` to ``until`` whose holidays are not all known.

        There, what the document lists counts, and else the plain weekdays. None, if it does not say.
        """
        years = range(self.day_of(since).year, self.day_of(until).year + 1)
        known = range(self.complete.first, self.complete.last + 1) if self.complete else years
        return tuple(year for year in years if year not in known)

    # --- tables ----------------------------------------------------------------------------------------

    def _working_day(self, day: DayNumber, count: int) -> DayNumber:
        """Return the ``count``-th working day from ``day`` on, 1 being the first."""
        table = self._around(day * DAY)
        place = bisect_left(table.days, day) + count - 1
        while place >= len(table.days):
            table = self._later(table)
            place = bisect_left(table.days, day) + count - 1
        return table.days[place]

    def _instant_of(self, day: DayNumber, clock: int) -> Instant:
        wall_clock = day * DAY + clock
        return self._around(wall_clock).instant_of(wall_clock)

    def _around(self, *instants: Instant) -> Openings:
        """Return a table that answers for all these instants."""
        first, last = min(instants), max(instants)
        table = self._table
        if table is not None and table.since <= first and last < table.until:
            return table
        if first < _EARLIEST or last >= _LATEST:
            raise OutOfYears(f"a calendar answers for {FIRST_YEAR} to {LAST_YEAR}; correct the date")
        years = (to_datetime(first).year - 1, to_datetime(last).year + 1)
        known = (table.first, table.last) if table is not None else years
        return self._build(min(years[0], known[0]), max(years[1], known[1]))

    def _later(self, table: Openings) -> Openings:
        if table.last >= LAST_YEAR:
            raise OutOfYears(f"{self.name}: the answer lies after {LAST_YEAR}; correct amount or date")
        return self._build(table.first, 2 * table.last - table.first + 1)

    def _earlier(self, table: Openings) -> Openings:
        if table.first <= FIRST_YEAR:
            raise OutOfYears(f"{self.name}: the answer lies before {FIRST_YEAR}; correct the date")
        return self._build(2 * table.first - table.last - 1, table.last)

    def _build(self, first: int, last: int) -> Openings:
        table = Openings(self.zone, self._hours_of, first=max(first, FIRST_YEAR), last=min(last, LAST_YEAR))
        self._table = table
        return table

    def _hours_of(self, day: DayNumber) -> Spans:
        hours = self._days.get(day)
        return self._week[(day + 3) % 7] if hours is None else hours


def _refuse_negative(days: int) -> None:
    if days < 0:
        raise ValueError("days are counted forwards; give 0 or more")
