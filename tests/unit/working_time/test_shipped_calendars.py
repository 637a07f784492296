"""What ships under ``config/calendars``: the limits that were asked for, on real weeks of China."""

from __future__ import annotations

from datetime import date, timedelta

import holidays
import pytest

from shared.kernel.instants import HOUR
from tests.unit.working_time.calendars import at, shipped, shown

CHINA = shipped("china")


class TestWorkingDaysInChina:
    """R4: 24 hours on working days."""

    @pytest.mark.parametrize(
        ("assigned", "due"),
        [
            pytest.param("2026-11-13 15:00", "Mon 2026-11-16 15:00:00", id="Friday three o'clock"),
            pytest.param("2026-11-13 20:00", "Tue 2026-11-17 09:00:00", id="Friday evening"),
            pytest.param("2026-11-13 18:00", "Tue 2026-11-17 09:00:00", id="Friday at closing"),
            pytest.param("2026-11-14 11:00", "Tue 2026-11-17 09:00:00", id="Saturday"),
            pytest.param("2026-11-16 09:00", "Tue 2026-11-17 09:00:00", id="Monday at opening"),
            pytest.param("2026-11-16 12:30", "Tue 2026-11-17 13:00:00", id="at noon"),
            pytest.param("2026-09-18 15:00", "Sun 2026-09-20 15:00:00", id="Friday before a make-up Sunday"),
            pytest.param("2026-09-20 15:00", "Mon 2026-09-21 15:00:00", id="a make-up Sunday"),
            pytest.param("2026-09-30 15:00", "Thu 2026-10-08 15:00:00", id="before National Day"),
            pytest.param("2026-09-30 18:00", "Fri 2026-10-09 09:00:00", id="at the closing before it"),
            pytest.param(
                "2026-10-09 15:00", "Sat 2026-10-10 15:00:00", id="Friday before a make-up Saturday"
            ),
            pytest.param("2026-02-13 20:00", "Tue 2026-02-24 09:00:00", id="around Spring Festival"),
        ],
    )
    def test_a_follow_up_is_due_at_the_same_clock_time_of_the_next_working_day(
        self, assigned: str, due: str
    ) -> None:
        assert shown(CHINA, CHINA.add_working_days(at(CHINA, assigned), 1)) == due

    @pytest.mark.parametrize(
        ("contacted", "due", "fires"),
        [
            ("2026-11-10 15:00", "Tue 2026-11-17 15:00:00", "Tue 2026-11-17 15:00:00"),
            ("2026-11-07 15:00", "Fri 2026-11-13 18:00:00", "Mon 2026-11-16 09:00:00"),
            ("2026-11-09 20:00", "Mon 2026-11-16 18:00:00", "Tue 2026-11-17 09:00:00"),
            ("2026-09-25 15:00", "Wed 2026-09-30 18:00:00", "Thu 2026-10-08 09:00:00"),
            ("2026-11-10 12:30", "Tue 2026-11-17 12:00:00", "Tue 2026-11-17 13:00:00"),
        ],
    )
    def test_a_reminder_outside_hours_is_due_at_the_closing_before_and_fires_at_the_next_opening(
        self, contacted: str, due: str, fires: str
    ) -> None:
        found = CHINA.add_calendar_days(at(CHINA, contacted), 7)
        assert shown(CHINA, found) == due
        assert shown(CHINA, CHINA.next_opening(found)) == fires


class TestWorkingHoursInChina:
    """R3: 2 working hours for key accounts."""

    @pytest.mark.parametrize(
        ("assigned", "due"),
        [
            ("2026-11-16 09:00", "Mon 2026-11-16 11:00:00"),
            ("2026-11-16 10:00", "Mon 2026-11-16 12:00:00"),
            ("2026-11-16 11:00", "Mon 2026-11-16 14:00:00"),
            ("2026-11-13 17:00", "Mon 2026-11-16 10:00:00"),
            ("2026-11-14 17:00", "Mon 2026-11-16 11:00:00"),
            ("2026-09-30 17:30", "Thu 2026-10-08 10:30:00"),
            ("2026-10-09 17:00", "Sat 2026-10-10 10:00:00"),
            ("2026-09-19 10:00", "Sun 2026-09-20 11:00:00"),
        ],
    )
    def test_two_hours_run_through_working_time_only(self, assigned: str, due: str) -> None:
        assert shown(CHINA, CHINA.add_working(at(CHINA, assigned), 2 * HOUR)) == due

    def test_a_working_day_has_the_statutory_eight_hours(self) -> None:
        day = at(CHINA, "2026-11-16 00:00"), at(CHINA, "2026-11-17 00:00")
        assert CHINA.working_between(*day) == 8 * HOUR


class TestDaysAtTen:
    """N1: calendar days at 10:00, else the next working day."""

    @pytest.mark.parametrize(
        ("enrolled", "days", "due"),
        [
            ("2026-11-16 15:00", 3, "Thu 2026-11-19 10:00:00"),
            ("2026-11-18 15:00", 3, "Mon 2026-11-23 10:00:00"),
            ("2026-11-18 23:59", 3, "Mon 2026-11-23 10:00:00"),
            ("2026-09-17 08:00", 3, "Sun 2026-09-20 10:00:00"),
            ("2026-09-29 15:00", 3, "Thu 2026-10-08 10:00:00"),
        ],
    )
    def test_a_step_that_falls_on_a_free_day_waits_for_the_next_working_day(
        self, enrolled: str, days: int, due: str
    ) -> None:
        assert shown(CHINA, CHINA.at_clock(at(CHINA, enrolled), days=days, clock=10 * HOUR)) == due

    def test_ten_is_ten_where_the_recipient_lives(self) -> None:
        berlin = CHINA.in_zone("Europe/Berlin")
        found = berlin.at_clock(at(berlin, "2026-10-22 23:00"), days=3, clock=10 * HOUR)
        assert shown(berlin, found) == "Mon 2026-10-26 10:00:00"


class TestWhatIsKnownOfChina:
    def test_the_listed_days_are_those_that_the_package_took_from_the_yearly_notices(self) -> None:
        known = holidays.country_holidays("CN", years=range(2024, 2027))
        days = [date(2024, 1, 1) + timedelta(days=n) for n in range(366 + 365 + 365)]
        works = [
            day for day in days if day in known.weekend_workdays or (day.weekday() < 5 and day not in known)
        ]
        assert [day for day in days if CHINA.works_on(day)] == works

    def test_the_first_year_of_which_not_all_is_known_is_told(self) -> None:
        assert CHINA.years_in_doubt(at(CHINA, "2026-11-01"), at(CHINA, "2026-12-31")) == ()
        assert CHINA.years_in_doubt(at(CHINA, "2026-11-27"), at(CHINA, "2028-01-02")) == (2027, 2028)
        assert CHINA.years_in_doubt(at(CHINA, "2023-05-01"), at(CHINA, "2024-05-01")) == (2023,)

    def test_later_years_are_plain_weekdays(self) -> None:
        days = [date(2028, 1, 1) + timedelta(days=n) for n in range(366)]
        assert all(CHINA.works_on(day) == (day.weekday() < 5) for day in days)


class TestGermany:
    BERLIN = shipped("germany")

    @pytest.mark.parametrize(
        ("day", "works"),
        [
            (date(2026, 4, 3), False),
            (date(2026, 3, 9), True),
            (date(2027, 3, 8), False),
            (date(2026, 12, 24), True),
            (date(2026, 12, 31), False),
        ],
    )
    def test_holidays_come_from_the_package_and_exceptions_from_the_document(
        self, day: date, works: bool
    ) -> None:
        assert self.BERLIN.works_on(day) is works

    def test_a_short_day_makes_what_is_due_later_due_at_its_closing(self) -> None:
        due = self.BERLIN.add_working_days(at(self.BERLIN, "2026-11-12 16:00"), 1)
        assert shown(self.BERLIN, due) == "Fri 2026-11-13 14:30:00"
