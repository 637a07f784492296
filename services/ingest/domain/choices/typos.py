"""Typos: whether a word is another one with one letter wrong, missing, doubled or changed over.

Careful on purpose (I3): short words and words that begin otherwise are never taken for each other, because
"rental" and "dental", "dining" and "mining" are words of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

SHORTEST: Final = 6
"""Words of fewer letters are never corrected."""

_NEAR: Final = 2


class TypoFinder:
    """Finds which of some words was meant; ``values`` maps each word to what it stands for.

    Where a word of another value differs in no more than ``apart`` letters, none was.
    """

    def __init__(self, values: Mapping[str, str], *, apart: int = _NEAR) -> None:
        self._apart = apart
        self._latin: dict[tuple[str, int], list[tuple[str, str]]] = {}
        self._chinese: dict[str, str] = {}
        for word, value in values.items():
            if is_latin(word):
                if len(word) >= SHORTEST:
                    self._latin.setdefault((word[0], len(word)), []).append((word, value))
            elif len(word) >= 3 and not any(one.isascii() for one in word):
                self._chinese[word] = value

    def find(self, word: str) -> str | None:
        """Return what the word stands for that was meant, or None if none or more than one is near."""
        if is_latin(word):
            return self._find_latin(word)
        meant = {self._chinese[one] for one in _untwisted(word) if one in self._chinese}
        return meant.pop() if len(meant) == 1 else None

    def _find_latin(self, word: str) -> str | None:
        if len(word) < SHORTEST:
            return None
        best, found = _NEAR + 1, set[str]()
        near: set[str] = set()
        for other, value in self._alike(word):
            distance = find_distance(word, other, most=_NEAR)
            if distance <= self._apart:
                near.add(value)
            if distance < best:
                best, found = distance, {value}
            elif distance == best:
                found.add(value)
        # a second value almost as near makes the first one a guess
        return found.pop() if best == 1 and len(near) == 1 else None

    def _alike(self, word: str) -> Iterator[tuple[str, str]]:
        for first in dict.fromkeys((word[0], word[1])):
            for length in range(len(word) - _NEAR, len(word) + _NEAR + 1):
                for other, value in self._latin.get((first, length), ()):
                    # another first letter only where the first two changed over
                    if other[0] == word[0] or (other[1] == word[0] and other[0] == word[1]):
                        yield other, value


def is_latin(word: str) -> bool:
    """Return whether a word is of the letters a to z."""
    return word.isascii() and word.isalpha()


def find_distance(first: str, second: str, *, most: int) -> int:
    """Return how many letters differ, ``most`` + 1 for more (Damerau-Levenshtein, each place once)."""
    if abs(len(first) - len(second)) > most:
        return most + 1
    before: list[int] = []
    line = list(range(len(second) + 1))
    for row, one in enumerate(first, start=1):
        earlier, before = before, line
        line = [row]
        for column, other in enumerate(second, start=1):
            cost = min(before[column] + 1, line[-1] + 1, before[column - 1] + (one != other))
            if (
                row > 1
                and column > 1
                and one == second[column - 2]
                and first[row - 2] == other
                and earlier[column - 2] + 1 < cost
            ):
                cost = earlier[column - 2] + 1
            line.append(cost)
        if min(line) > most:
            return most + 1
    return min(line[-1], most + 1)


def _untwisted(word: str) -> Iterable[str]:
    """Yield Chinese words of which this one may be a slip: a doubled character, or two changed over."""
    for place in range(len(word) - 1):
        if word[place] == word[place + 1]:
            yield word[:place] + word[place + 1 :]
        else:
            yield word[:place] + word[place + 1] + word[place] + word[place + 2 :]
