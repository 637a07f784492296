"""Signs of which the newest word decides: who once said next month, and then next year, means next year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.scoring.domain.facts import Fact
from services.scoring.domain.rules.rule import EMPTY, Mark, Slot
from shared.conditions.compiler import Test


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestWord:
    """Holds if the condition held of the newest act that said anything of it."""

    name: str
    acts: frozenset[str]
    test: Test
    points: int = 1
    cap: int | None = None
    attributes: frozenset[str] = frozenset()

    def advance(self, slot: Slot, fact: Fact, attributes: Mapping[str, object]) -> Slot:
        """Hold from an act on that fits until one that does not; one that is silent changes nothing."""
        holds = self.test(fact.fields)
        if holds is None:
            return slot
        if holds:
            return Slot((Mark(fact.occurred, fact.id),))
        return EMPTY if slot.marks else slot
