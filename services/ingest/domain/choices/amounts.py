"""Amounts: what a text says about how many or how much, as the span in which the number lies (I9).

"50-199 人", "20 万以内", "200 多人", "$1.5m", "五十人以下". The whole text must be understood: "Fortune 500"
and "3 offices, 50 people" say nothing here. A foreign currency says nothing either, because nobody
converts it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf, nextafter
from typing import Final, NamedTuple

from services.ingest.domain.choices.numerals import NUMERALS, read_numeral

_LONGEST: Final = 40
_UNITS: Final = {
    "百万": 1_000_000,
    "千万": 10_000_000,
    "万": 10_000,
    "亿": 100_000_000,
    "千": 1_000,
    "百": 100,
    "w": 10_000,
    "k": 1_000,
    "m": 1_000_000,
    "mn": 1_000_000,
    "mio": 1_000_000,
    "bn": 1_000_000_000,
    "million": 1_000_000,
    "thousand": 1_000,
    "hundred": 100,
    "billion": 1_000_000_000,
    "wan": 10_000,
}
_SILENT: Final = (
    *("employees", "employee", "people", "persons", "staff", "headcount", "members", "fte", "ftes", "ppl"),
    *("名员工", "个员工", "位员工", "员工", "人员", "个人", "人", "名", "位"),
    *("预算", "规模", "人数", "budget", "从", "为", ":"),
)
_MONEY: Final = {
    "CNY": ("人民币", "rmb", "cny", "yuan", "块钱", "元整", "元", "块", "¥"),
    "USD": ("us$", "usd", "美元", "美金", "dollars", "dollar", "$"),
    "EUR": ("eur", "euros", "euro", "欧元", "€"),
    "GBP": ("gbp", "英镑", "pounds", "£"),
    "JPY": ("jpy", "日元", "日币", "yen", "円"),
    "HKD": ("hk$", "hkd", "港元", "港币"),
    "TWD": ("nt$", "twd", "台币", "新台币"),
    "SGD": ("s$", "sgd", "新元", "新币"),
}
_ABOVE: Final = (
    *("及以上", "以上", "超过", "大于", "不少于", "至少", "起", "more than", "greater than", "over", "above"),
    *("at least", "or more", "and above", "and up", "plus", "+", ">=", "≥", ">"),
)
_BELOW: Final = (
    "以下",
    "不足",
    "少于",
    "小于",
    "不到",
    "低于",
    "less than",
    "fewer than",
    "below",
    "under",
    "<",
)
_UP_TO: Final = (
    "及以下",
    "以内",
    "不超过",
    "最多",
    "up to",
    "at most",
    "or less",
    "or fewer",
    "<=",
    "≤",
    "max",
)
_ABOUT: Final = (
    "大约",
    "约",
    "左右",
    "上下",
    "大概",
    "about",
    "around",
    "approximately",
    "approx",
    "circa",
    "ca",
)
_NEARLY: Final = ("接近", "将近", "近", "nearly", "almost")
_ODD: Final = ("多", "余", "来", "odd")
_TO: Final = ("-", "–", "—", "~", "至", "到", "to", "and", "between")
_NUMBER: Final = re.compile(
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d{1,3}(?: 000)+(?!\d)|\d(?: \d{3})+(?!\d)|\d+(?:\.\d+)?"
)
_TWO_READINGS: Final = re.compile(r"\d{1,3}\.\d{3}")
_NUMERAL: Final = re.compile(f"[{''.join(sorted(NUMERALS))}]+")


class Span(NamedTuple):
    """From the least to the most that may be meant, both included; ``exact`` is the number if it is one."""

    least: float
    most: float
    exact: int | float | None = None


class _Number(NamedTuple):
    value: float
    digits: float
    """The number as it was written, before its unit."""
    has_unit: bool


def read_span(folded: str, *, currency: str = "CNY") -> Span | None:
    """Return what a folded text says, or None if it does not say it in full.

    ``currency`` is the organisation's; an amount in another one is not understood.
    """
    if not folded or len(folded) > _LONGEST:
        return None
    tokens = _split(folded, currency)
    if tokens is None:
        return None
    numbers = [token for token in tokens if isinstance(token, _Number)]
    marks = list(dict.fromkeys(token for token in tokens if isinstance(token, str)))
    if len(numbers) == 2:
        return _range(tokens, numbers, marks)
    if len(numbers) != 1 or len(marks) > 1:
        return None
    return _open(numbers[0], marks[0] if marks else "")


def _open(number: _Number, mark: str) -> Span | None:
    """Return the span of one number with or without a mark."""
    value = number.value
    spans: dict[str, tuple[float, float]] = {
        "above": (value, inf),
        "below": (0, nextafter(value, 0)),
        "up_to": (0, value),
        "about": (value * 0.9, value * 1.1),
        "nearly": (value * 0.9, nextafter(value, 0)),
        "odd": (value, nextafter(value + _place(number), 0)),
    }
    if not mark:
        return Span(value, value, int(value) if value.is_integer() else value)
    span = spans.get(mark)
    return None if span is None or span[0] > span[1] else Span(*span)


def find_band(bounds: Sequence[int], span: Span) -> int | None:
    """Return in which band a span lies, or None if it lies in several; a bound belongs to the upper one.

    Of a range that ends on a bound, as "51-200" does, the end does not count.
    """
    low = sum(1 for bound in bounds if span.least >= bound)
    most = span.most
    if most > span.least and most in bounds:
        most = nextafter(most, 0)
    high = sum(1 for bound in bounds if most >= bound)
    return low if low == high else None


def _range(tokens: Sequence[_Number | str], numbers: Sequence[_Number], marks: Sequence[str]) -> Span | None:
    first, second = numbers
    between = tokens[tokens.index(first) + 1 : -1] if tokens[-1] is second else None
    if between is None or list(between) != ["to"] or [mark for mark in marks if mark != "to"]:
        return None
    if second.has_unit and not first.has_unit:
        first = _Number(first.value * second.value / second.digits, first.digits, has_unit=True)
    return Span(first.value, second.value) if first.value < second.value else None


def _place(number: _Number) -> float:
    """Return the worth of the last digit that is not zero: 200 gives 100, 25 × 10,000 gives 10,000."""
    digits = number.digits
    if not digits.is_integer() or digits == 0:
        return 0
    place = 1
    while digits % (place * 10) == 0:
        place *= 10
    return place * (number.value / digits)


_WORDS: Final[dict[str, str]] = {
    **dict.fromkeys(_SILENT, "silent"),
    **dict.fromkeys(_TO, "to"),
    **dict.fromkeys(_ODD, "odd"),
    **dict.fromkeys(_ABOVE, "above"),
    **dict.fromkeys(_BELOW, "below"),
    **dict.fromkeys(_UP_TO, "up_to"),
    **dict.fromkeys(_ABOUT, "about"),
    **dict.fromkeys(_NEARLY, "nearly"),
}
_BY_LENGTH: Final = sorted(_WORDS, key=len, reverse=True)
_MONEY_BY_LENGTH: Final = sorted(
    ((word, code) for code, words in _MONEY.items() for word in words),
    key=lambda pair: len(pair[0]),
    reverse=True,
)
_UNITS_BY_LENGTH: Final = sorted(_UNITS, key=len, reverse=True)


def _split(text: str, currency: str) -> list[_Number | str] | None:
    """Return numbers and marks in order, or None if something is not understood."""
    tokens: list[_Number | str] = []
    place = 0
    while place < len(text):
        if text[place] in " ()":
            place += 1
            continue
        if (read := _number_at(text, place)) is not None:
            place = read.end
            tokens.append(read.number)
            if read.is_odd:
                tokens.append("odd")
            continue
        if text[place].isdecimal():
            return None
        money = next((pair for pair in _MONEY_BY_LENGTH if _is_at(text, place, pair[0])), None)
        if money is not None:
            if money[1] != currency:
                return None
            place += len(money[0])
            continue
        word = next((word for word in _BY_LENGTH if _is_at(text, place, word)), None)
        if word is None:
            return None
        place += len(word)
        meaning = _meaning(word, is_first=not tokens)
        if meaning is None:
            return None
        if meaning != "silent":
            tokens.append(meaning)
    return tokens


def _meaning(word: str, *, is_first: bool) -> str | None:
    """Return what a word says; a dash says nothing before the first number, and a tilde something else."""
    meaning = _WORDS[word]
    if meaning != "to" or not is_first:
        return meaning
    return {"~": "about", "between": "silent"}.get(word)


class _Read(NamedTuple):
    number: _Number
    is_odd: bool
    end: int


def _number_at(text: str, place: int) -> _Read | None:
    """Return the number that begins here, with its unit; "20 多万" has its "odd" before the unit."""
    found = _NUMBER.match(text, place)
    if found is not None:
        end = found.end()
        is_cut = text[end : end + 1] in {",", "."} and text[end + 1 : end + 2].isdecimal()
        if is_cut or _TWO_READINGS.fullmatch(found[0]):
            return None
        digits = float(found[0].replace(",", "").replace(" ", ""))
    else:
        numeral = _NUMERAL.match(text, place)
        value = None if numeral is None else read_numeral(numeral[0])
        if numeral is None or value is None:
            return None
        digits, end = float(value), numeral.end()
    worth, is_odd = 1, False
    while (unit := _unit_at(text, end)) is not None:
        word, start = unit
        is_odd = is_odd or (text[end:start].strip() in _ODD and bool(text[end:start].strip()))
        worth *= _UNITS[word]
        end = start + len(word)
    return _Read(_Number(digits * worth, digits, has_unit=worth > 1), is_odd, end)


def _unit_at(text: str, place: int) -> tuple[str, int] | None:
    start = place
    while text[start : start + 1] == " " or (start < len(text) and text[start] in _ODD):
        start += 1
    unit = next((one for one in _UNITS_BY_LENGTH if _is_at(text, start, one)), None)
    return None if unit is None else (unit, start)


def _is_at(text: str, place: int, word: str) -> bool:
    """Return whether a word stands here; one of Latin letters must end where its letters end."""
    if not text.startswith(word, place):
        return False
    after = text[place + len(word) : place + len(word) + 1]
    return not (word[-1].isascii() and word[-1].isalpha() and after.isascii() and after.isalpha())
