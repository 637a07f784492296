"""What the signs say of a lead at an instant: each part is unknown, known or met, with what shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from services.scoring.domain.facts import Fact
from services.scoring.domain.ledger import is_counting
from services.scoring.domain.rules.rule import Mark, Slot
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from shared.kernel.instants import Instant

Says = Literal["known", "met"]
"""A sign that a part is known says nothing of whether it is enough; one that it is met does."""

State = Literal["unknown", "known", "met"]

PARTS: Final = ("budget", "authority", "need", "timeline")


class Sign(NamedTuple):
    """One sign: its slot, what it says, in words, and for how many microseconds; None is for good."""

    slot: int
    name: str
    says: Says
    label: Mapping[str, str]
    lasting: int | None


class Part(NamedTuple):
    """A part with its signs."""

    name: str
    label: Mapping[str, str]
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True)
class Bant:
    """The compiled document. ``listening`` is a model whose rules are the signs; nobody scores by it."""

    listening: CompiledModel
    parts: tuple[Part, ...]


class Shown(NamedTuple):
    """A sign that holds, the fact that carries it, and when that occurred."""

    sign: Sign
    event: str
    since: Instant


class Finding(NamedTuple):
    """How a lead stands with a part; ``shown`` are the signs that hold, those that it is met first."""

    part: Part
    state: State
    shown: tuple[Shown, ...]


def judge_bant(bant: Bant, facts: Iterable[Fact], *, as_of: Instant) -> list[Finding]:
    """Return how a lead stands with each part at ``as_of``, by the facts that occurred by then."""
    models = ModelSet([bant.listening])
    state = fold(models, (fact for fact in facts if fact.occurred <= as_of))
    slots = () if state is None else state.models[bant.listening.name].slots
    findings = []
    for part in bant.parts:
        shown = []
        for sign in part.signs:
            mark = _mark_of(bant, slots[sign.slot], sign, as_of) if slots else None
            if mark is not None:
                shown.append(Shown(sign, mark.event, mark.granted))
        shown.sort(key=lambda one: one.sign.says != "met")
        findings.append(Finding(part, shown[0].sign.says if shown else "unknown", tuple(shown)))
    return findings


def _mark_of(bant: Bant, slot: Slot, sign: Sign, at: Instant) -> Mark | None:
    """Return what carries a sign at an instant, None if it does not hold then."""
    if not slot.marks or (sign.slot in bant.listening.dated and not is_counting(slot, at)):
        return None
    mark = slot.marks[-1]
    return mark if sign.lasting is None or at - mark.granted <= sign.lasting else None
