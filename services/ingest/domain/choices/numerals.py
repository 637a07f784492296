"""Chinese numerals: 五十, 两百, 二十万, 一百二十, 壹佰."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = {
    **{one: value for value, one in enumerate("零一二三四五六七八九")},
    **{one: value for value, one in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    "两": 2,
}
_SMALL: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000}
_LARGE: Final = {"万": 10_000, "亿": 100_000_000}

NUMERALS: Final = frozenset({*_DIGITS, *_SMALL, *_LARGE})
"""The characters that numerals are written with."""


def read_numeral(text: str) -> int | None:
    """Return the number that a numeral says, or None if it is not well formed.

    Digits alone (二〇二六) and abbreviated ends (一百二 for 120) are not read: they are ambiguous.
    """
    total = section = 0
    digit: int | None = None
    last_unit = last_large = 10**12
    for one in text:
        if one in _DIGITS:
            if digit not in {None, 0}:
                return None
            digit = _DIGITS[one]
        elif one in _SMALL:
            unit = _SMALL[one]
            if unit >= last_unit or (digit is None and not (unit == 10 and section == 0 and total == 0)):
                return None
            section += (1 if digit is None else digit) * unit
            last_unit, digit = unit, None
        elif one in _LARGE:
            unit = _LARGE[one]
            section += digit or 0
            if unit >= last_large or section == 0:
                return None
            total += section * unit
            last_large, last_unit, section, digit = unit, 10**12, 0, None
        else:
            return None
    if digit is not None and digit != 0 and text[-2:-1] not in {"", "十", "拾", "零", "〇"}:
        return None
    return total + section + (digit or 0) if text else None
