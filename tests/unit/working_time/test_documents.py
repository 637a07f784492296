"""A calendar's document is checked whole: every fault, each with its path."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.documents.calendars import load_calendars
from shared.documents.faults import DocumentFaults
from shared.working_time.calendar import Years
from shared.working_time.compiler import CalendarFaults
from tests.unit.working_time.calendars import at, calendar_from, shown

GOOD = """
name: good
version: 1
zone: Asia/Shanghai
hours: [09:00-18:00]
weekdays: [monday]
"""

MISSHAPEN = """
name: Misshapen
version: 0
zone: Asia/Shanghai
hours: []
weekdays: [monday, funday]
weekday_hours: {monday: [9-12]}
holidays: [{day: tomorrow}, {until: 2026-01-01}]
make_up_days: [{day: 2026-01-01, hours: []}]
public_holidays: {country: Germany, years: {first: 1800, last: 2026}}
exceptions: [{day: 2026-01-01}]
lunch: [12:00-13:00]
"""

WRONG = """
name: wrong
version: 1
zone: Asia/Shangri_La
hours: [09:00-12:00, 11:00-18:00, 18:00-17:00]
weekdays: [monday, tuesday, monday]
weekday_hours: {sunday: [09:00-12:00]}
holidays:
  - {day: 2026-02-30}
  - {day: 2026-10-07, until: 2026-10-01}
  - {day: 2026-10-01, until: 2027-10-07}
  - {day: 2026-05-01, until: 2026-05-05}
  - {day: 2026-05-05}
  - {day: 1926-05-05}
make_up_days:
  - {day: 2026-05-04}
  - {day: 2026-05-11}
  - {day: 2026-05-09}
exceptions:
  - {day: 2026-05-09, hours: []}
  - {day: 2026-05-10, hours: [10:00-10:00]}
  - {day: 2026-05-10, hours: [22:00-06:00]}
complete: {first: 2027, last: 2026}
public_holidays: {country: ZZ, years: {first: 2026, last: 2027}}
"""


def faults_of(text: str) -> dict[str, str]:
    with pytest.raises((CalendarFaults, DocumentFaults)) as raised:
        calendar_from(text)
    return {fault.path: fault.text for fault in raised.value.faults}


class TestFaults:
    def test_of_shape_are_listed_at_once_with_their_paths(self) -> None:
        assert set(faults_of(MISSHAPEN)) == {
            "name",
            "version",
            "hours",
            "weekdays[1]",
            "weekday_hours.monday[0]",
            "holidays[0].day",
            "holidays[1].day",
            "make_up_days[0].hours",
            "public_holidays.country",
            "public_holidays.years.first",
            "exceptions[0].hours",
            "lunch",
        }

    def test_of_sense_are_listed_at_once_with_their_paths(self) -> None:
        assert set(faults_of(WRONG)) == {
            "zone",
            "hours[1]",
            "hours[2]",
            "weekdays",
            "weekday_hours.sunday",
            "holidays[0].day",
            "holidays[1].until",
            "holidays[2].until",
            "holidays[4]",
            "holidays[5].day",
            "make_up_days[1].day",
            "exceptions[0].day",
            "exceptions[1].hours[0]",
            "exceptions[2].hours[0]",
            "exceptions[2].day",
            "complete",
            "public_holidays.country",
        }

    @pytest.mark.parametrize(
        ("line", "path"),
        [
            ("weekdays: []", "weekdays"),
            ("weekdays: [monday]\nweekday_hours: {monday: []}", "weekday_hours.monday"),
        ],
    )
    def test_a_week_without_work_is_one(self, line: str, path: str) -> None:
        assert path in faults_of(GOOD.replace("weekdays: [monday]", line))

    @pytest.mark.parametrize(
        ("source", "path", "text"),
        [
            (
                "{country: DE, subdivision: XX, years: {first: 2026, last: 2026}}",
                "subdivision",
                "allowed: Augsburg",
            ),
            ("{country: UK, years: {first: 2026, last: 2026}}", "country", "allowed: AD"),
            ("{country: CN, years: {first: 1970, last: 2150}}", "years", "known from"),
            ("{country: DE, years: {first: 2027, last: 2026}}", "years", "first comes first"),
        ],
    )
    def test_holidays_that_nobody_knows_are_one(self, source: str, path: str, text: str) -> None:
        assert text in faults_of(f"{GOOD}public_holidays: {source}\n")[f"public_holidays.{path}"]


class TestMeaning:
    def test_an_exception_comes_before_a_holiday_and_a_holiday_before_the_weekday(self) -> None:
        calendar = calendar_from(
            f"{GOOD}holidays: [{{day: 2026-11-16, until: 2026-11-23}}]\n"
            "exceptions: [{day: 2026-11-23, hours: [10:00-11:00]}]\n"
        )
        opening = calendar.next_opening(at(calendar, "2026-11-10 00:00"))
        assert shown(calendar, opening) == "Mon 2026-11-23 10:00:00"

    def test_a_make_up_day_has_the_usual_hours_or_its_own(self) -> None:
        calendar = calendar_from(
            f"{GOOD}make_up_days: [{{day: 2026-11-14}}, {{day: 2026-11-15, hours: [13:00-14:00]}}]\n"
        )
        first = calendar.next_opening(at(calendar, "2026-11-14 00:00"))
        second = calendar.next_opening(at(calendar, "2026-11-14 18:00"))
        assert shown(calendar, first) == "Sat 2026-11-14 09:00:00"
        assert shown(calendar, second) == "Sun 2026-11-15 13:00:00"

    def test_the_package_knows_make_up_days_too(self) -> None:
        calendar = calendar_from(
            "{name: cn, version: 1, zone: Asia/Shanghai, hours: [09:00-18:00],"
            " weekdays: [monday, tuesday, wednesday, thursday, friday],"
            " public_holidays: {country: CN, years: {first: 2026, last: 2026}}}"
        )
        due = calendar.add_working_days(at(calendar, "2026-09-30 15:00"), 2)
        assert shown(calendar, due) == "Fri 2026-10-09 15:00:00"
        assert shown(calendar, calendar.add_working_days(due, 1)) == "Sat 2026-10-10 15:00:00"
        assert calendar.complete == Years(2026, 2026)

    def test_what_does_not_say_how_much_it_knows_is_never_in_doubt(self) -> None:
        calendar = calendar_from(GOOD)
        assert calendar.years_in_doubt(at(calendar, "2026-01-01"), at(calendar, "2036-01-01")) == ()


class TestFolder:
    def test_of_two_versions_the_newest_counts(self, tmp_path: Path) -> None:
        folder = tmp_path / "calendars"
        folder.mkdir()
        for version in (2, 10):
            text = GOOD.replace("version: 1", f"version: {version}")
            (folder / f"good.{version}.yaml").write_text(text)
        assert {name: found.version for name, found in load_calendars(tmp_path).items()} == {"good": 10}

    def test_faults_of_all_calendars_are_told_together(self, tmp_path: Path) -> None:
        folder = tmp_path / "calendars"
        folder.mkdir()
        (folder / "good.yaml").write_text(GOOD.replace("Shanghai", "Nowhere"))
        (folder / "worse.yaml").write_text(GOOD.replace("good", "worse").replace("18:00", "08:00"))
        with pytest.raises(DocumentFaults) as raised:
            load_calendars(tmp_path)
        assert [fault.path for fault in raised.value.faults] == [
            "calendars/good, version 1: zone",
            "calendars/worse, version 1: hours[0]",
        ]

    def test_no_folder_holds_no_calendars(self, tmp_path: Path) -> None:
        assert load_calendars(tmp_path) == {}
