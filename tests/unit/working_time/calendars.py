"""Calendars for tests, and instants as people write them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from shared.documents.calendars import load_calendars
from shared.documents.versions import load_document
from shared.kernel.instants import Instant, from_datetime, parse_instant, to_datetime
from shared.working_time.calendar import Calendar
from shared.working_time.compiler import compile_calendar
from shared.working_time.document import CalendarDocument

CONFIG: Final = Path(__file__).parents[3] / "config"


@cache
def shipped(name: str) -> Calendar:
    """Return a calendar that ships."""
    return load_calendars(CONFIG)[name]


@cache
def calendar_from(text: str) -> Calendar:
    """Return a calendar from the text of a document."""
    return compile_calendar(load_document(text, kind="calendar", shape=CalendarDocument).body)


def at(calendar: Calendar, text: str) -> Instant:
    """Return the instant at which the calendar's clock shows ``2026-11-13 15:00``; of two the first."""
    return from_datetime(to_datetime(parse_instant(text)).replace(tzinfo=calendar.zone))


def shown(calendar: Calendar, instant: Instant) -> str:
    """Return what the calendar's clock shows, as ``Fri 2026-11-13 15:00:00``."""
    return f"{to_datetime(instant).astimezone(calendar.zone):%a %Y-%m-%d %H:%M:%S}"
