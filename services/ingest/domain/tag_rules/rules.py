"""Rules of tags, compiled once: what happens puts tags on and takes them off, and how a lead stands does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from services.ingest.domain.acts import Act
from services.ingest.domain.choices import fold
from services.ingest.domain.directory import Lead
from services.ingest.domain.intake import Intake
from services.ingest.domain.tags.definitions import Catalogue, GroupName, Tag, TagRule, one_of_each
from services.ingest.domain.tags.trail import Word
from shared.conditions.attributes import STANDARD_ATTRIBUTES
from shared.conditions.catalogue import Flag, Kind, Number, Text
from shared.conditions.compiler import ConditionFaults, compile_condition
from shared.kernel.faults import Fault

TOUCH: Final = "touch"
ACT_RECORDED: Final = "act_recorded"
_PAGE: Final = "page_viewed"

HAPPENINGS: Final = (
    *(TOUCH, _PAGE, "form_submitted", "demo_requested", "trial_requested", "document_downloaded"),
    *("proposal_opened", "email_opened", "email_link_clicked", "live_event_attended", "chat_started"),
    *("unsubscribed", ACT_RECORDED, "opportunity_created", "opportunity_stage_changed"),
    *("opportunity_won", "opportunity_lost", "payment_received"),
)
"""What a rule with ``on`` may be about."""

_TEXTS: Final = (
    *("form", "kind", "path", "purpose", "link", "live_event", "document", "message", "proposal", "name"),
    *("delivery_channel", "channel", "medium", "campaign", "source", "click_id", "landing_page", "entrance"),
    *("stage", "reason", "feature", "competitor", "referrer"),
)
_OF_TOUCHES: Final = frozenset(
    {"channel", "medium", "campaign", "source", "click_id", "landing_page", "referrer", "entrance"}
)
_FIELDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(_TEXTS, Text()),
    "offline": Flag(),
    "advanced": Flag(),
    "start_within_months": Number(),
}

Values = Mapping[str, object]


class TagDefinitions(msgspec.Struct, frozen=True, kw_only=True):
    """The document of tags: groups, tags and rules; ``version`` stands in what is said."""

    version: int = 1
    groups: dict[str, GroupName] = {}
    tags: Sequence[Tag] = ()
    rules: Sequence[TagRule] = ()


class Standing(NamedTuple):
    """Which tags hold because of how a lead stands, and which do not, each with its rule."""

    put: dict[str, str]
    taken: dict[str, str]


class _Compiled(NamedTuple):
    rule: TagRule
    holds: Callable[[Values], bool]

    @property
    def fields(self) -> frozenset[str]:
        """What the rule reads of what happens."""
        return frozenset((*self.rule.words, *self.rule.put_each.values(), *_fields_of(self.rule)))


class TagRules:
    """Rules by the document that they were made of.

    :raises ValueError: if it has faults; :func:`find_faults` lists them.
    """

    def __init__(self, definitions: TagDefinitions) -> None:
        if faults := find_faults(definitions):
            raise ValueError("; ".join(f"{fault.path}: {fault.text}" for fault in faults))
        self.version = definitions.version
        self._tags = {tag.tag: tag for tag in definitions.tags}
        self._on: dict[str, list[_Compiled]] = {}
        self._standing: list[_Compiled] = []
        for rule in definitions.rules:
            compiled = _Compiled(rule, _compile(rule))
            for happening in rule.on:
                self._on.setdefault(happening, []).append(compiled)
            if not rule.on:
                self._standing.append(compiled)
        self._touch_fields = tuple(
            sorted({field for rule in self._on.get(TOUCH, ()) for field in rule.fields} & _OF_TOUCHES)
        )
        self._of_touch = lru_cache(maxsize=4096)(self._words_of_touch)
        self.comes_off = frozenset(tag for rule in definitions.rules if rule.on for tag in rule.take)
        """The tags that something that happens takes off."""

    def catalogue(self, own: Mapping[str, Tag]) -> Catalogue:
        """Return all tags, with what people added and changed."""
        return Catalogue(self._tags, own)

    def words_of(self, intake: Intake) -> list[Word]:
        """Return what the rules say because of what a message tells; of a form also its document's tags."""
        words: list[Word] = []
        told = intake.acquisition
        if told is not None:
            # the entrance is the one thing about a touch that is not told with it
            told_of = [getattr(told, field, intake.source) for field in self._touch_fields]
            words += self._of_touch(tuple(told_of))
        for act in (intake.act, *intake.further_acts):
            if act is None:
                continue
            rules = self._on.get(_name_of(act))
            if rules:
                words += _say(rules, act.fields if act.is_declared else {**act.fields, "name": act.name})
            if act.tags:
                words += (Word(tag, is_on=True, rule=f"form.{act.fields['form']}") for tag in act.tags)
        if intake.outcome is not None:
            outcome = intake.outcome
            values = {"stage": outcome.stage, "reason": outcome.reason}
            words += _say(self._on.get(str(outcome.kind), ()), values)
        return words

    def _words_of_touch(self, values: tuple[object, ...]) -> list[Word]:
        return list(_say(self._on.get(TOUCH, ()), dict(zip(self._touch_fields, values, strict=True))))

    def stand(self, lead: Lead) -> Standing:
        """Return which tags hold because of how a lead stands."""
        values: dict[str, object] = {name: told.value for name, told in lead.attributes.items()}
        values |= {f"text.{name}": told.value for name, told in lead.contact.free_text.items()}
        standing = Standing({}, {})
        for rule, holds in self._standing:
            if holds(values):
                standing.put.update(dict.fromkeys(rule.put, rule.rule))
                standing.taken.update(dict.fromkeys(rule.take, rule.rule))
        return standing


def _say(rules: Iterable[_Compiled], values: Values) -> Iterator[Word]:
    for rule, holds in rules:
        if holds(values):
            yield from _words(rule, values)


def _name_of(act: Act) -> str:
    if not act.is_declared:
        return ACT_RECORDED
    return _PAGE if act.name == "Page" else act.name.lower().replace(" ", "_")


def _words(rule: TagRule, values: Values) -> Iterator[Word]:
    for tag in rule.put:
        yield Word(tag, is_on=True, rule=rule.rule)
    for tag in rule.take:
        yield Word(tag, is_on=False, rule=rule.rule)
    for tag, field in rule.put_each.items():
        value = values.get(field)
        if isinstance(value, str) and (one := one_of_each(tag, value)):
            yield Word(one, is_on=True, rule=rule.rule)


def _compile(rule: TagRule) -> Callable[[Values], bool]:
    catalogue = _FIELDS if rule.on else STANDARD_ATTRIBUTES
    test = None if rule.when is None else compile_condition(rule.when, catalogue=catalogue).test
    prefix = "" if rule.on else "text."
    patterns = [(f"{prefix}{field}", _pattern(words)) for field, words in rule.words.items()]

    def holds(values: Values) -> bool:
        if test is not None and test(values) is not True:
            return False
        for field, pattern in patterns:
            text = values.get(field)
            if not isinstance(text, str) or pattern.search(fold(text)) is None:
                return False
        return True

    return holds


def _fields_of(rule: TagRule) -> frozenset[str]:
    return frozenset() if rule.when is None else compile_condition(rule.when, catalogue=_FIELDS).fields


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Return what finds one of some words, or any text if there are none; Latin ones only as whole words."""
    parts = []
    for word in words:
        folded = fold(word)
        plain = re.escape(folded)
        parts.append(rf"(?<![a-z0-9]){plain}(?![a-z0-9])" if folded.isascii() else plain)
    return re.compile("|".join(parts))


def find_faults(definitions: TagDefinitions) -> list[Fault]:
    """Return everything that is wrong with a document of tags."""
    known = {tag.tag: tag for tag in definitions.tags}
    counted = Counter(tag.tag for tag in definitions.tags)
    return [
        *(Fault(f"tags.{tag}", "is there twice") for tag, count in counted.items() if count > 1),
        *(
            Fault(f"tags.{tag.tag}.into", "is no tag")
            for tag in definitions.tags
            if tag.state == "merged" and tag.into not in known
        ),
        *(
            fault
            for place, rule in enumerate(definitions.rules)
            for fault in _faults_of(rule, f"rules[{place}]", known)
        ),
    ]


def _faults_of(rule: TagRule, path: str, known: Mapping[str, Tag]) -> Iterator[Fault]:
    for happening in rule.on:
        if happening not in HAPPENINGS:
            yield Fault(f"{path}.on", f"{happening} is none of {', '.join(HAPPENINGS)}")
    for one in (*rule.put, *rule.take):
        if one not in known:
            yield Fault(f"{path}.put", f"{one} is no tag; add it under tags")
    for one, field in rule.put_each.items():
        if one not in known or not known[one].each or not rule.on or field not in _TEXTS:
            yield Fault(f"{path}.put_each.{one}", "takes a tag with `each` and a text of what happens")
    does, asks = rule.put or rule.take or rule.put_each, rule.on or rule.when or rule.words
    if not does or not asks:
        yield Fault(path, "says neither what it does nor when")
    if rule.when is not None:
        fields = _FIELDS if rule.on else STANDARD_ATTRIBUTES
        try:
            compile_condition(rule.when, catalogue=fields, path=f"{path}.when")
        except ConditionFaults as refused:
            yield from refused.faults
