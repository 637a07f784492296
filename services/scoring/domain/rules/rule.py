"""What a rule is: it listens to facts and keeps marks, and each mark is a line of the score.

A rule type is a document shape, a compiled class with one method, and a line in the table of this
package. The method is pure: slot before, fact → slot after. It sees facts in the order of
(occurred, id), so the newest fact is always the one in hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from services.scoring.domain.facts import Fact
from shared.kernel.instants import Instant

MOST_MARKS: Final = 200
"""The most objects, or acts, that one rule keeps for one lead: the newest count, older ones do not."""

Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
"""How a rule, group or tier is called: small letters, digits and underscores, 63 at most."""


class Mark(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """Points granted to one fact: when it occurred, which event it was, on what it acted."""

    granted: Instant
    event: str
    object: str = ""


class Slot(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one rule remembers of one lead, both oldest first.

    ``marks`` are lines of the score. ``recent`` is what a rule over a window still has to look at, and of
    a rule over a date the span within which its marks count: from the first until the second.
    """

    marks: tuple[Mark, ...] = ()
    recent: tuple[Mark, ...] = ()


EMPTY: Final = Slot()
"""The slot of a rule that has granted nothing."""


class RuleDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What every rule says: its name, its points (three decimals at most), what it means to people."""

    rule: Name
    points: float
    label: Mapping[str, str] = {}


class Rule(Protocol):
    """A compiled rule."""

    @property
    def name(self) -> str:
        """Its name, unique in its model."""
        ...

    @property
    def points(self) -> int:
        """Thousandths of a point that each mark is worth when new; may be negative."""
        ...

    @property
    def cap(self) -> int | None:
        """The most thousandths, as a magnitude, that its marks may be worth together at any instant."""
        ...

    @property
    def acts(self) -> frozenset[str]:
        """The acts it listens to; none for a rule over attributes."""
        ...

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes it listens to; none for a rule over acts."""
        ...

    def advance(self, slot: Slot, fact: Fact, attributes: Mapping[str, object]) -> Slot:
        """Return the slot after ``fact``, or the very same slot if the fact changes nothing.

        ``attributes`` are the lead's, merged, ``fact`` included.
        """
        ...
