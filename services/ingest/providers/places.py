"""Places in China as platforms write them."""

from __future__ import annotations

import re
from typing import Final

from services.ingest.domain.identifiers import clean_text

_PLACE: Final = re.compile(
    r"(.{2,3}?)(?:省|特别行政区|壮族自治区|回族自治区|维吾尔自治区|自治区|市)(.*)", re.DOTALL
)
_BETWEEN: Final = re.compile(r"[\s\-_/|,，、·]+")


def province_of(*texts: object) -> str | None:
    """Return the province or city that the first text with anything in it begins with, without its ending.

    ``广东省深圳市``, ``广东-深圳`` and ``广东`` are all 广东.
    """
    for value in texts:
        text = clean_text(value)
        if text is None:
            continue
        first = _BETWEEN.split(text, maxsplit=1)[0]
        found = _PLACE.fullmatch(first)
        return found.group(1) if found is not None else first
    return None
