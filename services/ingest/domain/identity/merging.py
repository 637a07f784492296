"""Merging two leads, and taking it back.

A merge moves every profile of one lead to the other. Taking it back moves them home; what they brought
goes with them as far as it can be told apart, and the two are never brought together again, whatever
they share.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from services.ingest.domain.directory import (
    Contact,
    Directory,
    Lead,
    Profile,
    Told,
    newest,
    says_the_same,
    strictest,
)
from services.ingest.domain.evidence.doubts import Reason
from services.ingest.domain.evidence.likeness import same_name
from services.ingest.domain.evidence.marks import divide, join
from services.ingest.domain.identifiers import HashIdentifier, IdentifierKind
from services.ingest.domain.identity.companies import DOMAIN, NAME, company_of_both
from services.ingest.domain.identity.rules import MatchRules
from services.ingest.domain.traits import CONSENT, TERMS
from shared.kernel.errors import Rejected

APART: Final = "apart"
"""Beside a lead's identifiers: the profiles that a person said belong to somebody else."""

SHARERS: Final = "sharers"
"""Beside a lead's identifiers: who else gave one of its numbers, under another name, as number:profile."""

PARTED: Final = "parted"
"""Why two leads do not become one: a person said that they are two."""


class Move(NamedTuple):
    """A profile has moved between leads; ``version`` counts its moves."""

    profile: str
    lead: str
    from_lead: str
    version: int
    reason: str


def why_not_merge(
    directory: Directory, first: Lead, second: Lead, *, by: IdentifierKind, rules: MatchRules
) -> str | None:
    """Return why two leads that share an identifier do not become one, None if they do."""
    users = (set(first.held(IdentifierKind.USER)), set(second.held(IdentifierKind.USER)))
    if users[0] and users[1] and users[0] != users[1]:
        return Reason.USERS_DIFFER
    if by is IdentifierKind.PHONE:
        names = (first.contact.text("name"), second.contact.text("name"))
        if names[0] and names[1] and not same_name(names[0], names[1]):
            return Reason.NAMES_DIFFER
    if are_apart(directory, first, second):
        return PARTED
    return None if may_join(directory, first, second, rules) else Reason.TOO_LARGE


def merge(directory: Directory, first: Lead, second: Lead, *, reason: str) -> tuple[Lead, list[Move]]:
    """Make one lead of two: the smaller id stays, every profile of the other moves to it."""
    stays, leaves = sorted((first, second), key=lambda lead: lead.id)
    moves = [_move(directory, profile, stays.id, reason) for profile in directory.profiles_of(leaves.id)]
    merged = msgspec.structs.replace(
        stays,
        version=stays.version + 1,
        is_captured=stays.is_captured or leaves.is_captured,
        created=min(stays.created, leaves.created),
        attributes=newest(stays.attributes, leaves.attributes),
        identifiers={
            kind: tuple(dict.fromkeys((*stays.held(kind), *leaves.held(kind))))
            for kind in sorted({*stays.identifiers, *leaves.identifiers})
        },
        external_ids=tuple(dict.fromkeys((*stays.external_ids, *leaves.external_ids))),
        contact=_merge_contacts(stays.contact, leaves.contact),
        holds={**stays.holds, **leaves.holds},
        marks=join(stays.marks, leaves.marks),
    )
    company = company_of_both(merged, stays, leaves)
    merged = msgspec.structs.replace(merged, company=company.id, company_by=company.by)
    directory.save_lead(merged)
    return merged, moves


def _move(directory: Directory, profile: Profile, lead_id: str, reason: str) -> Move:
    version = profile.version + 1
    directory.save_profile(Profile(profile.id, lead_id, version, profile.lead, profile.verdict))
    return Move(profile.id, lead_id, profile.lead, version, str(reason))


def _merge_contacts(stays: Contact, leaves: Contact) -> Contact:
    known, free_text = strictest(stays.known, leaves.known), newest(stays.free_text, leaves.free_text)
    if known is stays.known and free_text is stays.free_text:
        return stays
    return next_contact(stays, known, free_text)


def next_contact(contact: Contact, known: dict[str, Told], free_text: dict[str, Told]) -> Contact:
    """Return the contact with a version of its own, unless it says what it said before."""
    is_same = says_the_same(known, contact.known) and says_the_same(free_text, contact.free_text)
    return Contact(contact.version if is_same else contact.version + 1, known, free_text)


def may_join(directory: Directory, first: Lead, second: Lead, rules: MatchRules) -> bool:
    """Return whether two leads are not too large together, and nobody said that they are two."""
    ours, theirs = directory.profiles_of(first.id), directory.profiles_of(second.id)
    is_too_large = len(ours) + len(theirs) > rules.profiles_per_person
    return not is_too_large and not are_apart(directory, first, second)


def are_apart(directory: Directory, first: Lead, second: Lead) -> bool:
    """Return whether a person said that these are two people."""
    return _is_apart(first, directory.profiles_of(second.id)) or _is_apart(
        second, directory.profiles_of(first.id)
    )


def _is_apart(lead: Lead, profiles: Sequence[Profile]) -> bool:
    apart = lead.held(APART)
    return bool(apart) and any(profile.id in apart for profile in profiles)


class UnmergeLead(msgspec.Struct, frozen=True):
    """The command: let a lead that was merged away stand by itself again."""

    lead: str
    reason: str = "corrected"
    by: str = ""


class NotMerged(Rejected):
    """This lead was not merged into another; there is nothing to take back."""

    code = "lead.not_merged"


def unmerge(
    directory: Directory,
    lead_id: str,
    identifiers: Mapping[str, IdentifierKind],
    *,
    reason: str,
    hash_identifier: HashIdentifier,
) -> list[Move]:
    """Let a lead that was merged away stand by itself again, with every profile that came with it.

    ``directory`` holds both leads and all profiles of the one that stayed; ``identifiers`` are those of
    the profiles that go home (:func:`find_homecomers`), by hash. What the two said that cannot be told
    apart stays where it is; consent that was given or refused stays with both.

    :raises NotMerged: if it stands by itself.
    """
    profile = directory.profiles[lead_id]
    if profile.lead == lead_id:
        raise NotMerged
    stays, returns = directory.leads[profile.lead], directory.leads[lead_id]
    homecomers = find_homecomers(directory, lead_id)
    moves = [_move(directory, one, lead_id, reason) for one in homecomers]
    theirs = {one.id for one in homecomers}
    left, back = _divide_contacts(stays, returns, identifiers, hash_identifier)
    left_marks, back_marks = divide(stays.marks, theirs)
    foreign = {
        ref
        for ref in stays.external_ids
        if hash_identifier(IdentifierKind.EXTERNAL, f"{ref.source}\x1f{ref.id}").hash in identifiers
    }
    directory.save_lead(
        msgspec.structs.replace(
            stays,
            version=stays.version + 1,
            attributes={n: t for n, t in stays.attributes.items() if returns.attributes.get(n) != t},
            identifiers=_kept(stays, without=identifiers.keys()) | mark_apart(stays, theirs),
            external_ids=tuple(ref for ref in stays.external_ids if ref not in foreign),
            contact=left,
            holds={one: held_by for one, held_by in stays.holds.items() if one not in theirs},
            **_company_left(stays, left),
            marks=left_marks,
        )
    )
    held: dict[str, tuple[str, ...]] = {}
    for hash_, kind in sorted(identifiers.items()):
        if kind not in _CARRIED:
            held[kind.value] = (*held.get(kind.value, ()), hash_)
    if sharers := tuple(one for one in stays.held(SHARERS) if one.partition(":")[0] in identifiers):
        held[SHARERS] = sharers
    others = {one.id for one in directory.profiles_of(stays.id)}
    directory.save_lead(
        msgspec.structs.replace(
            returns,
            version=returns.version + 1,
            identifiers=held | mark_apart(returns, others),
            external_ids=tuple(dict.fromkeys((*returns.external_ids, *sorted(foreign)))),
            contact=back,
            holds={one: held_by for one, held_by in stays.holds.items() if one in theirs},
            marks=back_marks,
        )
    )
    return moves


_CARRIED: Final = frozenset(
    {IdentifierKind.ANONYMOUS, IdentifierKind.CLICK, IdentifierKind.OPPORTUNITY, IdentifierKind.LEAD}
)


def find_homecomers(directory: Directory, lead_id: str) -> list[Profile]:
    """Return the profiles that came with a lead when it was merged away: its own, and what lived with it."""
    home = directory.profiles[lead_id].lead
    return [one for one in directory.profiles_of(home) if lead_id in {one.id, one.came_from}]


def _kept(lead: Lead, *, without: Collection[str]) -> dict[str, tuple[str, ...]]:
    kept = {
        kind: tuple(one for one in hashes if kind == APART or one.partition(":")[0] not in without)
        for kind, hashes in lead.identifiers.items()
    }
    return {kind: hashes for kind, hashes in kept.items() if hashes}


def _company_left(stays: Lead, left: Contact) -> dict[str, str]:
    """Return the company of the lead that stays: none, if what told of it went back."""
    told_by = {DOMAIN: "email", NAME: "company_name"}.get(stays.company_by, "")
    is_left = stays.contact.known.get(told_by) == left.known.get(told_by)
    return {} if is_left else {"company": "", "company_by": ""}


def mark_apart(lead: Lead, profiles: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return what a lead holds, once these profiles are said to be somebody else's."""
    return {APART: tuple(sorted({*lead.held(APART), *profiles}))}


def _divide_contacts(
    stays: Lead, returns: Lead, identifiers: Mapping[str, IdentifierKind], hash_identifier: HashIdentifier
) -> tuple[Contact, Contact]:
    """Return what stays and what goes back; an address or number goes where its identifier goes."""
    left, back = dict(stays.contact.known), dict(returns.contact.known)
    for name, told in stays.contact.known.items():
        if name in {IdentifierKind.EMAIL, IdentifierKind.PHONE}:
            if hash_identifier(IdentifierKind(name), str(told.value)).hash in identifiers:
                del left[name]
                back[name] = told
        elif not name.startswith((CONSENT, TERMS)) and returns.contact.known.get(name) == told:
            del left[name]
        elif name.startswith((CONSENT, TERMS)) and (name not in back or back[name].at < told.at):
            back[name] = told
    texts = {n: t for n, t in stays.contact.free_text.items() if returns.contact.free_text.get(n) != t}
    # the contact that comes back was a tombstone meanwhile: its version must rise, whatever it says
    version = returns.contact.version + 1 if back or returns.contact.free_text else returns.contact.version
    return (
        next_contact(stays.contact, left, texts),
        Contact(version, back, returns.contact.free_text),
    )
