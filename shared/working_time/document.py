"""The shape of a calendar's document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Span = Annotated[
    str, Meta(pattern="^(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")
]
"""Hours from an opening to a closing, as ``09:00-12:00``; the closing counts as closed. The hole between
two spans is a break. A night shift is two spans, the first until ``24:00``."""

Day = Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
"""A day of the calendar's zone, as ``2026-10-01``."""

Year = Annotated[int, Meta(ge=1970, le=2199)]
"""A year that calendars can reckon with."""

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys that no part knows are faults."""


class HolidayDocument(_Part, frozen=True, kw_only=True):
    """Nobody works on ``day``, or from ``day`` until ``until``, both included."""

    day: Day
    until: Day | None = None
    label: Mapping[str, str] = {}


class MakeUpDayDocument(_Part, frozen=True, kw_only=True):
    """A day off in other weeks that is worked (调休), at ``hours`` or the calendar's usual ones."""

    day: Day
    hours: Annotated[tuple[Span, ...], Meta(min_length=1)] | None = None
    label: Mapping[str, str] = {}


class ExceptionDocument(_Part, frozen=True, kw_only=True):
    """A day with hours of its own; none at all is a day off."""

    day: Day
    hours: tuple[Span, ...]
    label: Mapping[str, str] = {}


class YearsDocument(_Part, frozen=True, kw_only=True):
    """From one year until another, both included."""

    first: Year
    last: Year


class PublicHolidaysDocument(_Part, frozen=True, kw_only=True):
    """Public holidays, and make-up days where there are any, as the package ``holidays`` knows them.

    ``country`` is ISO 3166's code of two letters, ``subdivision`` the package's code of a part of it.
    Days that the document lists itself come first.
    """

    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")]
    subdivision: Annotated[str, Meta(min_length=1, max_length=12)] | None = None
    years: YearsDocument


class CalendarDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When people work.

    ``hours`` are those of each of the ``weekdays`` that ``weekday_hours`` does not name. An exception
    or make-up day comes before a holiday, a holiday before the weekday. ``complete`` are the years whose
    holidays are all known; in others, the days that are listed count, and else plain weekdays.
    """

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    zone: str
    hours: Annotated[tuple[Span, ...], Meta(min_length=1)]
    weekdays: Annotated[tuple[Weekday, ...], Meta(min_length=1)]
    weekday_hours: Mapping[Weekday, Annotated[tuple[Span, ...], Meta(min_length=1)]] = {}
    holidays: tuple[HolidayDocument, ...] = ()
    public_holidays: PublicHolidaysDocument | None = None
    make_up_days: tuple[MakeUpDayDocument, ...] = ()
    exceptions: tuple[ExceptionDocument, ...] = ()
    complete: YearsDocument | None = None
