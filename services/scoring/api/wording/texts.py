"""Texts in both languages, and how numbers, instants and spans of time are written in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from pydantic import BaseModel

from shared.kernel.instants import DAY, HOUR, MINUTE, Instant, to_datetime


class WordsOut(BaseModel):
    """A text in both languages."""

    en: str
    zh: str


class Words(NamedTuple):
    """A text in both languages, while it is put together."""

    en: str
    zh: str

    def out(self) -> WordsOut:
        """Return it as it goes over the wire."""
        return WordsOut(en=self.en, zh=self.zh)


NONE: Final = Words("", "")
"""Nothing to say."""


def named(labels: Mapping[str, Mapping[str, str]], name: str) -> Words:
    """Return what a document calls something; where it does not say, the name itself."""
    label = labels.get(name, {})
    english = label.get("en") or name
    return Words(english, label.get("zh") or english)


def joined(parts: Iterable[Words], *, en: str = "; ", zh: str = "；") -> Words:
    """Return texts one after the other, those left out that say nothing."""
    said = [part for part in parts if part.en]
    return Words(en.join(part.en for part in said), zh.join(part.zh for part in said))


def in_brackets(text: Words) -> Words:
    """Return a text in brackets, with a blank before them where the language has one."""
    return Words(f" ({text.en})", f"（{text.zh}）") if text.en else NONE


def points(thousandths: int, *, signed: bool = False) -> str:
    """Write points as people read them."""
    return f"{thousandths / 1000:+.10g}" if signed else f"{thousandths / 1000:.10g}"


def moment(instant: Instant) -> str:
    """Write an instant to the minute; both languages read it alike."""
    return f"{to_datetime(instant):%Y-%m-%d %H:%M} UTC"


def span(microseconds: int) -> Words:
    """Write how long something takes, in the largest unit of which it is a whole number."""
    for unit, one, many, zh in (
        (DAY, "day", "days", "天"),
        (HOUR, "hour", "hours", "小时"),
        (MINUTE, "minute", "minutes", "分钟"),
    ):
        count, rest = divmod(microseconds, unit)
        if not rest and count:
            return Words(f"{count} {one if count == 1 else many}", f"{count} {zh}")
    return Words(f"{microseconds / MINUTE:.3g} minutes", f"{microseconds / MINUTE:.3g} 分钟")
