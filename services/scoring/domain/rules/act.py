"""Rules over what somebody does: points for an act, once per lead, once per object, or every time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from services.scoring.domain.decay import Law, gone_at
from services.scoring.domain.facts import Fact
from services.scoring.domain.rules.context import RuleContext
from services.scoring.domain.rules.rule import MOST_MARKS, Mark, Rule, RuleDocument, Slot
from shared.conditions.compiler import Test
from shared.kernel.instants import MINUTE, Instant

Counts = Literal["once", "once_per_object", "every_time"]
GapPer = Literal["rule", "object"]
GapMinutes = Annotated[int, Meta(ge=1, le=60 * 24 * 366)]
"""The least time between two acts that count."""


class ActRuleDocument(RuleDocument, frozen=True, kw_only=True, tag="act"):
    """``acts`` count alike; ``when`` is a condition over their fields; ``cap`` bounds the rule's sum.

    Of two acts less than ``gap_minutes`` apart, or of two on one object with ``gap_per: object``, the
    second counts for nothing, unless the first did.
    """

    acts: tuple[str, ...]
    when: Mapping[str, object] | None = None
    counts: Counts = "once"
    cap: float | None = None
    gap_minutes: GapMinutes | None = None
    gap_per: GapPer = "rule"

    def compile(self, context: RuleContext) -> Rule | None:
        """Return the rule, or None after noting its faults."""
        points = context.thousandths(self.points, "points")
        cap = context.thousandths(self.cap, "cap", positive=True) if self.cap is not None else None
        objects = context.objects(self.acts)
        without = ", ".join(act for act, field in objects.items() if field is None)
        if self.counts == "once_per_object" and without:
            context.fault("counts", f"{without} is done to nothing; allowed here: every_time, once")
        if self.gap_per == "object":
            if self.gap_minutes is None:
                context.fault("gap_minutes", "is missing; gap_per speaks of it")
            if self.counts == "once" or without:
                why = "a rule that counts once" if self.counts == "once" else f"{without}, done to nothing,"
                context.fault("gap_per", f"{why} tells no objects apart; allowed here: rule")
        most = MOST_MARKS
        if self.counts != "once" and context.cooling is None:
            if cap is None:
                context.fault("cap", "is missing; what neither cools nor counts once needs a bound")
            elif points and self.gap_per == "rule":
                most = min(MOST_MARKS, -(-cap // abs(points)))
        return ActRule(
            name=self.rule,
            points=points,
            cap=cap,
            counts=self.counts,
            objects=objects,
            test=context.test_of(self.acts, self.when),
            cooling=context.cooling,
            most=most,
            gap=(self.gap_minutes or 0) * MINUTE,
            gap_per=self.gap_per,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRule:
    """The latest act carries the points and restarts their cooling (C12), per lead or per object.

    ``objects`` names for each act the field that holds its object; ``most`` is how many marks are kept.
    An act counts if it follows the last that counted by ``gap`` microseconds or more.
    """

    name: str
    points: int
    cap: int | None
    counts: Counts
    objects: Mapping[str, str | None]
    test: Test | None
    cooling: Law | None
    most: int = MOST_MARKS
    gap: int = 0
    gap_per: GapPer = "rule"
    attributes: frozenset[str] = frozenset()

    @property
    def acts(self) -> frozenset[str]:
        """The acts that it listens to."""
        return frozenset(self.objects)

    def advance(self, slot: Slot, fact: Fact, attributes: Mapping[str, object]) -> Slot:
        """Grant for the act in hand, in place of an earlier one that it repeats."""
        mark = mark_of(fact, self.objects, self.test)
        if mark is None:
            return slot
        if self.gap and self._comes_too_soon(slot, mark):
            return slot
        if self.counts == "once" or not slot.marks:
            return Slot((mark,))
        kept = slot.marks
        if self.counts == "once_per_object":
            kept = tuple(old for old in kept if old.object != mark.object)
        if kept and self._is_spent(kept[0], mark.granted):
            kept = tuple(old for old in kept if not self._is_spent(old, mark.granted))
        return Slot((*kept[-(self.most - 1) :], mark) if self.most > 1 else (mark,))

    def _comes_too_soon(self, slot: Slot, mark: Mark) -> bool:
        since = mark.granted - self.gap
        if self.gap_per == "rule":
            return bool(slot.marks) and slot.marks[-1].granted > since
        return any(old.granted > since for old in slot.marks if old.object == mark.object)

    def _is_spent(self, mark: Mark, at: Instant) -> bool:
        """Return whether a mark is worth nothing any more and keeps no other from counting."""
        cooling = self.cooling
        return (
            cooling is not None
            and gone_at(self.points, mark.granted, cooling) <= at
            and mark.granted + self.gap <= at
        )


def mark_of(fact: Fact, objects: Mapping[str, str | None], test: Test | None) -> Mark | None:
    """Return the mark of an act, or None if it is none of those that are asked for."""
    if test is not None and not test(fact.fields):
        return None
    return Mark(fact.occurred, fact.id, object_of(fact, objects))


def object_of(fact: Fact, objects: Mapping[str, str | None]) -> str:
    """Return what the act was done to; acts that do not say share one object, the empty text."""
    field = objects[fact.name]
    value = fact.fields.get(field) if field else None
    return value if isinstance(value, str) else ""
