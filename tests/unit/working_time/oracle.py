"""Working time by walking: minute after minute, asking the zone what its clock shows. Slow, and plain.

It reads the plain data of a document itself and shares nothing with what it judges. Minutes are whole,
and so are hours and changes of the clock; instants need not be.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from shared.kernel.instants import MINUTE, Instant

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

ENOUGH = 60 * 24 * 60
"""Minutes that a walk may take: sixty days."""


class Walker:
    """Answers as a calendar should, from the plain data of its document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.zone = ZoneInfo(document["zone"])
        self._open: dict[int, bool] = {}
        self._hours: dict[date, list[tuple[int, ...]]] = {}
        self._works: dict[date, bool] = {}

    def hours_of(self, day: date) -> list[str]:
        document, text = self.document, day.isoformat()
        for exception in document.get("exceptions", []):
            if exception["day"] == text:
                return list(exception["hours"])
        for made_up in document.get("make_up_days", []):
            if made_up["day"] == text:
                return list(made_up.get("hours", document["hours"]))
        for holiday in document.get("holidays", []):
            if holiday["day"] <= text <= holiday.get("until", holiday["day"]):
                return []
        weekday = WEEKDAYS[day.weekday()]
        if weekday not in document["weekdays"]:
            return []
        return list(document.get("weekday_hours", {}).get(weekday, document["hours"]))

    def wall(self, minute: int) -> datetime:
        """Return what the clock shows at the start of a minute."""
        return datetime.fromtimestamp(minute * 60, self.zone).replace(tzinfo=None, fold=0)

    def open_in(self, minute: int) -> bool:
        if minute not in self._open:
            shown = datetime.fromtimestamp(minute * 60, self.zone)
            day, clock = shown.date(), shown.hour * 60 + shown.minute
            if day not in self._hours:
                self._hours[day] = [tuple(map(_minutes, span.split("-"))) for span in self.hours_of(day)]
            self._open[minute] = any(opens <= clock < closes for opens, closes in self._hours[day])
        return self._open[minute]

    def minutes_from(self, at: Instant) -> Iterator[int]:
        yield from range(at // MINUTE, at // MINUTE + ENOUGH)
        raise AssertionError("walked too far")

    def is_open(self, at: Instant) -> bool:
        return self.open_in(at // MINUTE)

    def next_opening(self, at: Instant) -> Instant:
        return next(max(at, minute * MINUTE) for minute in self.minutes_from(at) if self.open_in(minute))

    def previous_closing(self, at: Instant) -> Instant:
        minute = at // MINUTE
        for _ in range(ENOUGH):
            if self.open_in(minute - 1) and not self.open_in(minute):
                return minute * MINUTE
            minute -= 1
        raise AssertionError("walked too far")

    def due_in_hours(self, at: Instant) -> Instant:
        return at if self.is_open(at) else self.previous_closing(at)

    def working_between(self, since: Instant, until: Instant) -> int:
        if until < since:
            return -self.working_between(until, since)
        return sum(
            min(until, (minute + 1) * MINUTE) - max(since, minute * MINUTE)
            for minute in range(since // MINUTE, -(-until // MINUTE))
            if self.open_in(minute)
        )

    def add_working(self, at: Instant, amount: int) -> Instant:
        if amount == 0:
            return at
        left = amount
        for minute in self.minutes_from(at):
            begins, ends = max(at, minute * MINUTE), (minute + 1) * MINUTE
            if self.open_in(minute):
                if left <= ends - begins:
                    return begins + left
                left -= ends - begins
        raise AssertionError("unreachable: minutes run out with an error")

    def works_on(self, day: date) -> bool:
        """Tell whether some minute of a day is open, asking all that might be of that day."""
        if day not in self._works:
            noon = int(datetime.combine(day, time(12), self.zone).timestamp()) // 60
            near, far = range(noon - 12 * 60, noon + 12 * 60), range(noon - 40 * 60, noon + 40 * 60)
            self._works[day] = bool(self.hours_of(day)) and any(
                self.open_in(minute) and self.wall(minute).date() == day for minute in chain(near, far)
            )
        return self._works[day]

    def working_day(self, day: date, count: int) -> date:
        """Return the ``count``-th working day from ``day`` on, 1 being the first."""
        while count > 0:
            count -= self.works_on(day)
            day += timedelta(days=1)
        return day - timedelta(days=1)

    def instant_of(self, day: date, clock: timedelta) -> Instant:
        """Return the first instant that shows this, or else the first after a clock went past it."""
        wanted = datetime.combine(day, time()) + clock
        minute = int(wanted.replace(tzinfo=self.zone).timestamp()) // 60 - 30 * 60
        hour, two_hours = timedelta(hours=1), timedelta(hours=2)
        while self.wall(minute) + two_hours <= wanted and self.wall(minute + 60) - self.wall(minute) == hour:
            minute += 60
        while self.wall(minute) + timedelta(minutes=1) <= wanted:
            minute += 1
        rest = wanted - self.wall(minute)
        return minute * MINUTE + max(0, rest // timedelta(microseconds=1))

    def shown(self, at: Instant) -> tuple[date, timedelta]:
        wall = self.wall(at // MINUTE) + timedelta(microseconds=at % MINUTE)
        return wall.date(), wall - datetime.combine(wall, time())

    def add_working_days(self, at: Instant, days: int) -> Instant:
        start = self.next_opening(at)
        if days == 0:
            return start
        day, clock = self.shown(start)
        target = self.working_day(day + timedelta(days=1), days)
        return self.due_in_hours(self.instant_of(target, clock))

    def add_calendar_days(self, at: Instant, days: int) -> Instant:
        day, clock = self.shown(at)
        return self.due_in_hours(self.instant_of(day + timedelta(days=days), clock))

    def at_clock(self, at: Instant, *, days: int, clock: int) -> Instant:
        day, _ = self.shown(at)
        target = self.working_day(day + timedelta(days=days), 1)
        return self.instant_of(target, timedelta(microseconds=clock))


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
