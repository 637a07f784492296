"""Spellings: from a text to the value of which it is a spelling, or to none.

In this order: the whole text; without the affixes that people add ("行业", "industry"), the number of a list
("1. …") or a remark in brackets; the parts of a list, if all of them say the same; one typo. What could mean
two values means none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from services.ingest.domain.choices.folding import fold_spelling, key_of
from services.ingest.domain.choices.typos import TypoFinder, find_distance

_LONGEST: Final = 80
_LONGEST_JOINED: Final = 16
_SHORTEST_LED: Final = 3
_MOST_PARTS: Final = 5
_NUMBERED: Final = re.compile(r"\(?(?:\d{1,2}|[a-z])[.、):](?!\d)\s*|[(\[](?:\d{1,2}|[a-z])[)\]]\s*")
_BRACKETS: Final = re.compile(r"[(\[【]([^()\[\]【】]*)[)\]】]")
_PARTS: Final = re.compile(
    r"\s*[/、,;|\\+·]\s*|\s+and\s+|\s+or\s+|(?<=[^\x00-\x7f])[和与及或](?=[^\x00-\x7f])|\s+[-–—]+\s+"
)


class Reading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What else is known of an attribute's spellings.

    ``prefixes`` and ``suffixes`` add nothing to a spelling; ``neutral`` words add nothing beside one
    ("China" beside "Shenzhen") and mean nothing alone; texts in ``never`` mean nothing, whatever they look
    like. After a spelling with one of ``openers`` anything may follow: "广东省…". ``typos`` allows for one.
    """

    prefixes: list[str] = []
    suffixes: list[str] = []
    neutral: list[str] = []
    never: list[str] = []
    openers: list[str] = []
    typos: bool = True


class Spellings:
    """The spellings of one attribute, ready to be looked up.

    :raises ValueError: if one spelling is given to two values.
    """

    def __init__(self, values: Mapping[str, Iterable[str]], reading: Reading) -> None:
        self._exact: dict[str, str] = {}
        for value, spellings in values.items():
            for spelling in (value, value.replace("_", " "), *spellings):
                key = key_of(fold_spelling(spelling))
                other = self._exact.setdefault(key, value)
                if other != value:
                    raise ValueError(f"{spelling!r} stands for {other} and for {value}")
        self._never = {key_of(fold_spelling(one)) for one in reading.never}
        self._neutral = {key_of(fold_spelling(one)) for one in reading.neutral}
        self._prefixes = _longest_first(reading.prefixes)
        self._suffixes = _longest_first(reading.suffixes)
        self._openers = tuple(reading.openers)
        self._typos = TypoFinder(self._exact) if reading.typos else None
        self._longest = max(map(len, self._exact), default=0)

    def find(self, text: str) -> str | None:
        """Return the value of which ``text`` is a spelling, or None."""
        if len(text) > _LONGEST:
            return None
        folded = fold_spelling(text)
        key = key_of(folded)
        if not key or key in self._never or key in self._neutral:
            return None
        found = self._find_whole(folded)
        if found is not None:
            return found
        plain = _NUMBERED.sub("", folded, count=1) if _NUMBERED.match(folded) else folded
        if plain != folded and (found := self._find_whole(plain)) is not None:
            return found
        bare = _BRACKETS.sub(" ", plain).strip()
        if bare != plain:
            return self._agree([bare, *_BRACKETS.findall(plain)], lenient=True)
        parts = [part for part in _PARTS.split(plain) if part]
        if len(parts) > 1:
            return self._agree(parts)
        return self._find_opened(plain) or self._find_joined(plain) or self._find_typo(plain)

    def find_exact(self, text: str) -> str | None:
        """Return the value of which the whole ``text`` is a spelling as it was given, or None."""
        return self._exact.get(key_of(fold_spelling(text)))

    def _find_whole(self, folded: str) -> str | None:
        for key in self._stems(key_of(folded)):
            found = self._exact.get(key)
            if found is not None:
                return found
        return None

    def _stems(self, key: str) -> Iterator[str]:
        """Yield the key itself, then without what people add before and after it, the longest first."""
        if not key or key in self._never:
            return
        yield key
        for suffix in self._suffixes:
            if key.endswith(suffix) and len(key) > len(suffix) + 1:
                yield from self._stems(key[: -len(suffix)])
        for prefix in self._prefixes:
            if key.startswith(prefix) and len(key) > len(prefix) + 1:
                yield from self._stems(key[len(prefix) :])
        if key.isascii() and key.endswith("s") and len(key) > 4:
            yield key[:-1]

    def _agree(self, parts: Sequence[str], *, lenient: bool = False) -> str | None:
        """Return what parts say if they say the same; ``lenient`` lets all but the first say nothing."""
        if len(parts) > _MOST_PARTS:
            return None
        found: set[str] = set()
        for index, part in enumerate(parts):
            key = key_of(part)
            if not key or key in self._neutral:
                continue
            value = self._find_whole(part) or self._find_opened(part) or self._find_typo(part)
            if value is None and lenient and index == 0 and len(inner := _PARTS.split(part)) > 1:
                value = self._agree([one for one in inner if one])
            if value is None and not (lenient and index > 0):
                return None
            if value is not None:
                found.add(value)
        return found.pop() if len(found) == 1 else None

    def _find_opened(self, folded: str) -> str | None:
        """Return the value of the longest spelling that opens the text, if an opener or its like follows."""
        key = key_of(folded)
        for length in range(min(self._longest, len(key) - 1), 1, -1) if self._openers else ():
            value = self._exact.get(key[:length])
            if value is None or key[:length].isascii():
                continue
            rest = key[length:]
            opener = next((one for one in self._openers if rest.startswith(one)), "")
            following = self._find_whole(rest.removeprefix(opener))
            if following is not None:
                return value if following == value else None
            return value if opener or key[length - 1] in self._openers else None
        return None

    def _find_joined(self, folded: str) -> str | None:
        """Return the value of a text that is nothing but spellings of it in a row: "钢铁冶金"."""
        key = key_of(folded)
        if key.isascii() or len(key) > _LONGEST_JOINED or any(one.isdecimal() for one in key):
            return None
        ends: list[set[str]] = [set() for _ in range(len(key) + 1)]
        for end in range(2, len(key) + 1):
            for start in range(max(0, end - self._longest), end - 1):
                value = self._exact.get(key[start:end])
                if value is not None and (start == 0 or ends[start]):
                    ends[end] |= ends[start] | {value}
        return ends[-1].pop() if len(ends[-1]) == 1 else None

    def _find_typo(self, folded: str) -> str | None:
        if self._typos is None or any(one.isdecimal() for one in folded):
            return None
        for key in self._stems(key_of(folded)):
            found = self._typos.find(key)
            if found is not None:
                return found
        return None


class WordSpellings:
    """Spellings that are looked for inside a text, as a level is in a title; the first value that fits wins.

    A spelling of one Latin word stands by itself; others are looked for among words and characters. A text
    that holds one of ``never`` means nothing.
    """

    def __init__(self, values: Mapping[str, Iterable[str]], reading: Reading) -> None:
        pairs = [
            (" ".join(_words(fold_spelling(spelling))), value)
            for value, spellings in values.items()
            for spelling in (value, *spellings)
        ]
        self._latin = {word: value for word, value in reversed(pairs) if word.isascii()}
        self._chinese = [(word, value) for word, value in pairs if word and not word.isascii()]
        self._order = {value: place for place, value in enumerate(values)}
        self._never = [" ".join(_words(fold_spelling(one))) for one in reading.never]
        self._most_words = max((word.count(" ") + 1 for word in self._latin), default=1)
        vocabulary = {word for line in (*self._latin, *self._never) for word in line.split()}
        self._typos = TypoFinder({word: word for word in vocabulary}, apart=1) if reading.typos else None
        self._vocabulary = vocabulary
        phrases = [line.split() for line in (*self._latin, *self._never)]
        self._phrases = [phrase for phrase in phrases if len(phrase) > 1]

    def find(self, text: str) -> str | None:
        """Return the first value, in the order of the values, of which a spelling stands in ``text``."""
        words = self._led([self._meant(word) for word in _words(fold_spelling(text))])
        line = " ".join(words)
        if any(self._holds(line, one) for one in self._never):
            return None
        found = {value for word, value in self._chinese if word in line}
        for length in range(1, self._most_words + 1):
            for start in range(len(words) - length + 1):
                value = self._latin.get(" ".join(words[start : start + length]))
                if value is not None:
                    found.add(value)
        return min(found, key=self._order.__getitem__) if found else None

    def find_exact(self, text: str) -> str | None:
        """Return the value of which the whole ``text`` is a spelling as it was given, or None."""
        line = " ".join(_words(fold_spelling(text)))
        return self._latin.get(line) or next((value for word, value in self._chinese if word == line), None)

    def _meant(self, word: str) -> str:
        """Return the word that was meant; corrected first, or "vice presidnet" is a president."""
        if self._typos is None or word in self._vocabulary or not word.isascii():
            return word
        return self._typos.find(word) or word

    def _led(self, words: list[str]) -> list[str]:
        """Return the words with the first of a phrase put right, however short: "vixe president"."""
        if self._typos is None:
            return words
        for place, word in enumerate(words[:-1]):
            if word in self._vocabulary or not word.isascii() or len(word) < _SHORTEST_LED:
                continue
            for first, *rest in self._phrases:
                if (
                    words[place + 1 : place + 1 + len(rest)] == rest
                    and find_distance(word, first, most=1) == 1
                ):
                    words[place] = first
                    break
        return words

    @staticmethod
    def _holds(line: str, part: str) -> bool:
        return f" {part} " in f" {line} " if part.isascii() else part in line


_WORD: Final = re.compile(r"[a-z0-9]+|[^\W_a-z0-9]+")


def _words(folded: str) -> list[str]:
    return _WORD.findall(folded)


def _longest_first(affixes: Iterable[str]) -> list[str]:
    keys = {key_of(fold_spelling(one)) for one in affixes}
    return sorted(keys, key=lambda key: (-len(key), key))
