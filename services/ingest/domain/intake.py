"""Intake: one message, understood. Whatever the client's dialect, the resolver sees only this."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from services.ingest.domain.acts import UNSUBSCRIBED, Act
from services.ingest.domain.evidence.likeness import name_key
from services.ingest.domain.identifiers import (
    HashIdentifier,
    Identifier,
    IdentifierKind,
    IdentityRules,
    clean_id,
    email_identifies,
)
from services.ingest.domain.imports.holding import Imported
from services.ingest.domain.outcomes import Cost, Outcome
from services.ingest.domain.scrubbing import identifies, is_platform_id
from services.ingest.domain.traits import Traits
from shared.kernel.instants import Instant

_LONGEST_MESSAGE_ID: Final = 100
_LONGEST_EXTERNAL_ID: Final = 200
_REACHES: Final = frozenset({"email", "phone"})
_AS_BUILT: Final = IdentityRules().priorities
_LEAD_ID: Final = re.compile("[0-9a-f]{32}")

UNKNOWN_LEAD: Final = "intake.unknown_lead"
"""The code of a message that names a lead by an id that is none of ours."""

ERASED: Final = "intake.erased"
"""The code of a message about somebody who asked to be forgotten: dropped and counted."""


class Refusal(NamedTuple):
    """A message that cannot be used; it goes to quarantine under this code, and nothing is lost."""

    code: str


class ExternalRef(NamedTuple):
    """How a source names a lead."""

    source: str
    id: str


class CompanyKeys(NamedTuple):
    """What a company is known by, as keyed hashes; empty if nothing was said."""

    domain: str
    name: str


class Acquisition(NamedTuple):
    """What brought somebody here, as far as the message told; nothing in it names a person.

    ``ad`` and ``keyword`` are utm_content and utm_term, ``source`` is utm_source or the name of the
    referring site; ``click_id`` is the kind of click id that was there (gclid), never its value.
    ``ad_ids`` are a platform's ids of campaign, ad_group and ad.
    """

    channel: str
    campaign: str = ""
    ad: str = ""
    keyword: str = ""
    medium: str = ""
    referrer: str = ""
    source: str = ""
    click_id: str = ""
    landing_page: str = ""
    ad_ids: Mapping[str, str] = MappingProxyType({})


class Intake(msgspec.Struct, kw_only=True, gc=False):
    """One message, understood.

    ``anchors`` identify a person, strongest first; ``anonymous`` are browsers and devices, which
    only carry behaviour along, and opportunities. ``addressed`` names the lead by our own id and then
    nothing else counts. ``further_acts`` were done with the act. ``click`` brought the browser here, and
    only carries itself along. ``message_id`` is the client's own, if it may be shown. A ``cost`` is about
    nobody. ``imported`` is there for a row of a table, and ``release`` names the import that is to hold the
    addressed lead no longer. ``company`` is where the person works. ``form`` is the keyed hash of all that
    was filled in. ``agent`` is the browser of the person, as the message tells, and ``dismissed`` why what
    was done counts for nothing.
    """

    source: str
    occurred: Instant
    anchors: Sequence[Identifier]
    anonymous: Sequence[Identifier]
    message_id: str | None = None
    external: ExternalRef | None = None
    traits: Traits | None = None
    act: Act | None = None
    further_acts: Sequence[Act] = ()
    outcome: Outcome | None = None
    cost: Cost | None = None
    acquisition: Acquisition | None = None
    addressed: Identifier | None = None
    click: Identifier | None = None
    imported: Imported | None = None
    release: str = ""
    company: CompanyKeys | None = None
    form: str = ""
    agent: str = ""
    dismissed: str = ""

    @property
    def only_suppresses(self) -> bool:
        """True for a row of a table of people who want no mail: nobody becomes a lead by that (I11)."""
        return self.imported is not None and self.act is not None and self.act.name == UNSUBSCRIBED

    @property
    def identifiers(self) -> Sequence[Identifier]:
        """Everything by which the message may lead to somebody, or something to it."""
        more = tuple(one for one in (self.addressed, self.click) if one is not None)
        return (*self.anchors, *self.anonymous, *more)


class Claims(NamedTuple):
    """The ids that a message carries, as the client wrote them."""

    user_id: object = None
    anonymous_ids: Sequence[object] = ()
    external_id: object = None


def show_message_id(value: str | None) -> str | None:
    """Return the client's message id as it may stand in events: up to 100 characters, naming nobody."""
    if value is None or "@" in value:
        return None
    if value.replace("+", "").isdigit() and identifies(value) and not is_platform_id(value):
        return None
    return value[:_LONGEST_MESSAGE_ID]


def address(lead_id: object, *, is_internal: bool) -> Identifier | None:
    """Return the lead that a message names by our own id; only the platform's own sources may."""
    if not is_internal or not isinstance(lead_id, str) or _LEAD_ID.fullmatch(lead_id) is None:
        return None
    return Identifier(IdentifierKind.LEAD, lead_id)


def identify(
    claims: Claims,
    traits: Traits | None,
    *,
    source: str,
    record_id: str,
    rules: IdentityRules,
    hash_identifier: HashIdentifier,
) -> tuple[list[Identifier], list[Identifier], ExternalRef | None]:
    """Return the anchors, the one that decides first, the anonymous identifiers, and the external id.

    A person who can be reached, but only where others are reached too (info@), is known by the
    message alone: accepted, and never brought together with anybody.
    """
    anchors: list[Identifier] = []
    external = None
    if (external_id := clean_id(claims.external_id, rules)) is not None:
        anchors.append(hash_identifier(IdentifierKind.EXTERNAL, f"{source}\x1f{external_id}"))
        if "@" not in external_id and (is_platform_id(external_id) or not identifies(external_id)):
            external = ExternalRef(source, external_id[:_LONGEST_EXTERNAL_ID])
    if (user_id := clean_id(claims.user_id, rules)) is not None:
        anchors.append(hash_identifier(IdentifierKind.USER, user_id))
    if traits is not None:
        email, phone = traits.contact.get("email"), traits.contact.get("phone")
        if email is not None and email_identifies(email, rules):
            anchors.append(hash_identifier(IdentifierKind.EMAIL, email))
        if phone is not None and phone not in rules.blocked:
            anchors.append(hash_identifier(IdentifierKind.PHONE, phone))
            if name := traits.contact.get("name"):
                both = f"{phone}\x1f{name_key(name)}"
                anchors.append(hash_identifier(IdentifierKind.NUMBER_AND_NAME, both))
    if rules.priorities != _AS_BUILT:
        rank = {kind: place for place, kind in enumerate((*rules.priorities, IdentifierKind.NUMBER_AND_NAME))}
        anchors.sort(key=lambda one: rank[one.kind])
    anonymous = [
        hash_identifier(IdentifierKind.ANONYMOUS, text)
        for value in claims.anonymous_ids
        if (text := clean_id(value, rules)) is not None
    ]
    if (
        not anchors
        and not anonymous
        and traits is not None
        and not traits.contact.keys().isdisjoint(_REACHES)
    ):
        anchors.append(hash_identifier(IdentifierKind.EXTERNAL, f"{source}\x1f\x1f{record_id}"))
    return anchors, anonymous, external
