"""Rules over what somebody does: points for an act, once per lead, once per object, or every time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.scoring.domain.decay import Law, gone_at
from services.scoring.domain.facts import Fact
from services.scoring.domain.rules.context import RuleContext
from services.scoring.domain.rules.rule import MOST_MARKS, Mark, Rule, RuleDocument, Slot
from shared.conditions.compiler import Test

Counts = Literal["once", "once_per_object", "every_time"]


class ActRuleDocument(RuleDocument, frozen=True, kw_only=True, tag="act"):
    """``acts`` count alike; ``when`` is a condition over their fields; ``cap`` bounds the rule's sum."""

    acts: tuple[str, ...]
    when: Mapping[str, object] | None = None
    counts: Counts = "once"
    cap: float | None = None

    def compile(self, context: RuleContext) -> Rule | None:
        """Return the rule, or None after noting its faults."""
        points = context.thousandths(self.points, "points")
        cap = context.thousandths(self.cap, "cap", positive=True) if self.cap is not None else None
        objects = context.objects(self.acts)
        if self.counts == "once_per_object" and None in objects.values():
            without = ", ".join(act for act, field in objects.items() if field is None)
            context.fault("counts", f"{without} is done to nothing; allowed here: every_time, once")
        most = MOST_MARKS
        if self.counts != "once" and context.cooling is None:
            if cap is None:
                context.fault("cap", "is missing; what neither cools nor counts once needs a bound")
            elif points:
                most = min(MOST_MARKS, -(-cap // abs(points)))
        condition = context.condition(self.when, context.shared_fields(self.acts)) if self.when else None
        return ActRule(
            name=self.rule,
            points=points,
            cap=cap,
            counts=self.counts,
            objects=objects,
            test=condition.test if condition else None,
            cooling=context.cooling,
            most=most,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRule:
    """The latest act carries the points and restarts their cooling (C12), per lead or per object.

    ``objects`` names for each act the field that holds its object; ``most`` is how many marks are kept.
    """

    name: str
    points: int
    cap: int | None
    counts: Counts
    objects: Mapping[str, str | None]
    test: Test | None
    cooling: Law | None
    most: int = MOST_MARKS
    attributes: frozenset[str] = frozenset()

    @property
    def acts(self) -> frozenset[str]:
        """The acts that it listens to."""
        return frozenset(self.objects)

    def advance(self, slot: Slot, fact: Fact, attributes: Mapping[str, object]) -> Slot:
        """Grant for the act in hand, in place of an earlier one that it repeats."""
        if self.test is not None and not self.test(fact.fields):
            return slot
        mark = Mark(fact.occurred, fact.id, object_of(fact, self.objects))
        if self.counts == "once" or not slot.marks:
            return Slot((mark,))
        kept = slot.marks
        if self.counts == "once_per_object":
            kept = tuple(old for old in kept if old.object != mark.object)
        cooling = self.cooling
        if cooling is not None and kept and gone_at(self.points, kept[0].granted, cooling) <= mark.granted:
            kept = tuple(old for old in kept if gone_at(self.points, old.granted, cooling) > mark.granted)
        return Slot((*kept[-(self.most - 1) :], mark) if self.most > 1 else (mark,))


def object_of(fact: Fact, objects: Mapping[str, str | None]) -> str:
    """Return what the act was done to; acts that do not say share one object, the empty text."""
    field = objects[fact.name]
    value = fact.fields.get(field) if field else None
    return value if isinstance(value, str) else ""
