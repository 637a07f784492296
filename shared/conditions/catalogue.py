"""Which attributes a condition may ask about, and what kind of value each holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """Any text, for example an industry; also codes with parts, for example the region ``CN-SH``."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of ``values``; with ``ordered`` they rise from the first to the last and can be compared."""

    values: tuple[str, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A whole or decimal number."""


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day, written ``2026-05-01``."""


@dataclass(frozen=True, slots=True)
class Labels:
    """A set of texts, for example tags or product lines; none at all is an empty set."""


Kind: TypeAlias = Text | Choice | Number | Flag | Day | Labels
"""What an attribute can hold."""

Catalogue: TypeAlias = Mapping[str, Kind]
"""Attribute names and their kinds."""

ValueLists: TypeAlias = Mapping[str, tuple[str, ...]]
"""Named lists that conditions may refer to, keyed ``name@version``."""
