"""From a calendar's document to a calendar; every fault of the document is reported at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import ClassVar, Final, get_args

from shared.kernel.faults import Fault, Faults, show
from shared.kernel.instants import HOUR, MINUTE
from shared.working_time.calendar import FIRST_YEAR, LAST_YEAR, Calendar, Years
from shared.working_time.document import CalendarDocument, HolidayDocument, Weekday, YearsDocument
from shared.working_time.openings import DayNumber, Spans, day_number
from shared.working_time.public_holidays import find_public_days
from shared.working_time.zones import UnknownZone, load_zone

_WEEKDAYS: Final[tuple[str, ...]] = get_args(Weekday)

_LONGEST_HOLIDAY: Final = 100
"""Days off in a row, beyond which a year was mistyped."""


class CalendarFaults(Faults):
    """A calendar has faults; all of them are listed, each with its path."""

    code: ClassVar[str] = "working_time.calendar_faults"


def compile_calendar(document: CalendarDocument) -> Calendar:
    """Check and compile a calendar.

    :raises CalendarFaults: with every fault, each with its path in the document.
    """
    faults: list[Fault] = []
    zone = None
    try:
        zone = load_zone(document.zone)
    except UnknownZone as error:
        faults.append(Fault("zone", f"{show(document.zone)} is unknown: {error.message}"))
    usual = _spans(document.hours, "hours", faults)
    week = _week(document, usual, faults)
    public, complete = _public(document, usual, week, faults)
    own = _own_days(document, usual, week, faults)
    if faults or zone is None:
        raise CalendarFaults(faults, about=f"calendar {document.name}, version {document.version}")
    return Calendar(
        name=document.name,
        version=document.version,
        zone=zone,
        week=week,
        days={**public, **own},
        complete=complete,
    )


def _week(document: CalendarDocument, usual: Spans, faults: list[Fault]) -> tuple[Spans, ...]:
    hours: dict[str, Spans] = dict.fromkeys(document.weekdays, usual)
    if len(hours) < len(document.weekdays):
        faults.append(Fault("weekdays", "names a day twice"))
    for weekday, spans in document.weekday_hours.items():
        path = f"weekday_hours.{weekday}"
        if weekday not in hours:
            faults.append(Fault(path, "is no working day; name it in weekdays"))
        hours[weekday] = _spans(spans, path, faults)
    return tuple(hours.get(weekday, ()) for weekday in _WEEKDAYS)


def _public(
    document: CalendarDocument, usual: Spans, week: Sequence[Spans], faults: list[Fault]
) -> tuple[Mapping[DayNumber, Spans], Years | None]:
    """Return the days that a package knows, and the years whose holidays are all known."""
    complete = _years(document.complete, "complete", faults)
    if document.public_holidays is None:
        return {}, complete
    years = _years(document.public_holidays.years, "public_holidays.years", faults)
    if years is None:
        return {}, complete
    found = find_public_days(document.public_holidays, "public_holidays", faults)
    days = dict.fromkeys(found.free, ()) | {day: week[(day + 3) % 7] or usual for day in found.made_up}
    return days, complete or years


def _years(document: YearsDocument | None, path: str, faults: list[Fault]) -> Years | None:
    if document is None:
        return None
    if document.first > document.last:
        faults.append(Fault(path, f"{document.last} lies before {document.first}; the first comes first"))
        return None
    return Years(document.first, document.last)


def _own_days(
    document: CalendarDocument, usual: Spans, week: Sequence[Spans], faults: list[Fault]
) -> Mapping[DayNumber, Spans]:
    """Return the days that the document lists: holidays first, the rest over them."""
    free: dict[DayNumber, Spans] = {}
    for place, holiday in enumerate(document.holidays):
        path = f"holidays[{place}]"
        days = _days_of(holiday, path, faults)
        if not free.keys().isdisjoint(days):
            faults.append(Fault(path, "holds a day that is a holiday already"))
        free |= dict.fromkeys(days, ())
    others: dict[DayNumber, Spans] = {}
    for place, made_up in enumerate(document.make_up_days):
        path = f"make_up_days[{place}]"
        hours = usual if made_up.hours is None else _spans(made_up.hours, f"{path}.hours", faults)
        number = _list(made_up.day, hours, f"{path}.day", others, faults)
        if number is not None and week[(number + 3) % 7] and number not in free:
            faults.append(Fault(f"{path}.day", "is worked anyway; for other hours, list an exception"))
    for place, exception in enumerate(document.exceptions):
        path = f"exceptions[{place}]"
        hours = _spans(exception.hours, f"{path}.hours", faults)
        _list(exception.day, hours, f"{path}.day", others, faults)
    return free | others


def _days_of(holiday: HolidayDocument, path: str, faults: list[Fault]) -> range:
    first = _day(holiday.day, f"{path}.day", faults)
    last = first if holiday.until is None else _day(holiday.until, f"{path}.until", faults)
    if first is None or last is None:
        return range(0)
    if not first <= last < first + _LONGEST_HOLIDAY:
        text = f"a holiday ends at its day or later, and has at most {_LONGEST_HOLIDAY} days"
        faults.append(Fault(f"{path}.until", text))
        return range(0)
    return range(first, last + 1)


def _list(
    text: str, hours: Spans, path: str, listed: dict[DayNumber, Spans], faults: list[Fault]
) -> DayNumber | None:
    day = _day(text, path, faults)
    if day is None:
        return None
    if day in listed:
        faults.append(Fault(path, f"{text} is listed already; a day has one entry"))
    listed[day] = hours
    return day


def _day(text: str, path: str, faults: list[Fault]) -> DayNumber | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        faults.append(Fault(path, f"{show(text)} is no day of the calendar"))
        return None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        faults.append(Fault(path, f"{text} is out of reach; allowed: {FIRST_YEAR} to {LAST_YEAR}"))
        return None
    return day_number(day)


def _spans(texts: Sequence[str], path: str, faults: list[Fault]) -> Spans:
    """Return spans in order, those that touch as one."""
    spans: list[tuple[int, int]] = []
    for place, text in enumerate(texts):
        opens, closes = (_clock(part) for part in text.split("-"))
        if opens >= closes:
            faults.append(Fault(f"{path}[{place}]", f"{text} closes before it opens; split it at 24:00"))
        elif spans and opens < spans[-1][1]:
            faults.append(Fault(f"{path}[{place}]", f"{text} begins before the span before it ends"))
        elif spans and opens == spans[-1][1]:
            spans[-1] = (spans[-1][0], closes)
        else:
            spans.append((opens, closes))
    return tuple(spans)


def _clock(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * HOUR + int(minutes) * MINUTE
