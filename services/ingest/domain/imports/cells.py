"""Cells of a table, as text or as the number that a spreadsheet kept."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, NamedTuple

LONGEST_CELL: Final = 2_000
"""Characters of one cell that are used."""

_EXACT: Final = 10**15
"""Spreadsheets keep fifteen digits; a longer number has lost some."""

_ROUNDED: Final = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE]\+?\d+")
_TAIL: Final = re.compile(r"(\+?\d{5,})[.,]0+")


class Number(NamedTuple):
    """A number as a spreadsheet keeps it; dates are numbers there unless they are shown as dates."""

    value: float


Cell = str | Number | None
"""None and an empty text are the same."""


def text_of(cell: Cell) -> str:
    """Return a cell as text, without blanks at its ends; a whole number has no decimals."""
    if cell is None:
        return ""
    if isinstance(cell, Number):
        value = cell.value
        return str(int(value)) if value.is_integer() else f"{Decimal(repr(value)):f}"
    return cell.strip()[:LONGEST_CELL]


def is_rounded(cell: Cell) -> bool:
    """Return whether a number or an id has lost digits: 1.38E+10, or more digits than are kept."""
    if isinstance(cell, Number):
        return abs(cell.value) >= _EXACT
    return cell is not None and _ROUNDED.fullmatch(cell.strip()) is not None


def digits_of(cell: Cell) -> str:
    """Return a telephone number or an id as text, without the decimals that a spreadsheet may have added."""
    text = text_of(cell)
    tail = _TAIL.fullmatch(text)
    return text if tail is None else tail[1]
