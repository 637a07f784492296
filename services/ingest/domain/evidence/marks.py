"""Marks: what was found out about a lead besides its contact data, and what people said of it.

Each names the lead under which it was put, so that a merge joins them and its undoing divides them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeAlias

import msgspec

from shared.kernel.instants import Instant

BY_HAND = "by_hand"
"""The rule of what a person said."""

BOUNCE = "bounce"
"""The rule of an address that a mail could not be delivered to."""


class Mark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing found out: about which lead, by which rule, why, and when.

    ``by`` is who said so, empty for a rule; ``is_valid`` for a person who called the lead valid. ``about``
    is the keyed hash of the address that the mark is about, if it is about one.
    """

    lead: str
    rule: str
    reason: str
    at: Instant
    by: str = ""
    is_valid: bool = False
    about: str = ""


Marks: TypeAlias = tuple[Mark, ...]


def put(marks: Marks, mark: Mark) -> Marks:
    """Return the marks with this one, in place of what the same rule said of the same lead."""
    others = (one for one in marks if (one.lead, one.rule) != (mark.lead, mark.rule))
    return _ordered((*others, mark))


def join(first: Marks, second: Marks) -> Marks:
    """Return the marks of two leads that turned out to be one."""
    return _ordered({*first, *second}) if second else first


def divide(marks: Marks, profiles: Collection[str]) -> tuple[Marks, Marks]:
    """Return the marks that stay, and those that go home with these profiles."""
    stay = tuple(one for one in marks if one.lead not in profiles)
    return stay, tuple(one for one in marks if one.lead in profiles)


def word_of(marks: Marks) -> Mark | None:
    """Return what a person said last, None if nobody has said anything; it counts above every rule."""
    said = [one for one in marks if one.rule == BY_HAND]
    return max(said, key=lambda one: (one.at, one.lead), default=None)


def _ordered(marks: Iterable[Mark]) -> Marks:
    return tuple(sorted(marks, key=lambda one: (one.at, one.lead, one.rule, one.reason)))
