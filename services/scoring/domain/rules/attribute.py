"""Rules over who somebody is: points while a condition over the lead's attributes holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.scoring.domain.facts import Fact
from services.scoring.domain.rules.context import RuleContext
from services.scoring.domain.rules.rule import EMPTY, Mark, Rule, RuleDocument, Slot
from shared.conditions.compiler import Condition


class AttributeRuleDocument(RuleDocument, frozen=True, kw_only=True, tag="attribute"):
    """``when`` is a condition over attributes."""

    when: Mapping[str, object]

    def compile(self, context: RuleContext) -> Rule | None:
        """Return the rule, or None after noting its faults."""
        if context.behaviour:
            context.fault("type", "belongs in a group of fit; attributes tell who somebody is")
        points = context.thousandths(self.points, "points")
        condition = context.condition(self.when, context.vocabulary.attributes)
        if condition is None:
            return None
        return AttributeRule(name=self.rule, points=points, condition=condition)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRule:
    """One mark while the condition holds, carried by the fact with which it began to hold."""

    name: str
    points: int
    condition: Condition
    acts: frozenset[str] = frozenset()
    cap: int | None = None

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes that the condition reads."""
        return self.condition.fields

    def advance(self, slot: Slot, fact: Fact, attributes: Mapping[str, object]) -> Slot:
        """Grant when the condition begins to hold, take back when it ends (C10)."""
        if self.condition.test(attributes):
            return slot if slot.marks else Slot((Mark(fact.occurred, fact.id),))
        return EMPTY if slot.marks else slot
