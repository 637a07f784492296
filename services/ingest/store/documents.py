"""Ingest's business documents (``config/ingest``): read, checked whole, turned into a rulebook."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import field

from services.ingest.domain.acts import ActNames, ActReader, PageKind
from services.ingest.domain.choices import ChoiceRule, Choices
from services.ingest.domain.choices.spelling import Reading
from services.ingest.domain.dialects.clicks import Machines
from services.ingest.domain.dialects.event_types import SUBJECT_FIELDS, EventNames
from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.forms.definitions import FormDocument, find_faults
from services.ingest.domain.identifiers import IdentifierKind, IdentityRules
from services.ingest.domain.identity.companies import FreeMail
from services.ingest.domain.identity.rules import MatchRules
from services.ingest.domain.identity.target_accounts import target_accounts
from services.ingest.domain.outcomes import COST_KINDS, OutcomeKind, OutcomeNames
from services.ingest.domain.traits import FieldNames
from services.ingest.store.rules.channels import ChannelsDocument, complete_channels
from services.ingest.store.rules.contact_data import CountriesDocument, codes_of, read_domains
from services.ingest.store.rules.tags import read_tags
from services.ingest.store.rules.validity import NetworksDocument, ValidityDocument, complete_validity
from shared.documents.faults import Fault, raise_if_any
from shared.documents.files import read_documents
from shared.documents.versions import D, Document, load_document

Count = Annotated[int, msgspec.Meta(ge=1)]


class ChoiceDocument(Document, frozen=True, kw_only=True):
    """How one attribute gets its value; see :class:`services.ingest.domain.choices.ChoiceRule`."""

    attribute: str
    kind: Literal["choice", "words", "band", "yes_no", "number", "date"]
    values: dict[str, list[str]] = field(default_factory=dict)
    bounds: list[int] = field(default_factory=list)
    number: str = ""
    unknown: Literal["drop", "keep", "other"] = "drop"
    other: str = "other"
    reading: Reading = Reading()


class FieldNamesDocument(Document, frozen=True, kw_only=True):
    """Our names for fields, and the spellings that clients use."""

    aliases: dict[str, list[str]]


class ActNamesDocument(Document, frozen=True, kw_only=True):
    """Our names for acts and their properties, and the spellings that clients use."""

    names: dict[str, list[str]]
    properties: dict[str, list[str]]


class PageKindsDocument(Document, frozen=True, kw_only=True):
    """Kinds of pages by path, first that fits."""

    kinds: list[PageKind]


class IdentityDocument(Document, frozen=True, kw_only=True):
    """Which identifier decides, where bringing together ends, and values that identify nobody."""

    priorities: list[IdentifierKind]
    identifiers_per_person: dict[str, Count]
    profiles_per_person: Count
    people_per_number: Count
    same_form_seconds: Count
    blocked: list[str]
    role_names: list[str]
    disposable_domains: list[str]


class FreeMailDocument(Document, frozen=True, kw_only=True):
    """Domains of addresses that say nothing about where somebody works."""

    domains: list[str]
    second_level: list[str]


class TargetAccountsDocument(Document, frozen=True, kw_only=True):
    """The firms that sales wants."""

    domains: list[str]
    names: list[str]


class OutcomeNamesDocument(Document, frozen=True, kw_only=True):
    """Other spellings of kinds of outcomes, of stages and of kinds of costs."""

    kinds: dict[str, list[str]]
    stages: dict[str, list[str]]
    costs: dict[str, list[str]]


class EventNamesDocument(Document, frozen=True, kw_only=True):
    """What producers of CloudEvents call their events, and what they put into a subject."""

    leads: list[str]
    pages: list[str]
    outcomes: dict[str, list[str]]
    costs: list[str]
    domains: list[str]
    subjects: dict[str, list[str]]


class MachinesDocument(Document, frozen=True, kw_only=True):
    """By what machines that follow links are told from people: patterns of the User-Agent."""

    agents: list[str]


def read_rulebook(folder: Path, *, default_region: str) -> Rulebook:
    """Read every document below ``folder``; of several versions of a choice the highest counts.

    A process reads the same documents once: its edge, its resolver and its desks go by one rulebook.

    :raises DocumentFaults: with every fault of the first kind of document that has any.
    """
    return _read_once(folder, _digest_of(folder), default_region=default_region)


def _digest_of(folder: Path) -> bytes:
    """Return what changes with any file below ``folder``."""
    digest = blake2b()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder)} {len(content)} ".encode() + content)
    return digest.digest()


@lru_cache(maxsize=4)
def _read_once(folder: Path, _digest: bytes, *, default_region: str) -> Rulebook:
    choices: dict[str, tuple[int, ChoiceDocument]] = {}
    for key, loaded in read_documents(folder / "choices", kind="choices", shape=ChoiceDocument).items():
        if key.name not in choices or choices[key.name][0] < key.version:
            choices[key.name] = (key.version, loaded.body)
    rules = [_rule(document) for _, (_, document) in sorted(choices.items())]
    raise_if_any(
        [
            Fault(f"{rule.attribute}.yaml: values", "give one value more than there are bounds")
            for rule in rules
            if rule.kind == "band" and len(rule.values) != len(rule.bounds) + 1
        ],
        about="documents of kind choices",
    )
    raise_if_any(_contradictions(rules), about="documents of kind choices")
    fields = _read(folder, "fields", FieldNamesDocument)
    acts = _read(folder, "acts", ActNamesDocument)
    identity = _read(folder, "identity", IdentityDocument)
    raise_if_any(_identity_faults(identity), about="documents of kind identity")
    free_mail = _read(folder, "free_mail", FreeMailDocument)
    targets = _read(folder, "target_accounts", TargetAccountsDocument)
    channels = _read(folder, "channels", ChannelsDocument)
    machines = _read(folder, "machines", MachinesDocument)
    raise_if_any(_no_patterns(machines.agents), about="documents of kind machines")
    validity = complete_validity(
        _read(folder, "validity", ValidityDocument),
        _read(folder, "validity_networks", NetworksDocument),
    )
    forms = _read_forms(folder / "forms", acts=acts, fields=fields)
    outcomes = _read(folder, "outcomes", OutcomeNamesDocument)
    raise_if_any(
        [
            *_unknown("kinds", outcomes.kinds, [kind.value for kind in OutcomeKind]),
            *_unknown("costs", outcomes.costs, COST_KINDS),
        ],
        about="documents of kind outcomes",
    )
    events = _read(folder, "events", EventNamesDocument)
    raise_if_any(
        [
            *_unknown("outcomes", events.outcomes, [kind.value for kind in OutcomeKind], file="events.yaml"),
            *_unknown("subjects", events.subjects, SUBJECT_FIELDS, file="events.yaml"),
        ],
        about="documents of kind events",
    )
    return Rulebook(
        choices=rules,
        field_names=fields.aliases,
        act_names=ActNames(names=acts.names, properties=acts.properties),
        page_kinds=_read(folder, "page_kinds", PageKindsDocument).kinds,
        identity=IdentityRules(
            priorities=tuple(identity.priorities),
            blocked=frozenset(value.casefold() for value in identity.blocked),
            role_names=frozenset(name.lower() for name in identity.role_names),
            disposable_domains=frozenset(domain.lower() for domain in identity.disposable_domains)
            | read_domains(folder / "disposable_domains.txt"),
            countries=codes_of(_read(folder, "countries", CountriesDocument)),
            default_region=default_region.upper(),
        ),
        channels=complete_channels(channels, folder / "referrers"),
        matching=MatchRules(
            identifiers_per_person=identity.identifiers_per_person,
            profiles_per_person=identity.profiles_per_person,
            people_per_number=identity.people_per_number,
            same_form_seconds=identity.same_form_seconds,
        ),
        free_mail=FreeMail(
            domains=frozenset(domain.lower() for domain in free_mail.domains),
            second_level=frozenset(free_mail.second_level),
        ),
        target_accounts=target_accounts(targets.domains, targets.names),
        machines=Machines(agents=machines.agents),
        validity=validity,
        forms=forms,
        tags=read_tags(folder, forms=forms),
        outcome_names=OutcomeNames(kinds=outcomes.kinds, stages=outcomes.stages, costs=outcomes.costs),
        event_names=EventNames(
            leads=events.leads,
            pages=events.pages,
            outcomes=events.outcomes,
            costs=events.costs,
            domains=events.domains,
            subjects=events.subjects,
        ),
    )


def _read_forms(folder: Path, *, acts: ActNamesDocument, fields: FieldNamesDocument) -> list[FormDocument]:
    """Return every version of every form."""
    known = ActReader(names=ActNames(names=acts.names, properties=acts.properties), page_kinds=())
    names = FieldNames(fields.aliases)
    forms = [loaded.body for loaded in read_documents(folder, kind="forms", shape=FormDocument).values()]
    faults = [
        Fault(f"{form.name}.yaml, version {form.version}: {fault.path}", fault.text)
        for form in forms
        for fault in find_faults(
            form, is_act=lambda name: known.find(name) is not None, our_name_of=names.find
        )
    ]
    raise_if_any(faults, about="documents of kind forms")
    return forms


def _contradictions(rules: Iterable[ChoiceRule]) -> list[Fault]:
    """Return spellings that are given to two values."""
    faults = []
    for rule in rules:
        try:
            Choices([rule])
        except ValueError as error:
            faults.append(Fault(f"{rule.attribute}.yaml: values", str(error)))
    return faults


def _identity_faults(document: IdentityDocument) -> list[Fault]:
    kinds = [*IdentityRules().priorities, IdentifierKind.NUMBER_AND_NAME]
    ranked = IdentityRules().priorities
    faults = [
        Fault(f"identity.yaml: identifiers_per_person.{kind}", "is missing")
        for kind in kinds
        if kind not in document.identifiers_per_person
    ]
    faults += _unknown(
        "identifiers_per_person",
        document.identifiers_per_person,
        [kind.value for kind in kinds],
        file="identity.yaml",
    )
    if sorted(document.priorities) != sorted(ranked):
        faults.append(Fault("identity.yaml: priorities", f"name each once: {', '.join(ranked)}"))
    return faults


def _no_patterns(agents: Iterable[str]) -> list[Fault]:
    faults = []
    for place, pattern in enumerate(agents):
        try:
            re.compile(pattern)
        except re.error as error:
            faults.append(Fault(f"machines.yaml: agents[{place}]", f"is no pattern: {error}"))
    return faults


def _unknown(
    part: str, given: Iterable[str], known: Collection[str], *, file: str = "outcomes.yaml"
) -> list[Fault]:
    return [
        Fault(f"{file}: {part}.{name}", f"is none of {', '.join(known)}")
        for name in given
        if name not in known
    ]


def _rule(document: ChoiceDocument) -> ChoiceRule:
    names = [field.name for field in msgspec.structs.fields(ChoiceRule)]
    return ChoiceRule(**{name: getattr(document, name) for name in names})


def _read(folder: Path, kind: str, shape: type[D]) -> D:
    path = folder / f"{kind}.yaml"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise_if_any([Fault(path.name, "is missing or not UTF-8")], about=f"documents of kind {kind}")
        raise
    return load_document(text, kind=kind, shape=shape, about=path.name).body
