"""Which numbers of a workbook are dates: a question of how they are shown."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

_BUILT_IN: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_NOT_CODE: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)
_DATE_CODE: Final = re.compile(r"[ydhse]", re.IGNORECASE)
_FIRST_DAY: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's day has no zone
_SINCE_1904: Final = 1462
_LAST: Final = 2_958_466
"""The first serial number behind the year 9999."""


def shows_date(number: int, code: str | None) -> bool:
    """Return whether a format, by its number and if it is the workbook's own by its code, shows a date."""
    if code is None:
        return number in _BUILT_IN
    plain = _NOT_CODE.sub("", code.split(";", 1)[0])
    if plain.strip().lower() in {"general", "general date"}:
        return False
    return _DATE_CODE.search(plain) is not None or (
        "m" in plain.lower() and "#" not in plain and "0" not in plain
    )


def date_text(serial: float, *, since_1904: bool) -> str | None:
    """Return the date of a serial number as 2026-03-02, with its time if it has one; None if it is none."""
    if since_1904:
        serial += _SINCE_1904
    if not 0 <= serial < _LAST:
        return None
    if serial < 1:
        moment = _FIRST_DAY + timedelta(seconds=round(serial * 86_400))
        return moment.strftime("%H:%M:%S")
    moment = _FIRST_DAY + timedelta(seconds=round(serial * 86_400))
    return moment.strftime("%Y-%m-%d" if moment.time() == datetime.min.time() else "%Y-%m-%d %H:%M:%S")
