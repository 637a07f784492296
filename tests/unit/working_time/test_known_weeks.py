"""Limits worked out by hand, on calendars whose weeks are easy to follow."""

from __future__ import annotations

import pytest

from shared.kernel.instants import HOUR, MINUTE, SECOND, format_instant
from shared.working_time.calendar import Calendar
from tests.unit.working_time.calendars import at, calendar_from, shown

NINE_TO_FIVE = """
name: nine_to_five
version: 1
zone: America/New_York
hours: [09:00-17:00]
weekdays: [monday, tuesday, wednesday, thursday, friday]
holidays: [{day: 2024-01-15}]
"""

TEN_TO_SIX = """
name: ten_to_six
version: 1
zone: Asia/Kolkata
hours: [10:00-18:00]
weekdays: [monday, tuesday, wednesday, thursday, friday]
holidays: [{day: 2024-02-01, until: 2024-02-02}]
"""

EVERY_DAY_ANOTHER = """
name: every_day_another
version: 1
zone: UTC
hours: [09:00-17:00]
weekdays: [monday, tuesday, wednesday, thursday, friday, saturday]
weekday_hours: {tuesday: [10:00-16:00], thursday: [10:00-16:00], saturday: [11:00-14:30]}
"""

SHANGHAI = """
name: shanghai
version: 1
zone: Asia/Shanghai
hours: [09:00-12:00, 13:30-18:00]
weekdays: [monday, tuesday, wednesday, thursday, friday]
holidays: [{day: 2024-10-01, until: 2024-10-07}]
make_up_days: [{day: 2024-09-29}, {day: 2024-10-12}]
"""

BERLIN = """
name: berlin
version: 1
zone: Europe/Berlin
hours: [00:00-24:00]
weekdays: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]
"""

NIGHTS = """
name: nights
version: 1
zone: Europe/Berlin
hours: [00:00-02:30, 03:30-06:00]
weekdays: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]
"""


class TestHours:
    @pytest.mark.parametrize(
        ("text", "start", "hours", "due"),
        [
            (NINE_TO_FIVE, "2024-01-01 10:00", 1, "Mon 2024-01-01 11:00:00"),
            (NINE_TO_FIVE, "2024-01-01 16:00", 2, "Tue 2024-01-02 10:00:00"),
            (NINE_TO_FIVE, "2024-01-06 15:00", 1, "Mon 2024-01-08 10:00:00"),
            (NINE_TO_FIVE, "2024-01-06 15:00", 4, "Mon 2024-01-08 13:00:00"),
            (NINE_TO_FIVE, "2024-01-07 20:00", 1, "Mon 2024-01-08 10:00:00"),
            (NINE_TO_FIVE, "2024-01-15 16:30", 1, "Tue 2024-01-16 10:00:00"),
            (TEN_TO_SIX, "2024-01-08 20:00", 0.5, "Tue 2024-01-09 10:30:00"),
            (TEN_TO_SIX, "2024-01-06 15:00", 24, "Wed 2024-01-10 18:00:00"),
            (TEN_TO_SIX, "2024-01-05 17:00", 2, "Mon 2024-01-08 11:00:00"),
            (TEN_TO_SIX, "2024-01-05 19:00", 4, "Mon 2024-01-08 14:00:00"),
            (TEN_TO_SIX, "2024-01-31 17:45", 0.5, "Mon 2024-02-05 10:15:00"),
            (EVERY_DAY_ANOTHER, "2006-01-04 14:30", 1.5, "Wed 2006-01-04 16:00:00"),
            (SHANGHAI, "2024-09-30 17:30", 1, "Tue 2024-10-08 09:30:00"),
            (SHANGHAI, "2024-09-28 10:00", 0.5, "Sun 2024-09-29 09:30:00"),
            (SHANGHAI, "2024-10-11 17:00", 2, "Sat 2024-10-12 10:00:00"),
        ],
    )
    def test_run_in_working_time(self, text: str, start: str, hours: float, due: str) -> None:
        calendar = calendar_from(text)
        assert shown(calendar, calendar.add_working(at(calendar, start), int(hours * HOUR))) == due

    @pytest.mark.parametrize(
        ("text", "since", "until", "hours"),
        [
            (NINE_TO_FIVE, "2024-01-01 10:00", "2024-01-01 12:00", 2),
            (NINE_TO_FIVE, "2024-01-12 10:00", "2024-01-16 12:00", 10),
            (EVERY_DAY_ANOTHER, "2006-01-01 00:00", "2006-01-08 00:00", 39.5),
            (EVERY_DAY_ANOTHER, "2006-01-03 00:00", "2006-01-03 10:00", 0),
            (BERLIN, "2024-03-31 00:00", "2024-04-01 00:00", 23),
            (BERLIN, "2024-10-27 00:00", "2024-10-28 00:00", 25),
        ],
    )
    def test_are_counted_between_two_instants(self, text: str, since: str, until: str, hours: float) -> None:
        calendar = calendar_from(text)
        assert calendar.working_between(at(calendar, since), at(calendar, until)) == hours * HOUR


class TestDays:
    @pytest.mark.parametrize(
        ("text", "start", "days", "due"),
        [
            (EVERY_DAY_ANOTHER, "2006-01-06 12:00:52", 2, "Mon 2006-01-09 12:00:52"),
            (EVERY_DAY_ANOTHER, "2006-01-03 08:00", 2, "Thu 2006-01-05 10:00:00"),
            (EVERY_DAY_ANOTHER, "2006-01-03 18:00", 2, "Fri 2006-01-06 09:00:00"),
            (EVERY_DAY_ANOTHER, "2006-01-04 16:30", 1, "Thu 2006-01-05 16:00:00"),
            (EVERY_DAY_ANOTHER, "2006-01-04 09:30", 1, "Wed 2006-01-04 17:00:00"),
            (SHANGHAI, "2024-09-30 15:00", 1, "Tue 2024-10-08 15:00:00"),
            (SHANGHAI, "2024-09-27 15:00", 1, "Sun 2024-09-29 15:00:00"),
            (SHANGHAI, "2024-10-11 20:00", 1, "Mon 2024-10-14 09:00:00"),
        ],
    )
    def test_keep_the_clock_time_or_end_at_the_closing_before(
        self, text: str, start: str, days: int, due: str
    ) -> None:
        calendar = calendar_from(text)
        assert shown(calendar, calendar.add_working_days(at(calendar, start), days)) == due


class TestPauses:
    @pytest.mark.parametrize(
        ("start", "hours", "paused", "held", "due"),
        [
            ("2024-01-11 15:00", 2, "2024-01-11 15:30", 3600, "Thu 2024-01-11 18:00:00"),
            ("2024-01-11 15:00", 2, "2024-01-11 15:30", 3601, "Fri 2024-01-12 10:00:01"),
            ("2024-01-08 12:00", 4, "2024-01-08 12:30", 1800, "Mon 2024-01-08 16:30:00"),
            ("2024-01-12 17:00", 2, "2024-01-12 20:00", 3600, "Mon 2024-01-15 11:00:00"),
        ],
    )
    def test_move_what_is_due_by_working_time_only(
        self, start: str, hours: int, paused: str, held: int, due: str
    ) -> None:
        calendar = calendar_from(TEN_TO_SIX)
        pause = at(calendar, paused)
        moved = calendar.due_after_pause(
            calendar.add_working(at(calendar, start), hours * HOUR),
            paused=pause,
            resumed=pause + held * SECOND,
        )
        assert shown(calendar, moved) == due


class TestChangesOfTheClock:
    @pytest.mark.parametrize(
        ("start", "due"),
        [("2024-03-08 16:30", "2024-03-11T13:30:00Z"), ("2024-11-01 16:30", "2024-11-04T14:30:00Z")],
    )
    def test_over_the_weekend_hours_stay_hours(self, start: str, due: str) -> None:
        calendar = calendar_from(NINE_TO_FIVE)
        assert format_instant(calendar.add_working(at(calendar, start), HOUR)) == due

    def test_the_same_clock_time_is_23_or_25_hours_away(self) -> None:
        calendar = calendar_from(BERLIN)
        for day, hours in (("2026-03-28 15:00", 23), ("2026-10-24 15:00", 25), ("2026-07-01 15:00", 24)):
            start = at(calendar, day)
            assert calendar.add_working_days(start, 1) - start == hours * HOUR

    def test_a_clock_time_that_is_skipped_is_the_instant_of_the_change(self) -> None:
        calendar = calendar_from(BERLIN)
        assert shown(calendar, calendar.add_working_days(at(calendar, "2026-03-28 02:30"), 1)) == (
            "Sun 2026-03-29 03:00:00"
        )

    def test_a_clock_time_that_comes_twice_is_the_first(self) -> None:
        calendar = calendar_from(BERLIN)
        due = calendar.add_working_days(at(calendar, "2026-10-24 02:30"), 1)
        assert format_instant(due) == "2026-10-25T00:30:00Z"

    def test_hours_that_are_skipped_are_not_worked(self) -> None:
        calendar = calendar_from(NIGHTS)
        start = at(calendar, "2026-03-29 01:30")
        assert _openings(calendar, start, 2) == [
            ("Sun 2026-03-29 01:30:00", "Sun 2026-03-29 03:00:00", 30 * MINUTE),
            ("Sun 2026-03-29 03:30:00", "Sun 2026-03-29 06:00:00", 150 * MINUTE),
        ]

    def test_hours_that_come_twice_are_worked_twice_and_what_lies_between_is_not(self) -> None:
        calendar = calendar_from(NIGHTS)
        start = at(calendar, "2026-10-25 01:30")
        assert _openings(calendar, start, 3) == [
            ("Sun 2026-10-25 01:30:00", "Sun 2026-10-25 02:30:00", 60 * MINUTE),
            ("Sun 2026-10-25 02:00:00", "Sun 2026-10-25 02:30:00", 30 * MINUTE),
            ("Sun 2026-10-25 03:30:00", "Sun 2026-10-25 06:00:00", 150 * MINUTE),
        ]


def _openings(calendar: Calendar, start: int, count: int) -> list[tuple[str, str, int]]:
    """Return openings from ``start`` on: when they begin and end, and how long they are."""
    found = []
    for _ in range(count):
        opens = calendar.next_opening(start)
        start = closes = _closing(calendar, opens)
        found.append((shown(calendar, opens), shown(calendar, closes), closes - opens))
    return found


def _closing(calendar: Calendar, opens: int) -> int:
    """Return where an opening ends: adding its own length again leads out of it."""
    minute = opens
    while calendar.is_open(minute):
        minute += MINUTE
    return calendar.previous_closing(minute)
