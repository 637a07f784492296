"""Identity: which lead a message belongs to, and which leads turn out to be one (I4).

Deterministic, no guessing: the strongest identifier decides (external id, user id, e-mail, phone; the
order and the limits stand in a document), and a browser only carries behaviour along. What contradicts
is not merged, and listed for a person to settle:

- two leads with different user ids are two people, whatever else they share;
- a number does not join two different names: a family's number knows each by name, and the number of
  too many people knows nobody;
- a browser in which a second person signs in belongs to the first; the second is a lead of their own.

When two leads are one, the smaller id stays and every profile of the other moves to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from services.ingest.domain.acts import UNSUBSCRIBED
from services.ingest.domain.directory import Contact, Directory, Lead, hear
from services.ingest.domain.evidence.doubts import Doubt, Reason
from services.ingest.domain.evidence.likeness import same_name
from services.ingest.domain.identifiers import Identifier, IdentifierKind
from services.ingest.domain.identity.merging import (
    PARTED,
    SHARERS,
    Move,
    may_join,
    merge,
    next_contact,
    why_not_merge,
)
from services.ingest.domain.identity.rules import MatchRules
from services.ingest.domain.identity.target_accounts import BEFORE_ANY_WORD, LIST
from services.ingest.domain.intake import UNKNOWN_LEAD, Intake
from services.ingest.domain.scrubbing import Scalar
from services.ingest.domain.traits import CONSENT, TERMS, Traits
from shared.kernel.errors import Rejected

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


class _Refused(NamedTuple):
    """An identifier that was not followed, whose it is, and why."""

    anchor: Identifier
    profile: str
    reason: str


def resolve(directory: Directory, intake: Intake, rules: MatchRules) -> Resolution:
    """Find out whose a message is; attaches identifiers, opens and merges leads in ``directory``.

    Whoever is named by an identifier of an erased lead is that person, whatever else the message says.
    What contradicts is noted as a doubt.

    :raises LeadUnknown: if the message names a lead by an id that is none of ours.
    """
    if intake.addressed is not None:
        return _resolve_addressed(directory, intake, intake.addressed)
    for anchor in intake.anchors:
        found = directory.lead_of(anchor)
        if found is not None and found.erased is not None:
            return Resolution(directory.profiles_of_identifiers[anchor.hash], found, (), frozenset())
    base, profile, moves, refused = _follow_anchors(directory, intake, rules)
    base, profile, more = _follow_devices(directory, intake, base, profile, rules)
    moves += more
    if base is None and (unknown := _first_unknown(directory, intake)) is not None:
        base = directory.open_lead(unknown, created=intake.occurred)
        profile = base.id
    if base is None:  # all that it names is somebody's, and nothing in it is anybody else's
        first = refused.pop(0)
        profile = first.profile
        base = directory.leads[directory.profiles[profile].lead]
    demoted = {one.anchor.kind for one in refused}
    base = _attach_anchors(directory, intake, base, profile, demoted, rules)
    if refused:
        base = _doubt(directory, base, profile, refused, demoted, rules)
    if intake.click is not None:
        base, more = _take_click(directory, base, profile, intake.click, rules)
        moves += more
    return Resolution(profile, base, moves, frozenset(demoted))


def _follow_anchors(
    directory: Directory, intake: Intake, rules: MatchRules
) -> tuple[Lead | None, str, list[Move], list[_Refused]]:
    """Follow what names a person, the strongest first; leads that it brings together become one."""
    said = _name_of(intake)
    base: Lead | None = None
    profile = ""
    moves: list[Move] = []
    refused: list[_Refused] = []
    for anchor in intake.anchors:
        found = directory.lead_of(anchor)
        if found is None or (base is not None and found.id == base.id):
            continue
        reason = _why_not(found, intake, anchor, said, rules)
        if reason is None and base is not None:
            reason = why_not_merge(directory, base, found, by=anchor.kind, rules=rules)
        if reason is not None:
            refused.append(_Refused(anchor, directory.profiles_of_identifiers[anchor.hash], reason))
        elif base is None:
            base, profile = found, directory.profiles_of_identifiers[anchor.hash]
        else:
            base, moved = merge(directory, base, found, reason=anchor.kind)
            moves += moved
    return base, profile, moves, refused


def _doubt(
    directory: Directory,
    lead: Lead,
    profile: str,
    refused: Sequence[_Refused],
    demoted: set[IdentifierKind],
    rules: MatchRules,
) -> Lead:
    """Note what was not followed, once per kind and holder, unless it leads here all the same.

    A number that others may be reached by, too, stays with the message; that of a switchboard is noted
    once, whoever else calls from there.
    """
    for one in refused:
        owner = directory.leads[directory.profiles[one.profile].lead]
        kind, reason = one.anchor.kind, one.reason
        if owner.id == lead.id:
            demoted.discard(kind)
            continue
        if reason == Reason.NAMES_DIFFER and kind is IdentifierKind.PHONE:
            if _share(directory, owner, one.anchor.hash, profile, rules):
                demoted.discard(kind)
            else:
                reason = Reason.SWITCHBOARD
        if kind is IdentifierKind.NUMBER_AND_NAME or reason == PARTED:
            continue
        pair = (one.profile, "") if reason == Reason.SWITCHBOARD else (profile, one.profile)
        directory.doubts.append(Doubt(Reason(reason), kind.value, one.anchor.hash, *pair))
    return directory.leads[lead.id]


def _share(directory: Directory, owner: Lead, number: str, profile: str, rules: MatchRules) -> bool:
    """Count somebody among the people of a number; returns whether it may be kept as theirs, too."""
    sharers, sharer = owner.held(SHARERS), f"{number}:{profile}"
    if sharer in sharers:
        return True
    if _is_switchboard(owner, number, rules):
        return False
    identifiers = {**owner.identifiers, SHARERS: (*sharers, sharer)}
    directory.save_lead(msgspec.structs.replace(owner, identifiers=identifiers, version=owner.version + 1))
    return True


def _is_switchboard(owner: Lead, number: str, rules: MatchRules) -> bool:
    """Return whether as many people as may be share a number with its owner."""
    sharers = sum(one.startswith(number) for one in owner.held(SHARERS))
    return sharers + 1 >= rules.people_per_number


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


def _why_not(
    lead: Lead, intake: Intake, anchor: Identifier, name: str | None, rules: MatchRules
) -> str | None:
    """Return why a message does not belong to the lead that one of its anchors leads to, or None."""
    users = lead.held(IdentifierKind.USER)
    if anchor.kind is not IdentifierKind.USER and users:
        own = [other.hash for other in intake.anchors if other.kind is IdentifierKind.USER]
        if own and own[0] not in users:
            return Reason.USERS_DIFFER
    if anchor.kind is IdentifierKind.PHONE:
        known = lead.contact.text("name")
        if name is not None and known is not None and not same_name(known, name):
            return Reason.NAMES_DIFFER
        if _is_switchboard(lead, anchor.hash, rules):
            return Reason.SWITCHBOARD
    return None


def _follow_devices(
    directory: Directory, intake: Intake, base: Lead | None, profile: str, rules: MatchRules
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
        elif owner.id != base.id and _is_visitor(owner) and may_join(directory, base, owner, rules):
            base, moved = merge(directory, base, owner, reason=device.kind)
            moves += moved
    return base, profile, moves


def _take_click(
    directory: Directory, base: Lead, profile: str, click: Identifier, rules: MatchRules
) -> tuple[Lead, list[Move]]:
    """Let a click carry itself to the first browser that it brought here, and to no other.

    An address with a click in it may be sent on: whoever comes second with it is another person, and a
    click is nothing that two people share.
    """
    owner = directory.lead_of(click)
    if owner is None:  # the landing page was faster than the click itself
        directory.attach(click, profile)
        return base, []
    is_untaken = owner.id == click.hash and len(directory.profiles_of(owner.id)) == 1
    is_theirs = owner.id != base.id and is_untaken and _is_visitor(owner)
    if is_theirs and may_join(directory, base, owner, rules):
        return merge(directory, base, owner, reason=click.kind)
    return base, []


def _is_visitor(lead: Lead) -> bool:
    """Return whether nobody is known behind a lead; one who was erased is not nobody."""
    return not lead.is_captured and lead.erased is None


def _contradicts(owner: Lead, intake: Intake) -> bool:
    """Return whether a message names somebody else than the one who owns the browser."""
    if not intake.anchors:
        return False
    for kind in _CONTRADICTING:
        held = owner.held(kind)
        named = [anchor.hash for anchor in intake.anchors if anchor.kind is kind]
        if held and named and named[0] not in held:
            return True
    name, known = _name_of(intake), owner.contact.text("name")
    if not owner.is_captured or name is None or known is None:
        return False
    return not same_name(known, name)


def _name_of(intake: Intake) -> str | None:
    return intake.traits.contact.get("name") if intake.traits is not None else None


def _first_unknown(directory: Directory, intake: Intake) -> Identifier | None:
    """Return the strongest identifier that nobody has yet; a lead is named after it."""
    known = directory.profiles_of_identifiers
    return next((one for one in (*intake.anchors, *intake.anonymous) if one.hash not in known), None)


def _attach_anchors(
    directory: Directory,
    intake: Intake,
    lead: Lead,
    profile: str,
    demoted: set[IdentifierKind],
    rules: MatchRules,
) -> Lead:
    held = lead.identifiers
    for anchor in intake.anchors:
        if anchor.kind in demoted:
            continue
        mine = held.get(anchor.kind, ())
        if anchor.hash in mine:
            continue
        if len(mine) >= rules.limit_of(anchor.kind):
            demoted.add(anchor.kind)
            if anchor.kind is not IdentifierKind.NUMBER_AND_NAME:
                doubt = Doubt(Reason.TOO_MANY, anchor.kind.value, anchor.hash, profile, "")
                directory.doubts.append(doubt)
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
        attributes = hear(attributes, intake.traits.implied, BEFORE_ANY_WORD, source=LIST)
        contact = _learn_contact(contact, intake.traits, intake, demoted)
    if (refused := _refused(intake)) is not None:
        known = hear(contact.known, refused, intake.occurred, source=intake.source)
        if known is not contact.known:
            contact = next_contact(contact, known, contact.free_text)
    is_captured = lead.is_captured or (bool(intake.anchors) and not intake.only_suppresses)
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
    traits = intake.traits
    said: dict[str, Scalar] = {}
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
