"""Moments as platforms write them; none says how, so every way that was seen is read."""

from __future__ import annotations

import re
from typing import Final

from services.ingest.domain.identifiers import clean_text
from shared.kernel.instants import HOUR, MILLISECOND, SECOND, Instant, format_instant, parse_instant

_BEIJING: Final = 8 * HOUR
_DIGITS: Final = re.compile(r"\d{10}|\d{13}")
_CLOCK: Final = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,6})?)?)?"
)


def read_platform_moment(value: object) -> Instant | None:
    """Return the instant that a platform wrote, or None.

    Unix seconds or milliseconds, as a number or a text, or a day with or without a time; without a
    zone it is Beijing's time.
    """
    text = clean_text(value)
    if text is None:
        return None
    if _DIGITS.fullmatch(text):
        return int(text) * (SECOND if len(text) == 10 else MILLISECOND)
    if (found := _CLOCK.fullmatch(text)) is None:
        return _read_zoned(text)
    parts = [int(part or 0) for part in found.groups()]
    here = _read_zoned("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*parts))
    return None if here is None else here - _BEIJING


def _read_zoned(text: str) -> Instant | None:
    try:
        return parse_instant(text) if len(text) <= 40 else None
    except (ValueError, OverflowError):
        return None


def beijing_day(value: object) -> str | None:
    """Return the day in Beijing's time on which a platform's moment lies, as YYYY-MM-DD."""
    moment = read_platform_moment(value)
    return None if moment is None else beijing_day_of(moment)


def beijing_day_of(moment: Instant) -> str:
    """Return the day in Beijing's time on which an instant lies, as YYYY-MM-DD."""
    return format_instant(moment + _BEIJING)[:10]


def beijing_clock_of(moment: Instant) -> str:
    """Return an instant as Beijing's clock shows it, as YYYY-MM-DD HH:MM:SS."""
    return format_instant((moment + _BEIJING) // SECOND * SECOND)[:19].replace("T", " ")
