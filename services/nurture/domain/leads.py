"""What nurture knows about a lead: where it stands, who it is made of, how it can be reached.

A lead's own words are kept per profile, because profiles move between leads and take them along.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from shared.kernel.instants import Instant

Scalar = str | int | float | bool

DELIVERY_CHANNEL = "email"
"""The one channel there is so far."""


class Tier(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A lead's tier in one model, and whether it came there from below."""

    name: str
    direction: str


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A value and when it was said, so that the newest word counts and not the latest arrival."""

    value: Scalar | None
    at: Instant


class Lead(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What other services say of a lead. ``owner`` is the rep's opaque id, empty if nobody owns it.

    ``is_invalid`` is what sales says, ``is_ruled_out`` what the front door said with its ``verdict``-th
    word; either is enough.
    """

    id: str
    tiers: Mapping[str, Tier] = {}
    owner: str = ""
    is_invalid: bool = False
    is_erased: bool = False
    is_ruled_out: bool = False
    verdict: int = 0


class Profile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One profile: where it lives, by the highest version of its moves, and what goes with it.

    ``deals`` tells of each opportunity whether it is open, won or lost. ``has_refused`` is true once the
    person has asked for no more mail; ``is_held`` while an import of history holds it (I11), and
    ``is_stub`` as long as nobody has said whether one does.
    """

    id: str
    lead: str
    version: int = 0
    attributes: Mapping[str, Told] = {}
    deals: Mapping[str, Told] = {}
    has_refused: bool = False
    is_erased: bool = False
    is_held: bool = False
    is_stub: bool = False


class Contact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How to reach the person; the one place in nurture that names somebody. Nothing if erased."""

    lead: str
    version: int = 0
    name: str | None = None
    email: str | None = None
    company: str | None = None
    language: str | None = None
    time_zone: str | None = None
    consents: Mapping[str, bool] = {}


class Standing(NamedTuple):
    """A lead as the arbiter looks at it.

    ``obstacle`` is why it may get no mail at all, empty if it may; ``hold`` are further reasons, of
    which a sequence says itself whether it stops for them. One that ``is_held`` enters nothing new.
    ``refused`` are the purposes for which the person wants no mail.
    """

    obstacle: str
    holds: frozenset[str]
    tiers: Mapping[str, Tier]
    deal: str
    is_held: bool = False
    refused: frozenset[str] = frozenset()


CONSENT_REFUSED = "consent_refused"
OWNED = "owned"
OPPORTUNITY = "opportunity"
WON = "won"
LOST = "lost"


def stand(lead: Lead, profiles: Iterable[Profile], contact: Contact | None) -> Standing:
    """Return how a lead stands. A lead none of whose profiles lives with it any more was merged away."""
    living = list(profiles)
    deal = standing_deal(living)
    holds = {deal} - {"", LOST}
    if lead.owner:
        holds.add(OWNED)
    is_held = any(one.is_held for one in living) or all(one.is_stub for one in living)
    return Standing(
        _obstacle(lead, living, contact), frozenset(holds), lead.tiers, deal, is_held, _refused(contact)
    )


def _refused(contact: Contact | None) -> frozenset[str]:
    """Return the purposes of mail that were refused by themselves: ``newsletter`` of ``email.newsletter``."""
    consents = {} if contact is None else contact.consents
    prefix = f"{DELIVERY_CHANNEL}."
    return frozenset(
        name.removeprefix(prefix)
        for name, given in consents.items()
        if name.startswith(prefix) and given is False
    )


def _obstacle(lead: Lead, profiles: list[Profile], contact: Contact | None) -> str:
    if lead.is_erased or any(profile.is_erased for profile in profiles):
        return "erased"
    if not profiles:
        return "merged"
    if any(profile.has_refused for profile in profiles):
        return "unsubscribed"
    if contact is not None and contact.consents.get(DELIVERY_CHANNEL) is False:
        return CONSENT_REFUSED
    if lead.is_invalid or lead.is_ruled_out:
        return "invalid"
    if contact is None or not contact.email:
        return "no_address"
    return ""


def standing_deal(profiles: Iterable[Profile]) -> str:
    """Return ``opportunity`` while a deal is open, else how the last one ended, empty without any."""
    deals = [deal for profile in profiles for deal in profile.deals.values()]
    if any(deal.value == OPPORTUNITY for deal in deals):
        return OPPORTUNITY
    last = max(deals, key=lambda deal: (deal.at, str(deal.value)), default=None)
    return "" if last is None else str(last.value)


def hear(known: Mapping[str, Told], name: str, value: Scalar | None, at: Instant) -> Mapping[str, Told]:
    """Return ``known`` with a word said at ``at``, unless a later word is known; of two at once the larger.

    Hearing the same words in any order and any number of times ends the same.
    """
    before = known.get(name)
    if before is not None and (before.at, str(before.value)) >= (at, str(value)):
        return known
    return {**known, name: Told(value, at)}


def attributes_of(profiles: Iterable[Profile]) -> dict[str, Scalar]:
    """Return what is known of the people of a lead, the newest word for each name."""
    newest: dict[str, Told] = {}
    for profile in profiles:
        for name, told in profile.attributes.items():
            before = newest.get(name)
            if before is None or (before.at, str(before.value)) < (told.at, str(told.value)):
                newest[name] = told
    return {name: told.value for name, told in sorted(newest.items()) if told.value is not None}
