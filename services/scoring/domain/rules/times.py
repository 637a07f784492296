"""Rules over how often somebody has ever done something: points once it is often enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from services.scoring.domain.facts import Fact
from services.scoring.domain.rules.act import mark_of
from services.scoring.domain.rules.context import RuleContext
from services.scoring.domain.rules.rule import Rule, RuleDocument, Slot
from shared.conditions.compiler import Test


class TimesRuleDocument(RuleDocument, frozen=True, kw_only=True, tag="times"):
    """``at_least`` acts, or acts on different objects, however long ago (C3); see ``window`` for a limit."""

    acts: tuple[str, ...]
    when: Mapping[str, object] | None = None
    at_least: Annotated[int, Meta(ge=2, le=100)]
    counting: Literal["acts", "objects"]

    def compile(self, context: RuleContext) -> Rule | None:
        """Return the rule, or None after noting its faults."""
        points = context.thousandths(self.points, "points")
        per_object = self.counting == "objects"
        objects, test = context.counted(self.acts, self.when, per_object=per_object)
        return TimesRule(
            name=self.rule,
            points=points,
            objects=objects,
            test=test,
            at_least=self.at_least,
            per_object=per_object,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimesRule:
    """Grants once there are enough; the latest act carries the points and restarts their cooling (C12)."""

    name: str
    points: int
    objects: Mapping[str, str | None]
    test: Test | None
    at_least: int
    per_object: bool
    cap: int | None = None
    attributes: frozenset[str] = frozenset()

    @property
    def acts(self) -> frozenset[str]:
        """The acts that it listens to."""
        return frozenset(self.objects)

    def advance(self, slot: Slot, fact: Fact, attributes: Mapping[str, object]) -> Slot:
        """Remember the newest acts, as many as are needed, and grant if there are that many."""
        mark = mark_of(fact, self.objects, self.test)
        if mark is None:
            return slot
        recent = slot.recent
        if self.per_object:
            recent = tuple(old for old in recent if old.object != mark.object)
        recent = (*recent, mark)[-self.at_least :]
        return Slot((mark,) if len(recent) == self.at_least else (), recent)
