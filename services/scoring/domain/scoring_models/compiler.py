"""From a model's document to a compiled model; every fault of the document is reported at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final

from services.scoring.domain.activation.document import compile_gate
from services.scoring.domain.decay import CompoundSteps, HalfLife, Law, LinearSteps
from services.scoring.domain.rules.attribute import AttributeRule
from services.scoring.domain.rules.context import RuleContext, in_thousandths
from services.scoring.domain.rules.date import DateRule
from services.scoring.domain.rules.rule import Rule
from services.scoring.domain.scoring_models.combining import compile_sources, in_order_of_need, key_of
from services.scoring.domain.scoring_models.compiled import Audience, CompiledModel, Group, Member, Tier
from services.scoring.domain.scoring_models.document import (
    AudienceDocument,
    CoolingDocument,
    GroupDocument,
    LeavingDocument,
    ScoringModelDocument,
    TierDocument,
    ValueListDocument,
)
from services.scoring.domain.scoring_models.grades import compile_grades
from services.scoring.domain.scoring_models.origin import Origin
from services.scoring.domain.scoring_models.reach import most_points, unreachable
from services.scoring.domain.vocabulary import Vocabulary
from shared.conditions.catalogue import ValueLists
from shared.kernel.faults import Fault, Faults, allowed, show
from shared.kernel.instants import DAY, HOUR

AUDIENCE: Final = "(audience)"
"""The name of the rule that keeps who is of a model's audience; no document can call a rule so."""


class ModelFaults(Faults):
    """A scoring model has faults; all of them are listed, each with its path."""

    code: ClassVar[str] = "scoring.model_faults"


def value_lists(documents: Iterable[ValueListDocument]) -> ValueLists:
    """Return lists as conditions refer to them, keyed ``name@version``."""
    return {f"{document.name}@{document.version}": document.values for document in documents}


def compile_models(documents: Iterable[ScoringModelDocument], vocabulary: Vocabulary) -> list[CompiledModel]:
    """Check and compile models that may combine each other, in the order of the documents.

    :raises ModelFaults: with every fault of every model, each led by the model's name and version.
    """
    by_key = {key_of(document.name, document.version): document for document in documents}
    needs = {key: [source.model for source in document.combines] for key, document in by_key.items()}
    ordered, circles = in_order_of_need(needs)
    faults: list[Fault] = []
    for key, circle in circles.items():
        place = needs[key].index(circle[1])
        told = f"goes round in a circle: {' → '.join(circle)}; take one of them out"
        faults.append(Fault(f"{key}: combines[{place}].model", told))
    compiled: dict[str, CompiledModel] = {}
    for key in sorted(ordered, key=lambda key: bool(needs[key])):  # so that faults name all there are
        try:
            compiled[key] = compile_model(by_key[key], vocabulary, sources=compiled)
        except ModelFaults as error:
            faults += [Fault(f"{key}: {fault.path}", fault.text) for fault in error.faults]
    if faults:
        raise ModelFaults(faults, about="scoring models")
    return [compiled[key] for key in by_key]


def compile_model(
    document: ScoringModelDocument,
    vocabulary: Vocabulary,
    *,
    sources: Mapping[str, CompiledModel] | None = None,
) -> CompiledModel:
    """Check and compile a model; ``sources`` are those that it may combine, by name@version.

    :raises ModelFaults: with every fault, each with its path in the document.
    """
    faults: list[Fault] = []
    rules: list[Rule] = []
    groups = tuple(
        _group(group, f"groups[{place}]", rules, vocabulary, faults)
        for place, group in enumerate(document.groups)
    )
    _refuse_repeats([(f"groups[{i}].group", group.group) for i, group in enumerate(document.groups)], faults)
    _refuse_repeats(
        [
            (f"groups[{i}].rules[{j}].rule", rule.rule)
            for i, group in enumerate(document.groups)
            for j, rule in enumerate(group.rules)
        ],
        faults,
    )
    if bool(document.groups) == bool(document.combines):
        faults.append(Fault("groups", "is missing; allowed: groups of rules, or combines other models"))
    combined, their_rules = compile_sources(document.combines, sources or {}, faults)
    rules += their_rules
    audience = _audience(document.audience, rules, vocabulary, faults) if document.audience else None
    grades = compile_grades(document.grades, faults) if document.grades else None
    tiers = compile_tiers(document.tiers, document.leaving, faults)
    steady = all(group.cooling is None or member.points > 0 for group in groups for member in group.members)
    steady = steady and all(source.model.steady for source in combined)
    only_facts_raise = steady and not any(group.dated for group in groups)
    only_facts_raise = only_facts_raise and not any(source.model.dated for source in combined)
    gate = (
        compile_gate(document.activation, vocabulary, faults, steady=only_facts_raise)
        if document.activation
        else None
    )
    if not faults:
        faults += unreachable(tiers, gate.at_least if gate else None, most_points(groups, rules, combined))
    if faults:
        raise ModelFaults(faults, about=f"model {document.name}, version {document.version}")
    return CompiledModel(
        name=document.name,
        version=document.version,
        tiers=tiers,
        dwell=document.leaving.after_hours * HOUR if document.leaving else 0,
        groups=groups,
        rules=tuple(rules),
        steady=steady,
        activation=gate,
        audience=audience,
        sources=combined,
        grades=grades,
        origin=_origin(document, vocabulary),
    )


def _origin(document: ScoringModelDocument, vocabulary: Vocabulary) -> Origin:
    """Return what a document without faults says besides what is computed with."""
    rules = [rule for group in document.groups for rule in group.rules]
    kinds = document.activation.high_value_acts if document.activation else ()
    return Origin(
        vocabulary=vocabulary,
        rules={rule.rule: rule.label for rule in rules},
        groups={group.group: group.label for group in document.groups},
        tiers={tier.tier: tier.label for tier in document.tiers},
        kinds={kind.kind: kind.label for kind in kinds},
        conditions={rule.rule: rule.when for rule in rules},
        gate_conditions={kind.kind: kind.when for kind in kinds},
        audience=document.audience.when if document.audience else None,
    )


def _audience(
    document: AudienceDocument, rules: list[Rule], vocabulary: Vocabulary, faults: list[Fault]
) -> Audience | None:
    """Return whom the model scores; a rule without points, behind all others, keeps who is of them."""
    context = RuleContext(
        path="audience", behaviour=False, cooling=None, vocabulary=vocabulary, faults=faults
    )
    condition = context.condition(document.when, vocabulary.attributes)
    if condition is None:
        return None
    rules.append(AttributeRule(name=AUDIENCE, points=0, condition=condition))
    return Audience(len(rules) - 1, document.label)


def _group(
    document: GroupDocument, path: str, rules: list[Rule], vocabulary: Vocabulary, faults: list[Fault]
) -> Group:
    behaviour = document.of == "behaviour"
    cooling = _cooling(document.cooling, f"{path}.cooling", faults) if document.cooling else None
    if cooling and not behaviour:
        faults.append(Fault(f"{path}.cooling", "has no place here; fit never cools"))
    cap = in_thousandths(document.cap) if document.cap is not None else None
    if document.cap is not None and (cap is None or cap <= 0):
        faults.append(Fault(f"{path}.cap", f"{show(document.cap)} does not fit; a cap is above zero"))
    floor = in_thousandths(document.floor) if document.floor is not None else None
    if document.floor is not None and (floor is None or floor >= 0):
        faults.append(Fault(f"{path}.floor", f"{show(document.floor)} does not fit; a floor is below zero"))
    members: list[Member] = []
    for place, source in enumerate(document.rules):
        context = RuleContext(
            path=f"{path}.rules[{place}]",
            behaviour=behaviour,
            cooling=cooling,
            vocabulary=vocabulary,
            faults=faults,
        )
        rule = source.compile(context)
        if rule is not None:
            members.append(Member(len(rules), rule.points, rule.cap))
            rules.append(rule)
    return Group(
        name=document.group,
        behaviour=behaviour,
        cooling=cooling,
        cap=cap,
        members=tuple(members),
        floor=floor,
        dated=frozenset(member.slot for member in members if isinstance(rules[member.slot], DateRule)),
    )


def _cooling(document: CoolingDocument, path: str, faults: list[Fault]) -> Law:
    """Return the law that is named; what it lacks or does not know is added to ``faults``."""
    by_halves = document.law == "half_life"
    given = {
        "half_life_days": document.half_life_days,
        "every_days": document.every_days,
        "percent": document.percent,
    }
    needed = ("half_life_days",) if by_halves else ("every_days", "percent")
    for key, value in given.items():
        if value is not None and key not in needed:
            misplaced = f"has no place in {document.law}; {allowed(('full_hours', *needed))}"
            faults.append(Fault(f"{path}.{key}", misplaced))
        elif value is None and key in needed:
            faults.append(Fault(f"{path}.{key}", f"is missing; {document.law} needs it"))
    full, every = document.full_hours * HOUR, (document.every_days or 1) * DAY
    if by_halves:
        return HalfLife(full=full, half_life=(document.half_life_days or 1) * DAY)
    steps = LinearSteps if document.law == "linear_steps" else CompoundSteps
    return steps(full=full, every=every, percent=document.percent or 1)


def compile_tiers(
    documents: Sequence[TierDocument], leaving: LeavingDocument | None, faults: list[Fault]
) -> tuple[Tier, ...]:
    """Return the tiers lowest first, with their bounds as least whole thousandths; notes their faults."""
    _refuse_repeats([(f"tiers[{i}].tier", tier.tier) for i, tier in enumerate(documents)], faults)
    margin = in_thousandths(leaving.margin) if leaving else 0
    if margin is None:
        faults.append(Fault("leaving.margin", "has three decimals at most"))
        margin = 0
    tiers: list[Tier] = []
    above: tuple[str, int] | None = None
    for place, document in enumerate(documents):
        path = f"tiers[{place}]"
        bounds = [bound for bound in (document.at_least, document.more_than) if bound is not None]
        if place == len(documents) - 1:
            if bounds:
                faults.append(Fault(path, "the lowest tier is open downwards and has no bound"))
            tiers.append(Tier(document.tier, None, None))
            continue
        bound = in_thousandths(bounds[0]) if len(bounds) == 1 else None
        if bound is None:
            faults.append(Fault(path, "needs one bound, at_least or more_than, with three decimals at most"))
            continue
        enter = bound + (document.more_than is not None)
        if above is not None and enter >= above[1]:
            order = f"overlaps {above[0]}; tiers stand highest first, each bound below the one before"
            faults.append(Fault(path, order))
        elif above is not None and margin > above[1] - enter:
            width = f"{(above[1] - enter) / 1000:g}"
            wide = f"is wider than tier {document.tier}, {width} points wide; allowed: {width} or less"
            faults.append(Fault("leaving.margin", wide))
        above = document.tier, enter
        tiers.append(Tier(document.tier, enter, bound - margin + 1 if leaving else enter))
    return tuple(reversed(tiers))


def _refuse_repeats(names: Sequence[tuple[str, str]], faults: list[Fault]) -> None:
    seen: set[str] = set()
    for path, name in names:
        if name in seen:
            faults.append(Fault(path, f"{name} is there already; names are unique"))
        seen.add(name)
