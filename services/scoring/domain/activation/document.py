"""The shape of a gate in a model's document, and how it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from services.scoring.domain.activation.gate import ActivationGate, HighValueAct
from services.scoring.domain.rules.context import RuleContext, in_thousandths
from services.scoring.domain.rules.rule import MOST_MARKS, Name
from services.scoring.domain.vocabulary import CYCLE_ENDS, Vocabulary
from shared.kernel.faults import Fault, allowed, show
from shared.kernel.instants import HOUR, MINUTE


class HighValueActDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of act that counts: any of ``acts``, if ``when`` holds over the fields they share."""

    kind: Name
    acts: tuple[str, ...]
    when: Mapping[str, object] | None = None
    label: Mapping[str, str] = {}


class ActivationDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A gate (C9): so many points, and so many high-value acts within a rolling window.

    Of one kind and object an act counts once within ``once_within_minutes``. ``rearmed_by`` are the
    facts that end a sales cycle; the acts of the next come after them.
    """

    at_least: float
    high_value_acts: Annotated[tuple[HighValueActDocument, ...], Meta(min_length=1)]
    acts_needed: Annotated[int, Meta(ge=1, le=MOST_MARKS)]
    within_hours: Annotated[int, Meta(ge=1, le=24 * 366)]
    once_within_minutes: Annotated[int, Meta(ge=0, le=60 * 24 * 366)]
    rearmed_by: tuple[str, ...]


def compile_gate(
    document: ActivationDocument, vocabulary: Vocabulary, faults: list[Fault], *, steady: bool
) -> ActivationGate:
    """Check and compile a gate; what is wrong is added to ``faults``.

    ``steady`` says that no score of its model rises by the mere passing of time.
    """
    path = "activation"
    if not steady:
        faults.append(
            Fault(
                path,
                "has no place beside negative points that cool or points for a date;"
                " only facts may raise the score",
            )
        )
    at_least = in_thousandths(document.at_least)
    if at_least is None or at_least <= 0:
        faults.append(
            Fault(
                f"{path}.at_least",
                f"{show(document.at_least)} does not fit; above zero, with three decimals at most",
            )
        )
    listening: dict[str, tuple[HighValueAct, ...]] = {}
    names: set[str] = set()
    for place, source in enumerate(document.high_value_acts):
        context = RuleContext(
            path=f"{path}.high_value_acts[{place}]",
            behaviour=True,
            cooling=None,
            vocabulary=vocabulary,
            faults=faults,
        )
        if source.kind in names:
            context.fault("kind", f"{source.kind} is there already; names are unique")
        names.add(source.kind)
        objects = context.objects(source.acts)
        kind = HighValueAct(name=source.kind, objects=objects, test=context.test_of(source.acts, source.when))
        for act in objects:
            listening[act] = (*listening.get(act, ()), kind)
    for place, name in enumerate(document.rearmed_by):
        if name not in CYCLE_ENDS:
            unknown = f"{show(name)} is unknown; {allowed(CYCLE_ENDS, instead_of=name)}"
            faults.append(Fault(f"{path}.rearmed_by[{place}]", unknown))
    return ActivationGate(
        at_least=at_least or 0,
        count=document.acts_needed,
        window=document.within_hours * HOUR,
        apart=document.once_within_minutes * MINUTE,
        acts=listening,
        rearmed_by=frozenset(document.rearmed_by),
    )
