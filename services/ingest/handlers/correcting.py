"""From what a person corrects to what everybody is told about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from services.ingest.domain.desk.consent import words_of
from services.ingest.domain.desk.corrections import (
    SOURCE,
    BelongsToAnother,
    CorrectLead,
    LeadChangedMeanwhile,
    Note,
    NotYours,
    StillAnonymous,
    TooManyIdentifiers,
)
from services.ingest.domain.directory import Directory, Lead, Told, hear, is_there
from services.ingest.domain.identifiers import Identifier, IdentifierKind
from services.ingest.domain.identity.merging import next_contact
from services.ingest.domain.identity.resolving import LeadUnknown
from services.ingest.domain.identity.rules import MatchRules
from services.ingest.domain.scrubbing import Scalar, scrub_text, without
from services.ingest.domain.story import StoryRow
from services.ingest.domain.traits import CONSENT
from services.ingest.domain.validity.judging import InvalidateLead, ValidateLead
from services.ingest.handlers.resolution import PersonErased, contact_updated
from shared.contracts.attributes import ExternalId
from shared.contracts.envelope import event_id, type_of
from shared.contracts.events.leads import LeadChanged
from shared.kernel.changes import Emission
from shared.kernel.instants import Instant

NOTE = "note"
"""What a note is called among the things that were corrected."""

FREE_TEXT = "free_text"
"""What a free text is called there: its name may be anything that a client wrote."""

_KNOWN_TEXTS = frozenset({"title", "message"})


class Correction(NamedTuple):
    """What a correction amounted to: the lead now, what it changed by name, and what is said and kept.

    ``reason`` is why, without what names the person; ``word`` is what is said of validity along with it.
    """

    lead: Lead
    corrected: list[str]
    emissions: list[Emission]
    story: list[StoryRow]
    note: Note | None
    reason: str
    word: InvalidateLead | ValidateLead | None


def on_correction(
    directory: Directory,
    command: CorrectLead,
    *,
    rules: MatchRules,
    owner: str | None,
    at: Instant,
    cause: str,
) -> Correction:
    """Put down what a person says about a lead's fields; nothing is told where it was known already.

    The lead may be named by an id that was merged away; then it is the one that stayed. ``owner`` is the
    rep who owns it. The ``rules`` limit what one person may be known by.

    :raises LeadUnknown: if there is none.
    :raises PersonErased: if the person has been forgotten.
    :raises NotYours: if another rep owns it, and only the owner may.
    :raises LeadChangedMeanwhile: if whoever corrects saw an earlier version.
    :raises StillAnonymous: if nobody is known behind it.
    :raises BelongsToAnother: if an address or number is another lead's.
    :raises TooManyIdentifiers: if the person is known by as many as may be.
    """
    directory.begin_fact()
    own = Identifier(IdentifierKind.LEAD, command.lead)
    lead = directory.lead_of(own)
    if lead is None:
        raise LeadUnknown
    if command.owner is not None and command.owner != owner:
        raise NotYours
    if lead.erased is not None:
        raise PersonErased
    if command.version is not None and command.version != lead.version:
        raise LeadChangedMeanwhile
    if not lead.is_captured:
        raise StillAnonymous
    profile = directory.profiles_of_identifiers[own.hash]
    after = _corrected(lead, command, at)
    after = _with_identifiers(directory, after, command, profile, rules)
    if after is not lead:
        after = msgspec.structs.replace(after, version=lead.version + 1)
        directory.save_lead(after)
    corrected = _names_of(lead, after, command)
    reason = without(scrub_text(command.reason), [*_naming(lead), *_naming(after)])
    if not corrected:
        return Correction(after, [], [], [], None, reason, word_of(command))
    consents = {name: value for name, value in command.contact.items() if name.startswith(CONSENT)}
    directory.consents += words_of(consents, profile, lead.id, source=SOURCE, at=at, by=command.by)
    event = LeadChanged(
        lead=lead.id,
        profile=profile,
        source=SOURCE,
        attributes=_changed_attributes(lead, after),
        reachable=after.is_reachable,
        external_ids=[ExternalId(source=ref.source, id=ref.id) for ref in after.external_ids],
        by=command.by,
        reason=reason,
        corrected=corrected,
        company=after.company or None,
    )
    emissions = [Emission(event, profile, lead.id, at)]
    if after.contact.version != lead.contact.version:
        emissions.append(contact_updated(after, at))
    name = event_id(cause, type_of(event), 0)
    text = "; ".join(_words(event))
    story = [StoryRow(profile, lead.id, at, "lead_changed", text, None, cause, name)]
    note = None
    if command.note:
        note = Note(profile=profile, lead=lead.id, at=at, by=command.by, text=command.note, cause=cause)
    return Correction(after, corrected, emissions, story, note, reason, word_of(command))


def word_of(command: CorrectLead) -> InvalidateLead | ValidateLead | None:
    """Return what a correction says of the lead's validity, None if nothing."""
    if command.invalid:
        return InvalidateLead(lead=command.lead, reason=command.invalid, by=command.by)
    return ValidateLead(lead=command.lead, by=command.by, pardons=command.pardons) if command.valid else None


def _naming(lead: Lead) -> Iterator[str]:
    """Return what names a person among what is known of them."""
    for name in ("name", "company_name", "email", "phone"):
        if (text := lead.contact.text(name)) is not None:
            yield text


def _corrected(lead: Lead, command: CorrectLead, at: Instant) -> Lead:
    contact = lead.contact
    said = {
        name: text
        for name, text in command.free_text.items()
        if text is not None or is_there(contact.free_text.get(name))
    }
    attributes = hear(lead.attributes, command.attributes, at, source=SOURCE)
    known = hear(contact.known, command.contact, at, source=SOURCE)
    texts = hear(contact.free_text, said, at, source=SOURCE)
    if known is not contact.known or texts is not contact.free_text:
        contact = next_contact(contact, known, texts)
    if attributes is lead.attributes and contact is lead.contact:
        return lead
    return msgspec.structs.replace(lead, attributes=attributes, contact=contact)


def _with_identifiers(
    directory: Directory, lead: Lead, command: CorrectLead, profile: str, rules: MatchRules
) -> Lead:
    """Let an address or number that is nobody's yet lead to this person from now on, up to the limit."""
    held = lead.identifiers
    for identifier in command.identifiers:
        found = directory.lead_of(identifier)
        if found is not None and found.id != lead.id:
            raise BelongsToAnother(
                f"this belongs to lead {found.id}; correct that one, or merge the two",
                field=identifier.kind.value,
            )
        mine = held.get(identifier.kind.value, ())
        if identifier.hash not in mine:
            if len(mine) >= (limit := rules.limit_of(identifier.kind)):
                raise TooManyIdentifiers(
                    f"this person is known by {len(mine)} of these already, and {limit} is the limit"
                    f" (identifiers_per_person.{identifier.kind.value} in identity.yaml); if they are"
                    " several people, part them by un-merging",
                    field=identifier.kind.value,
                )
            held = {**held, identifier.kind.value: (*mine, identifier.hash)}
        if found is None:
            directory.attach(identifier, profile)
    return lead if held is lead.identifiers else msgspec.structs.replace(lead, identifiers=held)


def _changed_attributes(before: Lead, after: Lead) -> dict[str, Scalar]:
    return {
        name: after.attributes[name].value for name in sorted(_differing(before.attributes, after.attributes))
    }


def _names_of(before: Lead, after: Lead, command: CorrectLead) -> list[str]:
    """Return what is different now, by names that stand for themselves and name nobody."""
    names = set(_changed_attributes(before, after))
    names |= set(_differing(before.contact.known, after.contact.known))
    names |= {
        name if name in _KNOWN_TEXTS else FREE_TEXT
        for name in _differing(before.contact.free_text, after.contact.free_text)
    }
    return sorted(names | ({NOTE} if command.note else set()))


def _differing(before: dict[str, Told], after: dict[str, Told]) -> Iterator[str]:
    for name, told in after.items():
        was = before.get(name)
        if (None if was is None else was.value) != told.value:
            yield name


def _words(event: LeadChanged) -> Iterator[str]:
    yield f"corrected by {event.by}"
    told = [
        f"{name}={'nothing' if event.attributes[name] is None else event.attributes[name]}"
        if name in event.attributes
        else name
        for name in event.corrected
    ]
    yield ", ".join(told)
    if event.reason:
        yield event.reason
    yield "reachable" if event.reachable else "not reachable"
