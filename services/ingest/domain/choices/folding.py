"""Folding: what makes two spellings one. Width, case, accents, traditional characters, blanks and points.

Pure and idempotent; what comes out is for comparing and for nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from services.ingest.domain.choices.traditional import simplify

_NOT_IN_A_KEY: Final = re.compile(r"[^\w]|_")
_NOT_IN_AN_AMOUNT: Final = re.compile(r"[\s_]+")
_BETWEEN_CHINESE: Final = re.compile(r"(?<=[\u2e80-\u9fff]) (?=[\u2e80-\u9fff])")
_DIGIT: Final = re.compile(r"\d")
_ABBREVIATION: Final = re.compile(r"(?<![^\W\d_])[a-z](?:\.[a-z])+\.?(?![^\W\d_])")


def fold(text: str) -> str:
    """Return ``text`` as it is compared: NFKC, case folded, runs of white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def fold_spelling(text: str) -> str:
    """Return a spelling as words: as :func:`fold`, and without accents, in simplified characters.

    "C.E.O." becomes "ceo" and "&" becomes "and"; blanks between Chinese characters go; other marks stay.
    """
    plain = fold(text)
    if not plain.isascii():
        apart = unicodedata.normalize("NFKD", plain)
        plain = unicodedata.normalize("NFKC", "".join(one for one in apart if not unicodedata.combining(one)))
        plain = fold(simplify(plain))
    if "." in plain:
        plain = _ABBREVIATION.sub(lambda found: found[0].replace(".", ""), plain)
    plain = " ".join(plain.replace("&", " and ").split())
    return plain if plain.isascii() else _BETWEEN_CHINESE.sub("", plain)


def key_of(folded: str) -> str:
    """Return a folded spelling without blanks and marks; where there are digits, the marks stay."""
    if _DIGIT.search(folded):
        return _NOT_IN_AN_AMOUNT.sub("", folded)
    return _NOT_IN_A_KEY.sub("", folded)
