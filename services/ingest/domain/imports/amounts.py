"""Amounts as people write them: 1,234.56 and 1.234,56, 12万, ¥ 1 200, (300).

Where one separator before three digits may mean either, the other amounts of the column decide; where
they cannot, nobody guesses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Final, Literal, NamedTuple, TypeAlias

from services.ingest.domain.imports.cells import Cell, Number, text_of

DecimalMark: TypeAlias = Literal["point", "comma"]

_SHAPE: Final = re.compile(
    r"(?P<before>[^\d.,+\-()]*)(?P<open>\()?\s*(?P<sign>[+-])?\s*(?P<inside>[^\d.,+\-()]*)"
    r"(?P<digits>\d[\d.,'’ ]*)\s*(?P<multiple>百万|千万|万|亿|千|k|w|m)?\s*"
    r"(?P<after>[^\d.,+\-()]*)(?P<close>\))?",
    re.IGNORECASE,
)
_MULTIPLES: Final = {
    "k": 1_000,
    "千": 1_000,
    "万": 10_000,
    "w": 10_000,
    "m": 1_000_000,
    "百万": 1_000_000,
    "千万": 10_000_000,
    "亿": 100_000_000,
}
_GROUPS: Final = {
    ",": re.compile(r"\d{1,3}(,\d{3})+"),
    ".": re.compile(r"\d{1,3}(\.\d{3})+"),
}
_CHINESE_GROUPS: Final = re.compile(r"\d{1,4}(,\d{4})+")
_DECIMALS: Final = {"point": ".", "comma": ","}
_GROUP: Final = 3


class AmountRead(NamedTuple):
    """A plain number, and the sign or word of a currency that stood with it."""

    number: str
    currency: str


class AmountOpen(Exception):
    """``code`` says why an amount cannot be told."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_plain_amount(cell: Cell, *, mark: DecimalMark | None) -> AmountRead | None:
    """Return the amount in a cell, None if it is empty; ``mark`` is what the column's decimals begin with.

    :raises AmountOpen: if it is no amount, or may be two.
    """
    if isinstance(cell, Number):
        return AmountRead(f"{Decimal(repr(round(cell.value, 6))):f}", "")
    text = unicodedata.normalize("NFKC", text_of(cell))
    if not text:
        return None
    found = _SHAPE.fullmatch(text)
    if found is None or bool(found["open"]) != bool(found["close"]):
        raise AmountOpen("amount.unreadable")
    number = _number(re.sub(r"['’ ]", "", found["digits"]), mark)
    number *= _MULTIPLES.get((found["multiple"] or "").lower(), 1)
    if found["sign"] == "-" or found["open"]:
        number = -number
    words = (found["before"], found["inside"], found["after"])
    plain = f"{number:f}"
    return AmountRead(
        plain.rstrip("0").rstrip(".") if "." in plain else plain,
        "".join(word.strip() for word in words),
    )


def find_mark(cells: Iterable[Cell]) -> DecimalMark | None:
    """Return what the decimals of a column begin with, None if its amounts do not tell or contradict."""
    found: set[DecimalMark] = set()
    for cell in cells:
        shape = (
            _SHAPE.fullmatch(unicodedata.normalize("NFKC", text_of(cell))) if isinstance(cell, str) else None
        )
        if shape is not None:
            told = _told_by(re.sub(r"['’ ]", "", shape["digits"]))
            if told is not None:
                found.add(told)
    return found.pop() if len(found) == 1 else None


def _told_by(digits: str) -> DecimalMark | None:
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        return "point" if digits.rfind(".") > digits.rfind(",") else "comma"
    if points > 1:
        return "comma"
    if commas > 1:
        return "point"
    if points and len(digits) - digits.rfind(".") - 1 != _GROUP:
        return "point"
    if commas and len(digits) - digits.rfind(",") - 1 != _GROUP:
        return "comma"
    return None


def _number(digits: str, mark: DecimalMark | None) -> Decimal:
    told = _told_by(digits)
    if told is None and "." in digits:
        if mark is None:
            raise AmountOpen("amount.ambiguous")
        told = mark
    if told is None and "," in digits:
        if mark == "comma":
            raise AmountOpen("amount.ambiguous")
        told = "point"  # a comma before three digits parts thousands, unless the column says otherwise
    decimals = _DECIMALS[told or "point"]
    groups = "," if decimals == "." else "."
    whole, _, rest = digits.partition(decimals)
    if groups in whole:
        is_grouped = _GROUPS[groups].fullmatch(whole) or (groups == "," and _CHINESE_GROUPS.fullmatch(whole))
        if not is_grouped:
            raise AmountOpen("amount.unreadable")
        whole = whole.replace(groups, "")
    if rest and not rest.isdigit():
        raise AmountOpen("amount.unreadable")
    try:
        return Decimal(f"{whole or 0}.{rest or 0}")
    except InvalidOperation:
        raise AmountOpen("amount.unreadable") from None
