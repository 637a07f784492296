"""Choices: many spellings of one industry, size or level become one value (I3, I9).

What the values are stands in documents; here is how a text finds its value. Anything that finds none
is kept as free text beside the lead, where people can read it and rules cannot.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from services.ingest.domain.identifiers import clean_text
from services.ingest.domain.moments import read_moment
from services.ingest.domain.scrubbing import Scalar, identifies
from shared.kernel.instants import format_instant

_TRUE: Final = frozenset({"yes", "true", "1", "y", "on", "checked", "是", "有", "对", "需要"})
_FALSE: Final = frozenset({"no", "false", "0", "n", "off", "否", "没有", "无", "不", "不需要"})
_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(万|亿|k|w|m)?(?![a-z])")
_MULTIPLES: Final = {"万": 10_000, "w": 10_000, "亿": 100_000_000, "k": 1_000, "m": 1_000_000}
_UPWARDS: Final = ("+", "以上", "above", "more than", "over", "超过", "≥", ">", "or more")
_DOWNWARDS: Final = ("<", "以下", "以内", "below", "under", "less than", "不足", "up to", "≤")
_RANGE: Final = re.compile(r"\d\s*(?:万|亿|k|w|m)?\s*(?:人|元)?\s*(?:[-–—~至到]|to)\s*\d")
_WORD: Final = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Return ``text`` as it is compared: NFKC, case folded, runs of white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class ChoiceRule(msgspec.Struct, frozen=True, kw_only=True):
    """How one attribute gets its value.

    ``choice`` compares the whole text with each value's spellings, ``words`` looks for a spelling
    inside the text (the first value that fits wins), ``band`` sorts numbers by ``bounds`` into
    ``values`` (a bound belongs to the upper band) and keeps the plain number under ``number``.
    ``unknown`` says what becomes of a text that fits nothing: ``drop`` it, ``keep`` it as it is, or
    take the value given by ``other``.
    """

    attribute: str
    kind: Literal["choice", "words", "band", "yes_no", "number", "date"]
    values: dict[str, list[str]] = {}
    bounds: list[int] = []
    number: str = ""
    unknown: Literal["drop", "keep", "other"] = "drop"
    other: str = "other"


class Standard(msgspec.Struct, frozen=True):
    """A standardised value; ``is_known`` is False where the text itself is worth keeping beside it."""

    attributes: dict[str, Scalar]
    is_known: bool


_NOTHING: Final = Standard({}, is_known=False)


class Choices:
    """The rules of all attributes, ready to be used."""

    def __init__(self, rules: Sequence[ChoiceRule]) -> None:
        self._rules = {rule.attribute: rule for rule in rules}
        self._spellings: dict[str, dict[str, str]] = {
            rule.attribute: {
                fold(spelling): value
                for value, spellings in rule.values.items()
                for spelling in (value, value.replace("_", " "), *spellings)
            }
            for rule in rules
        }
        for rule in rules:
            if rule.kind == "band" and len(rule.values) != len(rule.bounds) + 1:
                raise ValueError(f"{rule.attribute}: give one value more than there are bounds")

    @property
    def attributes(self) -> frozenset[str]:
        """The names of the attributes that have a rule."""
        return frozenset(self._rules)

    def standardise(self, attribute: str, value: object) -> Standard:
        """Return what ``value`` means for ``attribute``; nothing where there is no rule for it."""
        rule = self._rules.get(attribute)
        if rule is None:
            return _NOTHING
        match rule.kind:
            case "choice":
                return self._choose(rule, value)
            case "words":
                return self._find_words(rule, value)
            case "band":
                return self._sort_into_band(rule, value)
            case "yes_no":
                answer = read_yes_no(value)
                return _NOTHING if answer is None else Standard({attribute: answer}, is_known=True)
            case "number":
                number = read_number(value)
                return _NOTHING if number is None else Standard({attribute: number}, is_known=True)
            case "date":
                moment = read_moment(value)
                return (
                    _NOTHING
                    if moment is None
                    else Standard({attribute: format_instant(moment)[:10]}, is_known=True)
                )

    def _choose(self, rule: ChoiceRule, value: object) -> Standard:
        text = clean_text(value)
        if text is None:
            return _NOTHING
        found = self._spellings[rule.attribute].get(fold(text))
        return (
            self._unknown(rule, text) if found is None else Standard({rule.attribute: found}, is_known=True)
        )

    def _find_words(self, rule: ChoiceRule, value: object) -> Standard:
        text = clean_text(value)
        if text is None:
            return _NOTHING
        folded = fold(text)
        words = set(_WORD.findall(folded))
        for spelling, found in self._spellings[rule.attribute].items():
            is_there = spelling in words if _is_one_latin_word(spelling) else spelling in folded
            if is_there:
                return Standard({rule.attribute: found}, is_known=True)
        return self._unknown(rule, text)

    def _sort_into_band(self, rule: ChoiceRule, value: object) -> Standard:
        names = list(rule.values)
        text = clean_text(value)
        if text is None:
            return _NOTHING
        found = self._spellings[rule.attribute].get(fold(text))
        if found is not None:
            return Standard({rule.attribute: found}, is_known=True)
        amount, is_exact = _read_amount(fold(text))
        if amount is None:
            return self._unknown(rule, text)
        attributes: dict[str, Scalar] = {rule.attribute: names[bisect_right(rule.bounds, amount)]}
        if is_exact and rule.number:
            attributes[rule.number] = amount
        return Standard(attributes, is_known=True)

    def _unknown(self, rule: ChoiceRule, text: str) -> Standard:
        if rule.unknown == "other":
            return Standard({rule.attribute: rule.other}, is_known=False)
        if rule.unknown == "keep" and len(text) <= 40 and not identifies(text):
            return Standard({rule.attribute: fold(text)}, is_known=True)
        return _NOTHING


def _is_one_latin_word(spelling: str) -> bool:
    return spelling.isascii() and _WORD.fullmatch(spelling) is not None


def read_yes_no(value: object) -> bool | None:
    """Return True or False for the usual ways of saying so, else None."""
    if isinstance(value, bool):
        return value
    text = clean_text(value)
    folded = fold(text) if text is not None else ""
    return True if folded in _TRUE else False if folded in _FALSE else None


def read_number(value: object) -> int | float | None:
    """Return a number that stands alone, as a number or as a text such as "1,200" or "30万"."""
    text = clean_text(value)
    if text is None:
        return None
    amount, is_exact = _read_amount(fold(text))
    return amount if is_exact else None


def read_whole_number(value: object) -> int | None:
    """Return a number of things, or None."""
    number = read_number(value)
    return None if number is None else int(number)


def _read_amount(folded: str) -> tuple[int | float | None, bool]:
    """Return the amount that decides the band, and whether the text gave exactly one number."""
    plain = re.sub(r"(?<=\d)[,，\s](?=\d{3}(?!\d))", "", folded)
    found = _NUMBER.findall(plain)
    if not found or len(found) > 2 or len(plain) > 40:
        return None, False
    is_range = _RANGE.search(plain) is not None
    if len(found) == 2 and not is_range:
        return None, False
    digits, multiple = found[0]
    if is_range and not multiple:
        multiple = found[1][1]
    value = float(digits) * _MULTIPLES.get(multiple, 1)
    amount: int | float = int(value) if value.is_integer() else value
    if any(mark in plain for mark in _DOWNWARDS):
        return max(0, amount - 1), False
    if is_range or any(mark in plain for mark in _UPWARDS):
        return amount, False
    return (-amount if plain.startswith("-") else amount), True
