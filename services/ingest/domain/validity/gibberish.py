"""Names that nobody has: rows of keys, one letter over and over, letters without a vowel.

Deterministic, and careful: names are short everywhere, have no vowels in some places, and are written
in every script. What is not certainly gibberish is a name.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ROWS: Final = ("asdfghjkl", "zxcvbnm", "qwer", "1234567890")
_RUN: Final = 4
_KEYS: Final = frozenset(
    run
    for row in _ROWS
    for way in (row, row[::-1])
    for run in (way[place : place + _RUN] for place in range(len(way) - _RUN + 1))
) - {"rewq"}
_SAME_LETTER: Final = re.compile(r"(.)\1{3,}")
_SAME_CHARACTER: Final = re.compile(r"([^\x00-\u2e7f])\1{2,}")
_SAME_PIECE: Final = re.compile(r"(.{2,4}?)\1{2,}")
_VOWELS: Final = re.compile("[aeiouyw]")
_LONGEST_WITHOUT: Final = 5
_WORDS: Final = re.compile(r"[^\W_]+")


def is_gibberish(name: str) -> bool:
    """Return whether a name is certainly none: each of its words is gibberish, or it has no letter."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    words = _WORDS.findall(folded)
    if not any(character.isalpha() for character in folded):
        return True
    return all(_is_noise(word) for word in words)


def _is_noise(word: str) -> bool:
    if any(word[place : place + _RUN] in _KEYS for place in range(len(word) - _RUN + 1)):
        return True
    if _SAME_LETTER.search(word) or _SAME_CHARACTER.fullmatch(word) or _SAME_PIECE.fullmatch(word):
        return True
    if word.isdigit():
        return True
    is_latin = word.isascii() and word.isalpha()
    return is_latin and len(word) > _LONGEST_WITHOUT and _VOWELS.search(word) is None
