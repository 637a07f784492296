"""The shape of the document that says by which signs a part of BANT is known or met, and how it compiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

import msgspec
from msgspec import Meta

from services.scoring.domain.bant.judging import PARTS, Bant, Part, Says, Sign
from services.scoring.domain.bant.newest import NewestWord
from services.scoring.domain.rules.act import ActRule, ActRuleDocument
from services.scoring.domain.rules.attribute import AttributeRuleDocument
from services.scoring.domain.rules.context import RuleContext
from services.scoring.domain.rules.date import DateRuleDocument
from services.scoring.domain.rules.rule import Name, Rule
from services.scoring.domain.scoring_models.compiled import CompiledModel, Group, Member, Tier
from services.scoring.domain.vocabulary import Vocabulary
from shared.kernel.faults import Fault, Faults, allowed, show
from shared.kernel.instants import DAY

Words: TypeAlias = Mapping[str, str]
"""A text in every language that answers are given in: ``en`` and ``zh``."""

LANGUAGES = ("en", "zh")


class _SignDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What every sign says: its name, whether it makes its part known or met, what it means to people."""

    sign: Name
    says: Says
    label: Words

    @property
    def days(self) -> int | None:
        """For how many days it holds; None is for good, or for as long as the attributes are so."""
        return None


class AttributeSignDocument(_SignDocument, frozen=True, kw_only=True, tag="attribute"):
    """Holds while a condition over attributes does."""

    when: Mapping[str, object]

    def compile(self, context: RuleContext) -> Rule | None:
        """Return what the sign listens to, or None after noting its faults."""
        return AttributeRuleDocument(rule=self.sign, points=1, when=self.when).compile(context)


class DateSignDocument(_SignDocument, frozen=True, kw_only=True, tag="date"):
    """Holds while the day in ``field`` lies ahead by ``within_months`` calendar months at most."""

    field: str
    within_months: Annotated[int, Meta(ge=1, le=120)]
    zone: str

    def compile(self, context: RuleContext) -> Rule | None:
        """Return what the sign listens to, or None after noting its faults."""
        return DateRuleDocument(
            rule=self.sign, points=1, field=self.field, within_months=self.within_months, zone=self.zone
        ).compile(context)


class ActSignDocument(_SignDocument, frozen=True, kw_only=True, tag="act"):
    """Holds from an act on, for ``within_days`` after the latest.

    With ``newest_decides`` it holds no more once a later act says of what is asked in ``when`` that it does
    not.
    """

    acts: tuple[str, ...]
    when: Mapping[str, object] | None = None
    within_days: Annotated[int, Meta(ge=1, le=3660)] | None = None
    newest_decides: bool = False

    @property
    def days(self) -> int | None:
        """For how many days it holds."""
        return self.within_days

    def compile(self, context: RuleContext) -> Rule | None:
        """Return what the sign listens to, or None after noting its faults."""
        rule = ActRuleDocument(rule=self.sign, points=1, acts=self.acts, when=self.when).compile(context)
        if not self.newest_decides:
            return rule
        if self.when is None:
            context.fault("when", "is missing; without it there is no word that could be the newest")
        if not isinstance(rule, ActRule) or rule.test is None:
            return None
        return NewestWord(name=rule.name, acts=rule.acts, test=rule.test)


AnySignDocument: TypeAlias = AttributeSignDocument | DateSignDocument | ActSignDocument


class PartDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the four parts."""

    part: Literal["budget", "authority", "need", "timeline"]
    label: Words
    signs: Annotated[tuple[AnySignDocument, ...], Meta(min_length=1)]


class BantDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All four parts, each once."""

    name: Name
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    parts: tuple[PartDocument, ...]


class BantFaults(Faults):
    """The document for BANT has faults; all of them are listed, each with its path."""

    code: ClassVar[str] = "scoring.bant_faults"


def compile_bant(document: BantDocument, vocabulary: Vocabulary) -> Bant:
    """Check and compile the document.

    :raises BantFaults: with every fault, each with its path.
    """
    faults: list[Fault] = []
    rules: list[Rule] = []
    parts: list[Part] = []
    groups: list[Group] = []
    names: set[str] = set()
    for place, source in enumerate(document.parts):
        path = f"parts[{place}]"
        if any(source.part == part.name for part in parts):
            faults.append(Fault(f"{path}.part", f"{source.part} is there already; each part stands once"))
        _refuse_wordless(source.label, f"{path}.label", faults)
        signs: list[Sign] = []
        dated: set[int] = set()
        for number, sign in enumerate(source.signs):
            where = f"{path}.signs[{number}]"
            if sign.sign in names:
                faults.append(Fault(f"{where}.sign", f"{sign.sign} is there already; names are unique"))
            names.add(sign.sign)
            _refuse_wordless(sign.label, f"{where}.label", faults)
            context = RuleContext(
                path=where,
                behaviour=isinstance(sign, ActSignDocument),
                cooling=None,
                vocabulary=vocabulary,
                faults=faults,
            )
            rule = sign.compile(context)
            if rule is None:
                continue
            if isinstance(sign, DateSignDocument):
                dated.add(len(rules))
            lasting = None if sign.days is None else sign.days * DAY
            signs.append(Sign(len(rules), sign.sign, sign.says, sign.label, lasting))
            rules.append(rule)
        members = tuple(Member(sign.slot, 1, None) for sign in signs)
        groups.append(
            Group(
                name=source.part,
                behaviour=False,
                cooling=None,
                cap=None,
                members=members,
                dated=frozenset(dated),
            )
        )
        parts.append(Part(source.part, source.label, tuple(signs)))
    missing = [part for part in PARTS if all(part != one.name for one in parts)]
    if missing:
        faults.append(Fault("parts", f"{', '.join(missing)} is missing; {allowed(PARTS)}"))
    if faults:
        raise BantFaults(faults, about=f"{document.name}, version {document.version}")
    listening = CompiledModel(
        name=document.name,
        version=document.version,
        tiers=(Tier("none", None, None),),
        dwell=0,
        groups=tuple(groups),
        rules=tuple(rules),
        steady=True,
    )
    order = {part: place for place, part in enumerate(PARTS)}
    return Bant(listening, tuple(sorted(parts, key=lambda part: order[part.name])))


def _refuse_wordless(label: Words, path: str, faults: list[Fault]) -> None:
    faults.extend(
        Fault(f"{path}.{language}", "is missing; people read it")
        for language in LANGUAGES
        if not label.get(language)
    )
    faults.extend(
        Fault(f"{path}.{language}", f"{show(language)} is no language of answers; {allowed(LANGUAGES)}")
        for language in label
        if language not in LANGUAGES
    )
