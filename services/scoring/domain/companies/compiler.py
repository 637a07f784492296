"""From the document of a model kept per company to the model; all faults of a document at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from services.scoring.domain.companies.document import (
    AmountRuleDocument,
    CompanyModelDocument,
    CompanyRuleDocument,
    OpportunityRuleDocument,
    PersonRuleDocument,
    RequestRuleDocument,
)
from services.scoring.domain.companies.hearing import REQUESTS
from services.scoring.domain.companies.rules import (
    AmountRule,
    CompanyRule,
    OpportunityRule,
    PersonRule,
    RequestRule,
)
from services.scoring.domain.rules.context import RuleContext
from services.scoring.domain.scoring_models.compiled import Tier
from services.scoring.domain.scoring_models.compiler import ModelFaults, compile_tiers
from services.scoring.domain.vocabulary import Vocabulary
from shared.kernel.faults import Fault, allowed, show
from shared.kernel.instants import DAY
from shared.kernel.money import parse_money
from shared.working_time.zones import UnknownZone, load_zone

_UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyModel:
    """One version of a model that is kept per company; ``tiers`` stand lowest first."""

    name: str
    version: int
    rules: tuple[CompanyRule, ...]
    tiers: tuple[Tier, ...]
    labels: dict[str, dict[str, str]]

    def tier_of(self, points: int) -> int:
        """Return the place of the tier that so many thousandths reach."""
        return max(i for i, tier in enumerate(self.tiers) if tier.enter is None or points >= tier.enter)


def compile_company_model(document: CompanyModelDocument, vocabulary: Vocabulary) -> CompanyModel:
    """Check and compile a model.

    :raises ModelFaults: with every fault, each with its path in the document.
    """
    faults: list[Fault] = []
    rules: list[CompanyRule] = []
    names: set[str] = set()
    for place, source in enumerate(document.rules):
        context = RuleContext(
            path=f"rules[{place}]", behaviour=False, cooling=None, vocabulary=vocabulary, faults=faults
        )
        if source.rule in names:
            context.fault("rule", f"{source.rule} is there already; names are unique")
        names.add(source.rule)
        rule = _rule(source, context)
        if rule is not None:
            rules.append(rule)
    tiers = compile_tiers(document.tiers, None, faults)
    if not faults:
        faults += _out_of_reach(document, tiers, rules)
    if faults:
        raise ModelFaults(faults, about=f"model {document.name}, version {document.version}")
    return CompanyModel(
        name=document.name,
        version=document.version,
        rules=tuple(rules),
        tiers=tiers,
        labels={source.rule: dict(source.label) for source in document.rules},
    )


def _out_of_reach(
    document: CompanyModelDocument, tiers: Sequence[Tier], rules: Sequence[CompanyRule]
) -> list[Fault]:
    most = sum(rule.points for rule in rules if rule.points > 0)
    places = {tier.tier: place for place, tier in enumerate(document.tiers)}
    return [
        Fault(f"tiers[{places[tier.name]}]", f"is out of reach; all rules together give {most / 1000:g}")
        for tier in tiers
        if tier.enter is not None and tier.enter > most
    ]


def _rule(source: CompanyRuleDocument, context: RuleContext) -> CompanyRule | None:
    points = context.thousandths(source.points, "points")
    match source:
        case AmountRuleDocument():
            return _amount_rule(source, points, context)
        case OpportunityRuleDocument():
            return OpportunityRule(name=source.rule, points=points, stages=frozenset(source.stages))
        case PersonRuleDocument():
            condition = context.condition(source.when, context.vocabulary.attributes)
            if condition is None:
                return None
            return PersonRule(name=source.rule, points=points, condition=condition)
        case RequestRuleDocument():
            for place, act in enumerate(source.acts):
                if act not in REQUESTS:
                    told = allowed(sorted(REQUESTS), instead_of=act)
                    context.fault(f"acts[{place}]", f"{show(act)} is nothing companies hear of; {told}")
            acts, window = frozenset(source.acts), source.within_days * DAY
            return RequestRule(name=source.rule, points=points, acts=acts, window=window)
        case other:
            assert_never(other)


def _amount_rule(source: AmountRuleDocument, points: int, context: RuleContext) -> AmountRule | None:
    if (source.at_least is None) == (source.more_than is None):
        context.fault("at_least", "needs one lower bound; allowed: at_least or more_than")
    least = _minor(source.at_least, "at_least", source, context)
    if source.more_than is not None:
        least = _minor(source.more_than, "more_than", source, context) + 1
    most = None
    if source.less_than is not None:
        most = _minor(source.less_than, "less_than", source, context) - 1
        if most < least:
            context.fault(
                "less_than", f"{show(source.less_than)} leaves no amount; raise it above the lower bound"
            )
    zone = _UTC
    if (source.within_months is None) != (source.zone is None):
        context.fault("zone", "goes together with within_months: months have days, and days begin in a zone")
    if source.zone is not None:
        try:
            zone = load_zone(source.zone)
        except UnknownZone:
            context.fault("zone", f"{show(source.zone)} is no zone; write Asia/Shanghai or Europe/Berlin")
    return AmountRule(
        name=source.rule,
        points=points,
        currency=source.currency,
        least=least,
        most=most,
        months=source.within_months,
        zone=zone,
    )


def _minor(amount: float | None, path: str, source: AmountRuleDocument, context: RuleContext) -> int:
    if amount is None:
        return 0
    try:
        return parse_money(amount, source.currency).minor
    except ValueError as error:
        context.fault(path, f"{show(amount)} does not fit: {error}")
        return 0
