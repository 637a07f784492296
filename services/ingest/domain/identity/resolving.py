"""Identity: which lead a message belongs to, and which leads turn out to be one (I4).

Deterministic, no guessing: the strongest identifier decides (external id, user id, e-mail, phone),
and a browser only carries behaviour along. What contradicts is not merged:

- two leads with different user ids are two people, whatever else they share;
- a number alone does not join two different names;
- a browser in which a second person signs in belongs to the first; the second is a lead of their own.

When two leads are one, the smaller id stays and every profile of the other moves to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from services.ingest.domain.acts import UNSUBSCRIBED
from services.ingest.domain.choices import fold
from services.ingest.domain.directory import Contact, Directory, Lead, hear
from services.ingest.domain.identifiers import Identifier, IdentifierKind
from services.ingest.domain.identity.merging import Move, may_join, may_merge, merge, next_contact
from services.ingest.domain.intake import UNKNOWN_LEAD, Intake
from services.ingest.domain.scrubbing import Scalar
from services.ingest.domain.traits import CONSENT, TERMS, Traits
from shared.kernel.errors import Rejected

_LIMITS: Final = {
    IdentifierKind.EXTERNAL: 20,
    IdentifierKind.USER: 1,
    IdentifierKind.EMAIL: 5,
    IdentifierKind.PHONE: 5,
}
_CONTRADICTING: Final = (IdentifierKind.USER, IdentifierKind.EMAIL, IdentifierKind.PHONE)


class Resolution(NamedTuple):
    """Whose a message is: the profile it carries, the lead it belongs to, and what had to move.

    ``demoted`` identifiers belong to somebody else; the contact data they stand for is not taken
    over, so that two leads never share an address.
    """

    profile: str
    lead: Lead
    moves: Sequence[Move]
    demoted: frozenset[IdentifierKind]


def resolve(directory: Directory, intake: Intake) -> Resolution:
    """Find out whose a message is; attaches identifiers, opens and merges leads in ``directory``.

    Whoever is named by an identifier of an erased lead is that person, whatever else the message says.

    :raises LeadUnknown: if the message names a lead by an id that is none of ours.
    """
    if intake.addressed is not None:
        return _resolve_addressed(directory, intake, intake.addressed)
    for anchor in intake.anchors:
        found = directory.lead_of(anchor)
        if found is not None and found.erased is not None:
            return Resolution(directory.profiles_of_identifiers[anchor.hash], found, (), frozenset())
    name = _name_of(intake)
    moves: list[Move] = []
    demoted: set[IdentifierKind] = set()
    base: Lead | None = None
    profile = ""
    only = len(intake.anchors) == 1
    for anchor in intake.anchors:
        found = directory.lead_of(anchor)
        if found is None:
            continue
        if base is None:
            if _may_be(found, intake, anchor, name) or only:
                base, profile = found, directory.profiles_of_identifiers[anchor.hash]
            else:
                demoted.add(anchor.kind)
        elif found.id != base.id:
            if _may_be(found, intake, anchor, name) and may_merge(directory, base, found, by=anchor.kind):
                base, moved = merge(directory, base, found, reason=anchor.kind)
                moves += moved
            else:
                demoted.add(anchor.kind)
    base, profile, more = _follow_devices(directory, intake, base, profile)
    moves += more
    if base is None:
        base = directory.open_lead(_first_unknown(directory, intake), created=intake.occurred)
        profile = base.id
    base = _attach_anchors(directory, intake, base, profile, demoted)
    if intake.click is not None:
        base, more = _take_click(directory, base, profile, intake.click)
        moves += more
    return Resolution(profile, base, moves, frozenset(demoted))


class LeadUnknown(Rejected):
    """There is no lead with this id; GET /v1/leads?email=… finds ids."""

    code = UNKNOWN_LEAD


def _resolve_addressed(directory: Directory, intake: Intake, addressed: Identifier) -> Resolution:
    lead = directory.lead_of(addressed)
    if lead is None:
        raise LeadUnknown
    profile = directory.profiles_of_identifiers[addressed.hash]
    for other in intake.anonymous:
        if other.hash not in directory.profiles_of_identifiers:
            directory.attach(other, profile)
    return Resolution(profile, lead, (), frozenset())


def _name_of(intake: Intake) -> str | None:
    name = intake.traits.contact.get("name") if intake.traits is not None else None
    return fold(name) if name else None


def _may_be(lead: Lead, intake: Intake, anchor: Identifier, name: str | None) -> bool:
    """Return whether a message may belong to the lead that one of its anchors leads to."""
    users = lead.held(IdentifierKind.USER)
    if anchor.kind is not IdentifierKind.USER and users:
        own = [other.hash for other in intake.anchors if other.kind is IdentifierKind.USER]
        if own and own[0] not in users:
            return False
    if anchor.kind is IdentifierKind.PHONE and name is not None:
        known = lead.contact.text("name")
        return known is None or fold(known) == name
    return True


def _follow_devices(
    directory: Directory, intake: Intake, base: Lead | None, profile: str
) -> tuple[Lead | None, str, list[Move]]:
    """Let browsers and devices carry their behaviour to the lead, or name the lead themselves."""
    moves: list[Move] = []
    for device in intake.anonymous:
        owner = directory.lead_of(device)
        if owner is None:
            continue
        if base is None:
            # of the contacts of one opportunity each is a lead of their own
            is_another = (
                device.kind is IdentifierKind.OPPORTUNITY and bool(intake.anchors) and not _is_visitor(owner)
            )
            if not is_another and not _contradicts(owner, intake):
                base, profile = owner, directory.profiles_of_identifiers[device.hash]
        elif owner.id != base.id and _is_visitor(owner) and may_join(directory, base, owner):
            base, moved = merge(directory, base, owner, reason=device.kind)
            moves += moved
    return base, profile, moves


def _take_click(directory: Directory, base: Lead, profile: str, click: Identifier) -> tuple[Lead, list[Move]]:
    """Let a click carry itself to the first browser that it brought here, and to no other.

    An address with a click in it may be sent on: whoever comes second with it is another person, and a
    click is nothing that two people share.
    """
    owner = directory.lead_of(click)
    if owner is None:  # the landing page was faster than the click itself
        directory.attach(click, profile)
        return base, []
    is_untaken = owner.id == click.hash and len(directory.profiles_of(owner.id)) == 1
    if owner.id != base.id and is_untaken and _is_visitor(owner) and may_join(directory, base, owner):
        return merge(directory, base, owner, reason=click.kind)
    return base, []


def _is_visitor(lead: Lead) -> bool:
    """Return whether nobody is known behind a lead; one who was erased is not nobody."""
    return not lead.is_captured and lead.erased is None


def _contradicts(owner: Lead, intake: Intake) -> bool:
    """Return whether a message names somebody else than the one who owns the browser."""
    for kind in _CONTRADICTING:
        held = owner.held(kind)
        named = [anchor.hash for anchor in intake.anchors if anchor.kind is kind]
        if held and named and named[0] not in held:
            return True
    return False


def _first_unknown(directory: Directory, intake: Intake) -> Identifier:
    """Return the strongest identifier that nobody has yet; a lead is named after it."""
    known = directory.profiles_of_identifiers
    return next(one for one in (*intake.anchors, *intake.anonymous) if one.hash not in known)


def _attach_anchors(
    directory: Directory, intake: Intake, lead: Lead, profile: str, demoted: set[IdentifierKind]
) -> Lead:
    held = lead.identifiers
    for anchor in intake.anchors:
        if anchor.kind in demoted:
            continue
        mine = held.get(anchor.kind, ())
        if anchor.hash in mine:
            continue
        if len(mine) >= _LIMITS[anchor.kind]:
            demoted.add(anchor.kind)
            continue
        held = {**held, anchor.kind.value: (*mine, anchor.hash)}
        if anchor.hash not in directory.profiles_of_identifiers:
            directory.attach(anchor, profile)
    for device in intake.anonymous:
        if device.hash not in directory.profiles_of_identifiers:
            directory.attach(device, profile)
    if held is not lead.identifiers:
        lead = msgspec.structs.replace(lead, identifiers=held, version=lead.version + 1)
        directory.save_lead(lead)
    return lead


def learn(lead: Lead, intake: Intake, demoted: frozenset[IdentifierKind]) -> Lead:
    """Return the lead with what a message says about the person; the same object if that is nothing new."""
    external_ids, attributes, contact = lead.external_ids, lead.attributes, lead.contact
    external = intake.external
    if external is not None and external not in external_ids and IdentifierKind.EXTERNAL not in demoted:
        external_ids = (*external_ids, external)
    if intake.traits is not None:
        attributes = hear(attributes, intake.traits.attributes, intake.occurred, source=intake.source)
        contact = _learn_contact(contact, intake.traits, intake, demoted)
    if (refused := _refused(intake)) is not None:
        known = hear(contact.known, refused, intake.occurred, source=intake.source)
        if known is not contact.known:
            contact = next_contact(contact, known, contact.free_text)
    is_captured = lead.is_captured or bool(intake.anchors)
    is_old = attributes is lead.attributes and contact is lead.contact and external_ids is lead.external_ids
    if is_old and is_captured == lead.is_captured:
        return lead
    return msgspec.structs.replace(
        lead,
        version=lead.version + 1,
        attributes=attributes,
        contact=contact,
        external_ids=external_ids,
        is_captured=is_captured,
    )


def consents_in(intake: Intake) -> dict[str, Scalar]:
    """Return what a message says about being written to, and which text was agreed to."""
    traits, said = intake.traits, dict[str, Scalar]()
    if traits is not None:
        said |= {f"{CONSENT}{channel}": answer for channel, answer in traits.consents.items()}
        said |= {f"{TERMS}{channel}": text for channel, text in traits.terms.items()}
    return said | (_refused(intake) or {})


def _refused(intake: Intake) -> dict[str, Scalar] | None:
    """Return the consent that an unsubscription takes back, if the message is one."""
    if intake.act is None or intake.act.name != UNSUBSCRIBED:
        return None
    return {f"{CONSENT}{intake.act.fields['delivery_channel']}": False}


def _learn_contact(
    contact: Contact, traits: Traits, intake: Intake, demoted: frozenset[IdentifierKind]
) -> Contact:
    said: dict[str, Scalar] = {name: text for name, text in traits.contact.items() if name not in demoted}
    said |= consents_in(intake)
    known = hear(contact.known, said, intake.occurred, source=intake.source)
    free_text = hear(contact.free_text, dict(traits.free_text), intake.occurred, source=intake.source)
    if known is contact.known and free_text is contact.free_text:
        return contact
    return next_contact(contact, known, free_text)
