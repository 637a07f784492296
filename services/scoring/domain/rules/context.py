"""What surrounds a rule while it is compiled: its group's law, the vocabulary, the list of faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.scoring.domain.decay import Law
from services.scoring.domain.vocabulary import Vocabulary
from shared.conditions.catalogue import Catalogue
from shared.conditions.compiler import Condition, ConditionFaults, Test, compile_condition
from shared.conditions.contradictions import find_contradiction
from shared.kernel.faults import Fault, allowed, show

_MOST_POINTS: Final = 100_000


@dataclass(slots=True, kw_only=True)
class RuleContext:
    """Gathers faults below ``path`` instead of raising, so that all of a model's faults show at once."""

    path: str
    behaviour: bool
    cooling: Law | None
    vocabulary: Vocabulary
    faults: list[Fault]

    def fault(self, path: str, text: str) -> None:
        """Note a fault at ``path`` below the rule."""
        self.faults.append(Fault(f"{self.path}.{path}", text))

    def thousandths(self, points: float, path: str, *, positive: bool = False) -> int:
        """Return ``points`` in thousandths; notes a fault if they are zero, too fine or out of bounds."""
        scaled = in_thousandths(points)
        if scaled is None or scaled == 0 or (positive and scaled < 0):
            sign = "above zero" if positive else "other than zero"
            self.fault(path, f"{show(points)} does not fit; points are {sign}, with three decimals at most")
        return scaled or 0

    def condition(
        self, source: Mapping[str, object], catalogue: Catalogue, path: str = "when"
    ) -> Condition | None:
        """Compile a condition; None after noting its faults, one of which is that it can never hold."""
        lists = self.vocabulary.lists
        try:
            condition = compile_condition(
                source, catalogue=catalogue, lists=lists, path=f"{self.path}.{path}"
            )
        except ConditionFaults as error:
            self.faults.extend(error.faults)
            return None
        blamed = ", ".join(sorted(find_contradiction(source, catalogue=catalogue, lists=lists)))
        if blamed:
            never = f"can never hold, as no {blamed} is all that is asked of it; loosen it, or leave it out"
            self.fault(path, never)
        return condition

    def objects(self, acts: Sequence[str]) -> Mapping[str, str | None]:
        """Return the field that holds each act's object; notes acts that nobody knows or named twice."""
        if not self.behaviour:
            self.fault("type", "does not belong in a group of fit; acts are behaviour")
        if not acts:
            self.fault("acts", f"is empty; {allowed(self.vocabulary.acts)}")
        known = self.vocabulary.acts
        for index, act in enumerate(acts):
            if act not in known:
                unknown = f"{show(act)} is unknown; {allowed(known, instead_of=act)}"
                self.fault(f"acts[{index}]", unknown)
            elif act in acts[:index]:
                self.fault(f"acts[{index}]", f"{act} is named twice")
        return {act: known[act].object_field for act in acts if act in known}

    def test_of(self, acts: Sequence[str], when: Mapping[str, object] | None) -> Test | None:
        """Compile a condition over the fields that ``acts`` share; None is none, or one with faults."""
        condition = self.condition(when, self.shared_fields(acts)) if when else None
        return condition.test if condition else None

    def counted(
        self, acts: Sequence[str], when: Mapping[str, object] | None, *, per_object: bool
    ) -> tuple[Mapping[str, str | None], Test | None]:
        """Return the objects and the test of acts that are counted, or of different objects of theirs."""
        objects = self.objects(acts)
        if per_object and None in objects.values():
            without = ", ".join(act for act, field in objects.items() if field is None)
            self.fault("counting", f"{without} is done to nothing; allowed here: acts")
        return objects, self.test_of(acts, when)

    def shared_fields(self, acts: Sequence[str]) -> Catalogue:
        """Return the fields that all of ``acts`` have in common."""
        catalogues = [self.vocabulary.acts[act].fields for act in acts if act in self.vocabulary.acts]
        first = catalogues[0] if catalogues else {}
        return {
            name: kind for name, kind in first.items() if all(other.get(name) == kind for other in catalogues)
        }


def in_thousandths(points: float) -> int | None:
    """Return a number of points in thousandths, or None if it is finer or beyond 100,000."""
    scaled = Decimal(str(points)) * 1000
    if abs(points) > _MOST_POINTS or scaled != scaled.to_integral_value():
        return None
    return int(scaled)
