"""Durations as people write them in settings: ``250ms``, ``30s``, ``5m``, ``1h30m``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer

_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS: Final = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def parse_duration(value: object) -> timedelta:
    """Read a duration; a ``timedelta`` is taken as it is.

    :raises ValueError: if it is none; a number without a unit is none.
    """
    if isinstance(value, timedelta):
        return value
    text = str(value).strip().replace(" ", "")
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("a duration has a unit: 250ms, 30s, 5m, 1h30m or 7d")
    return sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())


def format_duration(span: timedelta) -> str:
    """Write a duration the way it is read; negative ones are not."""
    rest = round(span / timedelta(milliseconds=1))
    text = ""
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, round(_UNITS[unit] / timedelta(milliseconds=1)))
        text += f"{count}{unit}" if count else ""
    return text or "0s"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
"""A setting that is a duration."""
