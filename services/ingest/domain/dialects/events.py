"""Events one by one: plain JSON of our own, and CloudEvents.

A native event names what happened (``event``) and who did it, as a native lead does: ``external_id``,
``user_id``, ``anonymous_id``, ``email``, ``phone`` beside the rest, or in an object ``lead``. Everything
else, or an object ``properties``, tells more about the act; an object ``traits`` more about the person.
The data of a CloudEvent is read the same way; its type is the name, and a subject such as ``user/42``
names the person where the data does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from services.ingest.domain.acts import Act, ActReader
from services.ingest.domain.dialects.acquisition import AcquisitionReader
from services.ingest.domain.dialects.captures import CaptureReader
from services.ingest.domain.dialects.cloudevents import EventFault, open_cloudevent
from services.ingest.domain.dialects.event_types import EventKind, EventNames, Meaning, TypeReader
from services.ingest.domain.dialects.outcomes import OutcomeReader, ReportContext
from services.ingest.domain.identifiers import HashIdentifier, IdentityRules, clean_text
from services.ingest.domain.intake import Claims, Intake, Refusal, address, identify, show_message_id
from services.ingest.domain.moments import correct_moment, read_moment
from services.ingest.domain.traits import TraitReader
from shared.kernel.instants import Instant
from shared.kernel.money import format_money

MALFORMED: Final = Refusal("intake.malformed_json")
NO_EVENT_NAME: Final = Refusal("intake.no_event_name")
NO_IDENTITY: Final = Refusal("intake.no_identity")
PLATFORM_EVENT: Final = Refusal("intake.platform_event")

_IDS: Final = frozenset({"external_id", "user_id", "anonymous_id", "lead_id"})
_REACHED_BY: Final = ("email", "phone")
_NOT_PROPERTIES: Final = frozenset(
    {
        *(*_IDS, *_REACHED_BY, "event", "lead", "traits", "properties", "context"),
        *("message_id", "timestamp", "occurred_at", "sent_at", "write_key", "writeKey"),
    }
)
_OF_OUR_DECLARATION: Final = frozenset({"lead", "profile", "source", "message_id", "acquisition"})

_MOST_MINOR: Final = 10**15

_read_object: Final = msgspec.json.Decoder(dict[str, Any]).decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class EventReader:
    """Reads native events and CloudEvents; what turns out to be a lead or an outcome is read as one."""

    def __init__(
        self,
        names: EventNames,
        *,
        own: Mapping[str, Meaning],
        traits: TraitReader,
        acts: ActReader,
        acquisition: AcquisitionReader,
        captures: CaptureReader,
        outcomes: OutcomeReader,
        rules: IdentityRules,
        hash_identifier: HashIdentifier,
    ) -> None:
        self.meaning_of = TypeReader(names, find_act=acts.find, own=own).read
        self._fields = {word.lower(): field for field, words in names.subjects.items() for word in words}
        self._traits = traits
        self._acts = acts
        self._acquisition = acquisition
        self._captures = captures
        self._outcomes = outcomes
        self._rules = rules
        self._hash = hash_identifier

    def read_native(self, body: bytes | str, context: ReportContext) -> Intake | Refusal:
        """Return what a native event says."""
        try:
            given = _read_object(body)
        except _UNREADABLE:
            return MALFORMED
        name = clean_text(given.get("event"))
        if name is None:
            return NO_EVENT_NAME
        if context.message_id is None:
            context = context._replace(message_id=clean_text(given.get("message_id")))
        return self._take(self.meaning_of(name), given, context)

    def read_cloudevent(self, body: bytes | str, context: ReportContext) -> Intake | Refusal:
        """Return what a CloudEvent says."""
        event = open_cloudevent(body)
        if isinstance(event, EventFault):
            return Refusal(event.code)
        meaning = self.meaning_of(event.type)
        given = _plain(event.data) if meaning.is_own else event.data
        for name, value in self._named_by(event.subject, is_lead=meaning.kind is EventKind.LEAD):
            given.setdefault(name, value)
        if read_moment(event.time) is not None:
            given["timestamp"] = event.time
        return self._take(meaning, given, context._replace(message_id=event.id))

    def _named_by(self, subject: str | None, *, is_lead: bool) -> Iterator[tuple[str, str]]:
        """Yield the field that a subject fills; one that says nothing of itself names a lead only."""
        if subject is None:
            return
        scheme, colon, address = subject.partition(":")
        if colon and scheme.lower() in {"mailto", "tel"}:
            yield ("email" if scheme.lower() == "mailto" else "phone"), address
            return
        word, slash, rest = subject.lstrip("/").partition("/")
        field = self._fields.get(word.lower()) if slash and rest else None
        if field is not None:
            yield field, rest
        elif "@" in subject and "/" not in subject:
            yield "email", subject
        elif is_lead:
            yield "external_id", subject

    def _take(self, meaning: Meaning, given: dict[str, Any], context: ReportContext) -> Intake | Refusal:
        match meaning.kind:
            case EventKind.NOT_FOR_OTHERS:
                return PLATFORM_EVENT
            case EventKind.LEAD:
                return self._captures.lead_of(
                    _lead_fields(given),
                    source=context.source,
                    record_id=context.record_id,
                    received=context.received,
                    message_id=context.message_id,
                )
            case EventKind.OUTCOME:
                return self._outcomes.outcome_of({**given, "kind": meaning.name}, context)
            case EventKind.COST:
                return self._outcomes.cost_of(given, context)
            case EventKind.ACT | EventKind.PAGE:
                return self._act(meaning, given, context)

    def _act(self, meaning: Meaning, given: dict[str, Any], context: ReportContext) -> Intake | Refusal:
        person = given["lead"] if isinstance(given.get("lead"), dict) else given
        addressed = address(person.get("lead_id"), is_internal=context.is_internal)
        told = dict(_object(given.get("traits")))
        names = person if person is not given else _REACHED_BY
        told |= {name: person[name] for name in names if name in person and name not in _IDS}
        traits = self._traits.read(told) if told and addressed is None else None
        claims = Claims(person.get("user_id"), (person.get("anonymous_id"),), person.get("external_id"))
        anchors, anonymous, external = identify(
            Claims() if addressed is not None else claims,
            traits,
            source=context.source,
            record_id=context.record_id,
            rules=self._rules,
            hash_identifier=self._hash,
        )
        if not anchors and not anonymous and addressed is None:
            return NO_IDENTITY
        properties = {name: value for name, value in given.items() if name not in _NOT_PROPERTIES}
        properties |= _object(given.get("properties"))
        url = properties.get("url")
        if url is not None:
            properties["landing_url"] = url
        acquisition = self._acquisition.take_fields(properties)
        properties.pop("landing_url", None)
        return Intake(
            source=context.source,
            occurred=_occurred(given, context.received),
            anchors=anchors,
            anonymous=anonymous,
            addressed=addressed,
            message_id=show_message_id(context.message_id),
            external=external,
            traits=traits,
            act=self._name_act(meaning, given, properties),
            acquisition=acquisition,
        )

    def _name_act(self, meaning: Meaning, given: Mapping[str, Any], properties: dict[str, object]) -> Act:
        if meaning.kind is EventKind.PAGE:
            return self._acts.read_page(properties.get("path"), properties.get("url"))
        return self._acts.read(meaning.name or clean_text(given.get("name")) or "-", properties)


def _lead_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in given.items() if name not in {"event", "lead", "lead_id"}}
    return {**fields, **_object(given.get("lead"))}


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an event that we declare as a client would write them."""
    given = {name: value for name, value in data.items() if name not in _OF_OUR_DECLARATION}
    if isinstance(data.get("lead"), str):
        given["lead_id"] = data["lead"]
    for name in ("amount", "expected"):
        money = given.get(name)
        if isinstance(money, dict):
            minor, currency = money.get("minor"), money.get("currency")
            if type(minor) is int and abs(minor) <= _MOST_MINOR and isinstance(currency, str):
                given |= {name: format_money(minor, currency), "currency": currency}
    attributes = given.pop("attributes", None)
    if isinstance(attributes, dict):
        given["traits"] = attributes
    external = given.pop("external_ids", None)
    if isinstance(external, list) and external and isinstance(external[0], dict):
        given["external_id"] = external[0].get("id")
    for name in ("reachable", "missing"):
        given.pop(name, None)
    return given


def _occurred(given: Mapping[str, Any], received: Instant) -> Instant:
    return correct_moment(
        original=read_moment(given.get("timestamp") or given.get("occurred_at")),
        sent=read_moment(given.get("sent_at")),
        received=received,
    )


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
