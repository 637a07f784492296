"""Rules: how one attribute gets its value, as its document says, and spellings that people added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from services.ingest.domain.choices.spelling import Reading
from services.ingest.domain.scrubbing import Scalar

Kind = Literal["choice", "words", "band", "yes_no", "number", "date"]

SPELT: Final = frozenset({"choice", "words", "band", "yes_no"})
"""The kinds of rules to which spellings can be added."""


class ChoiceRule(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """How one attribute gets its value.

    ``choice`` compares the whole text with each value's spellings, ``words`` looks for a spelling
    inside the text (the first value that fits wins), ``band`` sorts numbers by ``bounds`` into
    ``values`` (a bound belongs to the upper band) and keeps the plain number under ``number``.
    ``unknown`` says what becomes of a text that fits nothing: ``drop`` it, ``keep`` it as it is, or
    take the value given by ``other``. ``reading`` is what else is known of the spellings. A rule is itself
    only: two that say the same are two.
    """

    attribute: str
    kind: Kind
    values: dict[str, list[str]] = {}
    bounds: list[int] = []
    number: str = ""
    unknown: Literal["drop", "keep", "other"] = "drop"
    other: str = "other"
    reading: Reading = Reading()

    @property
    def choices(self) -> list[str]:
        """The values that a spelling can stand for, in order."""
        if self.kind not in SPELT:
            return []
        names = ["yes", "no"] if self.kind == "yes_no" else list(self.values)
        return [*names, self.other] if self.unknown == "other" and self.other not in names else names


class Added(msgspec.Struct, frozen=True):
    """A spelling that a person added: ``text``, folded, stands for ``value``."""

    attribute: str
    text: str
    value: str


class Standard(msgspec.Struct, frozen=True):
    """A standardised value.

    ``is_known`` is False where the text fits no value; ``is_plain`` is True where the text says no more than
    the value does, so that nothing needs to be kept beside it.
    """

    attributes: Mapping[str, Scalar]
    is_known: bool
    is_plain: bool = False


UNREAD: Final = Standard({}, is_known=False)
"""A text that says nothing."""
