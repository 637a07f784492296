"""Dates as people and spreadsheets write them.

2026-03-02, 2026/3/2, 2026.03.02, 20260302, 2026年3月2日, 2 Mar 2026, a spreadsheet's serial number, each
with a time or without. 02/03/2026 means two days; the column decides which, and where it cannot, a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Final, Literal, TypeAlias

from services.ingest.domain.imports.cells import Cell, Number, text_of

DayOrder: TypeAlias = Literal["dmy", "mdy"]
"""What stands first where the year stands last: the day, or the month."""

OrderFound: TypeAlias = Literal["dmy", "mdy", "mixed", "ambiguous", "none"]

_TIME: Final = (
    r"(?:[T\s,]+(?P<half>上午|下午)?\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"\s*(?P<ampm>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
_MONTH: Final = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_YEAR_FIRST: Final = re.compile(
    r"(?P<year>\d{4})\s*(?:[-/.]|年)\s*(?P<month>\d{1,2})\s*(?:[-/.]|月)\s*(?P<day>\d{1,2})\s*日?" + _TIME
)
_COMPACT: Final = re.compile(r"(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})" + _TIME)
_YEAR_LAST: Final = re.compile(
    r"(?P<first>\d{1,2})[-/.](?P<second_>\d{1,2})[-/.](?P<year>\d{4}|\d{2})" + _TIME
)
_NAMED: Final = (
    re.compile(r"(?P<day>\d{1,2})[-\s.]+" + _MONTH + r"[-\s,]+(?P<year>\d{4}|\d{2})" + _TIME, re.IGNORECASE),
    re.compile(
        _MONTH + r"[-\s]+(?P<day>\d{1,2})(?:st|nd|rd|th)?[-\s,]+(?P<year>\d{4})" + _TIME, re.IGNORECASE
    ),
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SERIAL: Final = re.compile(r"\d{5}(?:\.\d+)?")
_FIRST_DAY: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's day has no zone
_SERIALS: Final = (20_000, 80_000)
_YEARS: Final = (1900, 2100)
_MOST_MONTHS: Final = 12
_NOON: Final = 12
_PIVOT: Final = 70


class DateUnreadable(Exception):
    """``code`` says what is wrong with a date."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_date(cell: Cell, *, order: DayOrder | None, zone: tzinfo) -> datetime | None:
    """Return the moment that a cell tells, in ``zone`` where it names none; None if it is empty.

    :raises DateUnreadable: if it is no date, or may be two.
    """
    text = text_of(cell)
    if not text:
        return None
    if isinstance(cell, Number) or _SERIAL.fullmatch(text):
        return _serial(float(text), zone)
    for pattern in (_YEAR_FIRST, _COMPACT, *_NAMED):
        found = pattern.fullmatch(text)
        if found is not None:
            month = found["month"] if "month" in pattern.groupindex else None
            number = int(month) if month else _MONTHS.index(found["name"][:3].lower()) + 1
            return _moment(found, _year(found["year"]), number, int(found["day"]), zone)
    found = _YEAR_LAST.fullmatch(text)
    if found is None:
        raise DateUnreadable("date.unreadable")
    first, second = int(found["first"]), int(found["second_"])
    if order is None:
        order = "dmy" if first > _MOST_MONTHS else "mdy" if second > _MOST_MONTHS else None
        if order is None and first != second:
            raise DateUnreadable("date.ambiguous")
    day, month_ = (second, first) if order == "mdy" else (first, second)
    if month_ > _MOST_MONTHS >= day:
        raise DateUnreadable("date.other_order")
    return _moment(found, _year(found["year"]), month_, day, zone)


def find_order(cells: Iterable[Cell]) -> OrderFound:
    """Return what stands first in a column's dates whose year stands last, as far as they tell."""
    orders: set[str] = set()
    is_open = False
    for cell in cells:
        found = _YEAR_LAST.fullmatch(text_of(cell)) if isinstance(cell, str) else None
        if found is None:
            continue
        first, second = int(found["first"]), int(found["second_"])
        if first > _MOST_MONTHS >= second:
            orders.add("dmy")
        elif second > _MOST_MONTHS >= first:
            orders.add("mdy")
        elif first != second:
            is_open = True
    if len(orders) > 1:
        return "mixed"
    if "dmy" in orders:
        return "dmy"
    if "mdy" in orders:
        return "mdy"
    return "ambiguous" if is_open else "none"


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) > 2 else year + (2000 if year < _PIVOT else 1900)


def _serial(days: float, zone: tzinfo) -> datetime:
    if not _SERIALS[0] <= days <= _SERIALS[1]:
        text = str(int(days))
        found = _COMPACT.fullmatch(text) if days == int(days) else None
        if found is None:
            raise DateUnreadable("date.unreadable")
        return _moment(found, int(found["year"]), int(found["month"]), int(found["day"]), zone)
    moment = _FIRST_DAY + timedelta(seconds=round(days * 86_400))
    return moment.replace(tzinfo=zone)


def _moment(found: re.Match[str], year: int, month: int, day: int, zone: tzinfo) -> datetime:
    try:
        if not _YEARS[0] <= year <= _YEARS[1]:
            raise ValueError
        moment = datetime.combine(date(year, month, day), datetime.min.time())
        if found["hour"] is not None:
            hour = int(found["hour"])
            is_late = found["half"] == "下午" or (found["ampm"] or "").lower().startswith("p")
            is_early = found["half"] == "上午" or (found["ampm"] or "").lower().startswith("a")
            if is_late and hour < _NOON:
                hour += _NOON
            elif is_early and hour == _NOON:
                hour = 0
            moment = moment.replace(hour=hour, minute=int(found["minute"]), second=int(found["second"] or 0))
    except ValueError:
        raise DateUnreadable("date.unreadable") from None
    return moment.replace(tzinfo=_zone(found["zone"]) or zone)


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text == "Z":
        return timezone.utc  # noqa: UP017 - the name of the type is needed beside it
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
