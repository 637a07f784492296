"""Rules over how often somebody does something within a window: at least so often, between, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from services.scoring.domain.facts import Fact
from services.scoring.domain.rules.act import GapMinutes, mark_of
from services.scoring.domain.rules.context import RuleContext
from services.scoring.domain.rules.rule import Mark, Rule, RuleDocument, Slot
from shared.conditions.compiler import Test
from shared.kernel.instants import HOUR, MINUTE

Counting = Literal["acts", "objects"]
Times = Annotated[int, Meta(ge=1, le=100)]


class WindowRuleDocument(RuleDocument, frozen=True, kw_only=True, tag="window"):
    """So many acts, or acts on different objects, of which the last follows within ``within_hours``.

    How many is ``at_least`` alone, ``at_least`` and ``at_most``, or ``exactly``. Of two acts less than
    ``gap_minutes`` apart the second is not counted, unless the first was not.
    """

    acts: tuple[str, ...]
    when: Mapping[str, object] | None = None
    at_least: Times | None = None
    at_most: Times | None = None
    exactly: Times | None = None
    counting: Counting
    within_hours: Annotated[int, Meta(ge=1, le=24 * 366)]
    gap_minutes: GapMinutes | None = None

    def compile(self, context: RuleContext) -> Rule | None:
        """Return the rule, or None after noting its faults."""
        points = context.thousandths(self.points, "points")
        per_object = self.counting == "objects"
        objects, test = context.counted(self.acts, self.when, per_object=per_object)
        if per_object and self.gap_minutes is not None:
            context.fault("gap_minutes", "has no place beside objects; each counts once in a window anyway")
        least, most = self._range(context)
        if (least - 1) * (self.gap_minutes or 0) > self.within_hours * 60:
            room = self.within_hours * 60 // (self.gap_minutes or 1) + 1
            context.fault("gap_minutes", f"leaves room for {room} in the window, and {least} are asked for")
        return WindowRule(
            name=self.rule,
            points=points,
            objects=objects,
            test=test,
            at_least=least,
            at_most=most,
            counting=self.counting,
            window=self.within_hours * HOUR,
            gap=(self.gap_minutes or 0) * MINUTE,
        )

    def _range(self, context: RuleContext) -> tuple[int, int | None]:
        """Return how often at least and at most; None is without end."""
        if self.exactly is not None:
            for key in ("at_least", "at_most"):
                if getattr(self, key) is not None:
                    context.fault(key, "has no place beside exactly")
            return self.exactly, self.exactly
        if self.at_least is None:
            context.fault("at_least", "is missing; allowed: at_least, at_least with at_most, exactly")
            return 1, None
        if self.at_most is None and self.at_least == 1:
            context.fault("at_least", "once is no window; allowed: 2 or more, or type act")
        if self.at_most is not None and self.at_most < self.at_least:
            context.fault(
                "at_most", f"{self.at_most} is less than at_least; allowed: {self.at_least} or more"
            )
        return self.at_least, self.at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRule:
    """Grants once, at the latest act that completes the count, which restarts the cooling (C12).

    An act completes the count if at least ``at_least`` of them, itself included, lie within the
    window that ends with it, both ends included. What was granted stays when the window has passed. An
    act with which there are more than ``at_most`` takes it back, until the count is right again.
    """

    name: str
    points: int
    objects: Mapping[str, str | None]
    test: Test | None
    at_least: int
    at_most: int | None
    counting: Counting
    window: int
    gap: int = 0
    cap: int | None = None
    attributes: frozenset[str] = frozenset()

    @property
    def acts(self) -> frozenset[str]:
        """The acts that it listens to."""
        return frozenset(self.objects)

    def advance(self, slot: Slot, fact: Fact, attributes: Mapping[str, object]) -> Slot:
        """Remember the newest acts, as many as are needed, and grant if enough of them lie close enough."""
        mark = mark_of(fact, self.objects, self.test)
        if mark is None:
            return slot
        recent = slot.recent
        if self.gap and recent and mark.granted - recent[-1].granted < self.gap:
            return slot
        if self.counting == "objects":
            recent = tuple(old for old in recent if old.object != mark.object)
        if self.at_most is not None:
            return self._grant_between(slot, mark, (*recent, mark)[-self.at_most - 1 :], self.at_most)
        recent = (*recent, mark)[-self.at_least :]
        complete = len(recent) == self.at_least and mark.granted - recent[0].granted <= self.window
        return Slot((mark,) if complete else slot.marks, recent)

    def _grant_between(self, slot: Slot, mark: Mark, recent: tuple[Mark, ...], most: int) -> Slot:
        since = mark.granted - self.window
        count = sum(1 for act in recent if act.granted >= since)
        if count > most:
            return Slot((), recent)
        return Slot((mark,) if count >= self.at_least else slot.marks, recent)
