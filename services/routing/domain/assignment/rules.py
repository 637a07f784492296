"""Assignment rules in order: the first that holds decides (R1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from services.routing.domain.attributes import CATALOGUE
from services.routing.domain.people import RepId, TeamName
from shared.conditions.compiler import Condition, ConditionFaults, compile_condition
from shared.kernel.faults import Fault, allowed

RuleName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]


class RuleDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule; without ``when`` it always holds.

    ``round_robin`` gives the lead to whose turn it is in ``team``; ``named`` to the first of ``reps``
    who may have it.
    """

    rule: RuleName
    when: Any = None
    team: TeamName
    strategy: Literal["round_robin", "named"]
    reps: tuple[RepId, ...] = ()


class AssignmentDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rules, first match first."""

    name: RuleName
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    rules: Annotated[tuple[RuleDocument, ...], Meta(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as it decides."""

    name: str
    when: Condition | None
    team: str
    strategy: Literal["round_robin", "named"]
    reps: tuple[str, ...]

    def holds(self, values: Mapping[str, object]) -> bool:
        """Return whether it speaks of this lead; what is not known does not hold."""
        return self.when is None or self.when.test(values) is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of one version of the document."""

    version: int
    rules: tuple[Rule, ...]

    def first(self, values: Mapping[str, object]) -> Rule | None:
        """Return the rule that decides, None if none holds."""
        return next((rule for rule in self.rules if rule.holds(values)), None)


def compile_rules(
    document: AssignmentDocument, *, teams: Collection[str], reps: Collection[str]
) -> tuple[Rules, list[Fault]]:
    """Return the rules, and every fault that was found on the way."""
    faults: list[Fault] = []
    rules: list[Rule] = []
    for place, one in enumerate(document.rules):
        path = f"rules[{place}]"
        if one.rule in {rule.name for rule in rules}:
            faults.append(Fault(f"{path}.rule", f"{one.rule} is there already; names are unique"))
        if one.team not in teams:
            faults.append(Fault(f"{path}.team", f"{one.team} is no team; {allowed(teams)}"))
        faults += [Fault(f"{path}.reps", f"{rep} is no rep") for rep in one.reps if rep not in reps]
        if (one.strategy == "named") != bool(one.reps):
            faults.append(Fault(f"{path}.reps", "stand with the strategy named, and only there"))
        rules.append(
            Rule(
                name=one.rule,
                when=compile_when(one.when, f"{path}.when", faults),
                team=one.team,
                strategy=one.strategy,
                reps=one.reps,
            )
        )
    return Rules(version=document.version, rules=tuple(rules)), faults


def compile_when(source: object, path: str, faults: list[Fault]) -> Condition | None:
    """Return a condition of a document, None if there is none; faults are appended."""
    if source is None:
        return None
    try:
        return compile_condition(source, catalogue=CATALOGUE, path=path)
    except ConditionFaults as error:
        faults.extend(error.faults)
        return None
