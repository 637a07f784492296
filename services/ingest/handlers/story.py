"""What a message adds to the story of its lead: one line per event, and for identifiers that are new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, cast

from services.ingest.domain.directory import Directory
from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.domain.intake import Intake
from services.ingest.domain.story import StoryRow
from shared.contracts.attributes import Amount
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.envelope import event_id
from shared.contracts.events import contacts, leads
from shared.contracts.topics import LEADS
from shared.kernel.changes import Emission
from shared.kernel.money import format_money

_COMMON: Final = frozenset({"lead", "profile", "source", "message_id", "acquisition"})
_NOTHING: Final[tuple[object, ...]] = (None, "", {}, [])
_SHORT: Final = 8
IDENTIFIED: Final = "lead_identified"
"""A line without an event: an identifier was added to a lead that was known already."""


def tell_story(
    directory: Directory, intake: Intake, emissions: Sequence[Emission], *, cause: str
) -> list[StoryRow]:
    """Return the lines of a message that has just been taken in, in the order of its events.

    Identifiers are told by their kind, never by their value; what is told of an act is what its event
    tells everybody.
    """
    if intake.cost is not None:
        return []
    rows = []
    new_kinds = _new_kinds(directory, intake)
    tells_kinds = False
    for ordinal, emission in enumerate(emissions):
        if emission.event is None or isinstance(emission.event, contacts.ContactUpdated):
            continue
        event = cast("Event", emission.event)
        shape = _shape_of(type(event))
        if shape.is_about_lead:
            tells_kinds = tells_kinds or isinstance(event, leads.LeadCaptured | leads.LeadChanged)
            text = "; ".join(
                words_of_tags(event)
                if isinstance(event, leads.TagsChanged)
                else _words(event, intake, new_kinds)
            )
        else:
            text = _fields(event, shape.fields) + intake.source
        name = event_id(cause, shape.type, ordinal)
        rows.append(
            StoryRow(
                *(emission.key, emission.subject, emission.occurred, shape.name),
                *(text, intake.message_id, cause, name),
            )
        )
    if new_kinds and not tells_kinds and not _opens_a_lead(directory):
        profile, lead = _whose(directory, intake)
        text = f"by {', '.join(new_kinds)}, from {intake.source}"
        rows.append(StoryRow(profile, lead, intake.occurred, IDENTIFIED, text, intake.message_id, cause, ""))
    return rows


class _Shape(NamedTuple):
    """What all events of one type have in common; ``fields`` are those that are told."""

    name: str
    type: str
    is_about_lead: bool
    fields: tuple[str, ...]


@lru_cache(maxsize=256)
def _shape_of(struct: type[Event]) -> _Shape:
    declaration = DECLARED.of_struct(struct)
    fields = tuple(name for name in struct.__struct_fields__ if name not in _COMMON)
    return _Shape(declaration.name, declaration.type, LEADS in declaration.topics, fields)


def _new_kinds(directory: Directory, intake: Intake) -> list[str]:
    new = directory.newly_attached
    if not new:
        return []
    return list(
        dict.fromkeys(
            one.kind.value
            for one in (*intake.anchors, *intake.anonymous)
            if one.hash in new and one.kind is not IdentifierKind.NUMBER_AND_NAME
        )
    )


def _opens_a_lead(directory: Directory) -> bool:
    return any(lead is None for lead in directory.before.values())


def _whose(directory: Directory, intake: Intake) -> tuple[str, str]:
    new = next(one for one in (*intake.anchors, *intake.anonymous) if one.hash in directory.newly_attached)
    profile = directory.profiles_of_identifiers[new.hash]
    return profile, directory.profiles[profile].lead


def _words(event: Event, intake: Intake, new_kinds: Sequence[str]) -> Iterator[str]:
    match event:
        case leads.LeadMerged() | leads.LeadUnmerged():
            yield moved(event)
            yield f"in message {intake.message_id}" if intake.message_id else f"from {intake.source}"
        case leads.LeadCaptured():
            yield f"from {event.source}"
            if event.acquisition is not None:
                yield " ".join(
                    filter(None, ("by way of", event.acquisition.channel, event.acquisition.campaign))
                )
            if new_kinds:
                yield f"known by {', '.join(new_kinds)}"
            yield from _attributes(event)
            if event.missing:
                yield f"missing {', '.join(event.missing)}"
            if not event.reachable:
                yield "not reachable"
            if event.held is not None:
                yield f"held by import {event.held.import_id}"
        case leads.LeadReleased() | leads.LeadInvalidated() | leads.LeadValidated():
            yield in_words(event)
        case leads.LeadChanged():
            yield f"from {event.source}"
            if new_kinds:
                yield f"known by {', '.join(new_kinds)}, too"
            yield from _attributes(event)
            yield "reachable" if event.reachable else "not reachable"
            if intake.external is not None:
                yield f"known to {', '.join(dict.fromkeys(ref.source for ref in event.external_ids))}"


def words_of_tags(event: leads.TagsChanged) -> Iterator[str]:
    """Yield in words which tags went on, because of what, and which came off."""
    if event.put:
        yield "on: " + ", ".join(f"{one.tag} ({one.rule or one.who})" for one in event.put)
    if event.taken:
        yield f"off: {', '.join(event.taken)}"
    if event.by:
        yield f"by {event.by}"
    if event.reason:
        yield event.reason
    elif not event.by:
        yield f"by the rules, version {event.rules}"


def moved(event: leads.LeadMerged | leads.LeadUnmerged) -> str:
    """Return in words that a profile has moved, and why: what both had, or who said so."""
    why = event.reason
    if event.by is not None:
        why = f"{event.reason}, by {event.by}"
    elif isinstance(event, leads.LeadMerged):
        why = f"the same {event.reason}"
    return (
        f"profile {event.profile[:_SHORT]} moves from lead {event.from_lead[:_SHORT]}"
        f" to {event.lead[:_SHORT]}: {why}"
    )


def in_words(event: leads.LeadReleased | leads.LeadInvalidated | leads.LeadValidated) -> str:
    """Return in words that no import holds a lead, or what is said of its validity."""
    if isinstance(event, leads.LeadReleased):
        return f"import {event.import_id} holds it no longer: {event.reason.replace('_', ' ')}"
    who = f"by {event.by}" if event.by else f"rule {event.rule}" if event.rule else "by itself"
    if isinstance(event, leads.LeadInvalidated):
        return f"invalid: {event.reason}, {who}"
    return f"valid again: {event.reason}, {who}" + (", with all its acts" if event.pardons else "")


def _attributes(event: leads.LeadCaptured | leads.LeadChanged) -> Iterator[str]:
    if event.attributes:
        yield ", ".join(f"{name}={value}" for name, value in event.attributes.items())


def _fields(event: Event, names: Sequence[str]) -> str:
    """Return what an act or an outcome says, up to the source that said it."""
    told = [f"{name}={_in_words(value)}" for name in names if (value := getattr(event, name)) not in _NOTHING]
    return f"{', '.join(told)}; from " if told else "from "


def _in_words(value: object) -> object:
    if isinstance(value, str):  # most are; and to ask whether something is a struct takes long
        return value
    match value:
        case Amount():
            return format_amount(value)
        case list():
            return "+".join(map(str, value))
    return value


def format_amount(amount: Amount) -> str:
    """Return an amount as people write it, for example 1200.50 CNY."""
    return f"{format_money(amount.minor, amount.currency)} {amount.currency}"
