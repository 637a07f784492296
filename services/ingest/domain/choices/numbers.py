"""Numbers that stand alone in a text: "1,200", "30万", "3 months"."""

from __future__ import annotations

import re
from typing import Final

from services.ingest.domain.choices.folding import fold
from services.ingest.domain.identifiers import clean_text

_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(万|亿|k|w|m)?(?![a-z])")
_MULTIPLES: Final = {"万": 10_000, "w": 10_000, "亿": 100_000_000, "k": 1_000, "m": 1_000_000}
_GROUPED: Final = re.compile(r"(?<=\d)[,，\s](?=\d{3}(?!\d))")
_OPEN: Final = (
    *("+", "以上", "above", "more than", "over", "超过", "≥", ">", "or more"),
    *("<", "以下", "以内", "below", "under", "less than", "不足", "up to", "≤"),
)
_LONGEST: Final = 40


def read_number(value: object) -> int | float | None:
    """Return the one number in a text that leaves no end open, or None."""
    text = clean_text(value)
    if text is None:
        return None
    plain = _GROUPED.sub("", fold(text))
    found = _NUMBER.findall(plain)
    if len(found) != 1 or len(plain) > _LONGEST or any(mark in plain for mark in _OPEN):
        return None
    digits, multiple = found[0]
    amount = float(digits) * _MULTIPLES.get(multiple, 1)
    number: int | float = int(amount) if amount.is_integer() else amount
    return -number if plain.startswith("-") else number


def read_whole_number(value: object) -> int | None:
    """Return a number of things, or None."""
    number = read_number(value)
    return None if number is None else int(number)
