"""Settling: what a person decides about two leads, whatever the rules say.

Two leads may be merged, though their user ids differ; they may be kept apart for good, whatever they
share; or a doubt may be put aside. Each is recorded with who decided and why.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.identity.merging import APART, Move, mark_apart, merge
from services.ingest.domain.identity.rules import MatchRules
from shared.kernel.errors import Rejected

Decided: TypeAlias = Literal["merge", "apart", "dismiss"]
"""What becomes of a conflict."""


class MergeLeads(msgspec.Struct, frozen=True, kw_only=True):
    """The command: these two leads are one person; ``by`` says so."""

    lead: str
    other: str
    by: str
    reason: str = ""


class SettleConflict(msgspec.Struct, frozen=True, kw_only=True):
    """The command: this is how a conflict is settled."""

    conflict: str
    decided: Decided
    by: str
    note: str = ""


class AlreadyOne(Rejected):
    """These two are one lead already; if that is wrong, POST /v1/leads/<the one that went>/unmerge."""

    code = "lead.already_one"


class LeadTooLarge(Rejected):
    """Too many leads have become one already; see profiles_per_person in identity.yaml."""

    code = "lead.too_large"


class ConflictUnknown(Rejected):
    """There is no conflict with this id; GET /v1/conflicts lists them."""

    code = "conflict.unknown"


class ConflictSettled(Rejected):
    """This conflict is settled already; merge or un-merge the leads themselves."""

    code = "conflict.settled"


class ConflictOfOne(Rejected):
    """This conflict is about one lead only: dismiss it, when what is wrong with the lead is put right."""

    code = "conflict.of_one"


def merge_by_hand(
    directory: Directory, first: Lead, second: Lead, *, reason: str, rules: MatchRules
) -> tuple[Lead, list[Move]]:
    """Make one lead of two because a person says so; what was said about keeping them apart is over.

    :raises AlreadyOne: if they are one.
    :raises LeadTooLarge: if there would be more profiles than a person may have.
    """
    if first.id == second.id:
        raise AlreadyOne
    profiles = [directory.profiles_of(one.id) for one in (first, second)]
    if sum(map(len, profiles)) > rules.profiles_per_person:
        raise LeadTooLarge
    lead, moves = merge(directory, first, second, reason=reason)
    own = {profile.id for both in profiles for profile in both}
    apart = tuple(one for one in lead.held(APART) if one not in own)
    identifiers = {kind: held for kind, held in lead.identifiers.items() if kind != APART}
    if apart:
        identifiers[APART] = apart
    lead = msgspec.structs.replace(lead, identifiers=identifiers)
    directory.save_lead(lead)
    return lead, moves


def keep_apart(directory: Directory, first: Lead, second: Lead) -> None:
    """Never let the rules make one lead of these two.

    :raises AlreadyOne: if they are one.
    """
    if first.id == second.id:
        raise AlreadyOne
    for one, other in ((first, second), (second, first)):
        profiles = [profile.id for profile in directory.profiles_of(other.id)]
        identifiers = one.identifiers | mark_apart(one, profiles)
        directory.save_lead(msgspec.structs.replace(one, identifiers=identifiers, version=one.version + 1))
