"""What reaches sales (R13): a rule over tiers and points, in the order of its document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from services.routing.domain.attributes import MODELS
from shared.kernel.faults import Fault, allowed

AnswerKind: TypeAlias = Literal["assign", "claimable", "never", "marketing"]
"""To a rep at once; into the pool for whoever wants it; never to sales; nothing said: with marketing."""


class ReachRuleDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: these tiers of this model, from ``from_points`` on if given, get this answer.

    ``always`` keeps it awake while another model is in charge. ``takes_over`` lets it move a lead that
    is owned already to the team that the assignment rules name (R2).
    """

    rule: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
    model: str
    tiers: Annotated[tuple[str, ...], Meta(min_length=1)]
    from_points: float | None = None
    answer: Literal["assign", "claimable", "never"]
    always: bool = False
    takes_over: bool = False


class ReachDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which model is in charge, and what its tiers mean for sales."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    in_charge: str
    rules: tuple[ReachRuleDocument, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules say of a lead: ``rule`` is empty where none speaks of it."""

    kind: AnswerKind
    rule: str = ""
    model: str = ""
    takes_over: bool = False


_MARKETING = Answer("marketing")


class Reach:
    """The rules that are awake, in order."""

    def __init__(self, document: ReachDocument) -> None:
        self.version = document.version
        self.in_charge = document.in_charge
        self._rules = [
            (
                rule.model,
                frozenset(rule.tiers),
                None if rule.from_points is None else round(rule.from_points * 1000),
                Answer(rule.answer, rule.rule, rule.model, rule.takes_over),
            )
            for rule in document.rules
            if rule.always or rule.model == document.in_charge
        ]

    def of(self, tiers: Mapping[str, str], points: Mapping[str, int]) -> Answer:
        """Return the answer for a lead with these tiers and points (thousandths) by model."""
        for model, wanted, least, answer in self._rules:
            if tiers.get(model) in wanted and (least is None or points.get(model, 0) >= least):
                return answer
        return _MARKETING


def find_faults(document: ReachDocument) -> list[Fault]:
    """Return what does not fit: unknown models, a model in charge of which no rule speaks, repeats."""
    faults = [
        Fault(f"rules[{place}].model", f"{rule.model} is no model; {allowed(MODELS)}")
        for place, rule in enumerate(document.rules)
        if rule.model not in MODELS
    ]
    if document.in_charge not in {rule.model for rule in document.rules}:
        faults.append(Fault("in_charge", f"no rule speaks of {document.in_charge}"))
    names = [rule.rule for rule in document.rules]
    faults += [
        Fault(f"rules[{place}].rule", f"{name} is there already; names are unique")
        for place, name in enumerate(names)
        if name in names[:place]
    ]
    return faults
