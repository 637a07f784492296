"""Rules over how often somebody does something: points for the act that completes N within a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from services.scoring.domain.facts import Fact
from services.scoring.domain.rules.act import object_of
from services.scoring.domain.rules.context import RuleContext
from services.scoring.domain.rules.rule import Mark, Rule, RuleDocument, Slot
from shared.conditions.compiler import Test
from shared.kernel.instants import HOUR

Counting = Literal["acts", "objects"]


class WindowRuleDocument(RuleDocument, frozen=True, kw_only=True, tag="window"):
    """``at_least`` acts, or acts on different objects, of which the last follows within ``within_hours``."""

    acts: tuple[str, ...]
    when: Mapping[str, object] | None = None
    at_least: Annotated[int, Meta(ge=2, le=100)]
    counting: Counting
    within_hours: Annotated[int, Meta(ge=1, le=24 * 366)]

    def compile(self, context: RuleContext) -> Rule | None:
        """Return the rule, or None after noting its faults."""
        points = context.thousandths(self.points, "points")
        objects = context.objects(self.acts)
        if self.counting == "objects" and None in objects.values():
            without = ", ".join(act for act, field in objects.items() if field is None)
            context.fault("counting", f"{without} is done to nothing; allowed here: acts")
        condition = context.condition(self.when, context.shared_fields(self.acts)) if self.when else None
        return WindowRule(
            name=self.rule,
            points=points,
            objects=objects,
            test=condition.test if condition else None,
            at_least=self.at_least,
            counting=self.counting,
            window=self.within_hours * HOUR,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRule:
    """Grants once, at the latest act that completes the count, which restarts the cooling (C12).

    An act completes the count if at least ``at_least`` of them, itself included, lie within the
    window that ends with it, both ends included. What was granted stays when the window has passed.
    """

    name: str
    points: int
    objects: Mapping[str, str | None]
    test: Test | None
    at_least: int
    counting: Counting
    window: int
    cap: int | None = None
    attributes: frozenset[str] = frozenset()

    @property
    def acts(self) -> frozenset[str]:
        """The acts that it listens to."""
        return frozenset(self.objects)

    def advance(self, slot: Slot, fact: Fact, attributes: Mapping[str, object]) -> Slot:
        """Remember the newest acts, as many as are needed, and grant if they lie close enough."""
        if self.test is not None and not self.test(fact.fields):
            return slot
        mark = Mark(fact.occurred, fact.id, object_of(fact, self.objects))
        recent = slot.recent
        if self.counting == "objects":
            recent = tuple(old for old in recent if old.object != mark.object)
        recent = (*recent, mark)[-self.at_least :]
        complete = len(recent) == self.at_least and mark.granted - recent[0].granted <= self.window
        return Slot((mark,) if complete else slot.marks, recent)
