"""Find leads by what a person knows of them: an address, a number, a source's own id (I10)."""

from __future__ import annotations

from typing import Final

import msgspec

from services.ingest.domain.directory import Contact, Lead
from services.ingest.domain.identifiers import (
    HashIdentifier,
    IdentifierKind,
    IdentityRules,
    clean_id,
    normalise_email,
    normalise_phone,
)
from services.ingest.domain.traits import CONSENT, TERMS
from services.ingest.store.desk.owners import load_owners
from services.ingest.store.directory_rows import find_lead_ids, load_leads
from shared.kernel.instants import Instant
from shared.postgres.database import Database

_MOST: Final = 50


class ShownExternalId(msgspec.Struct, frozen=True):
    """How a source names the lead."""

    source: str
    id: str


class ShownConsent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody said last about one delivery channel, when, and the text that they agreed to last.

    Instants are in microseconds since 1970.
    """

    given: bool
    at: Instant
    text: str | None = None
    agreed: Instant | None = None


class ShownLead(msgspec.Struct, frozen=True, kw_only=True):
    """A lead as the API shows it; ``created`` is in microseconds since 1970, ``owner`` a rep's id."""

    id: str
    name: str | None
    email: str | None
    phone: str | None
    company_name: str | None
    attributes: dict[str, str | int | float | bool | None]
    free_text: dict[str, str]
    external_ids: list[ShownExternalId]
    missing: list[str]
    consents: dict[str, ShownConsent]
    reachable: bool
    captured: bool
    created: Instant
    owner: str | None = None

    def without_contact(self) -> ShownLead:
        """Return the lead without what names the person."""
        return msgspec.structs.replace(
            self, name=None, email=None, phone=None, company_name=None, free_text={}
        )


class LeadSearch:
    """Answers who it is."""

    def __init__(self, database: Database, *, rules: IdentityRules, hash_identifier: HashIdentifier) -> None:
        self._database = database
        self._rules = rules
        self._hash = hash_identifier

    async def find(
        self, *, email: str | None, phone: str | None, source: str | None, external_id: str | None
    ) -> list[ShownLead]:
        """Return the leads that any of these belong to, fifty at most, in order of their ids.

        An address or number that identifies nobody (info@) finds every lead that gave it.
        """
        hashes = []
        address = normalise_email(email)
        if address is not None:
            hashes.append(self._hash(IdentifierKind.EMAIL, address).hash)
        number = normalise_phone(phone, region=None, rules=self._rules)
        if number is not None:
            hashes.append(self._hash(IdentifierKind.PHONE, number).hash)
        own = clean_id(external_id, self._rules)
        if source and own is not None:
            hashes.append(self._hash(IdentifierKind.EXTERNAL, f"{source}\x1f{own}").hash)
        async with self._database.connection() as connection:
            ids = await find_lead_ids(connection, hashes=hashes, email=address, phone=number, limit=_MOST)
            leads = await load_leads(connection, ids)
            owners = await load_owners(connection, ids)
        return [show(leads[lead_id], owner=owners.get(lead_id)) for lead_id in sorted(leads)]


def show(lead: Lead, *, owner: str | None = None) -> ShownLead:
    """Return a lead as the API shows it."""
    contact: Contact = lead.contact
    return ShownLead(
        id=lead.id,
        name=contact.text("name"),
        email=contact.text("email"),
        phone=contact.text("phone"),
        company_name=contact.text("company_name"),
        attributes=lead.attribute_values(),
        free_text=contact.texts(),
        external_ids=[ShownExternalId(ref.source, ref.id) for ref in lead.external_ids],
        missing=lead.missing,
        consents={
            name.removeprefix(CONSENT): _consent(contact, name.removeprefix(CONSENT))
            for name in sorted(contact.known)
            if name.startswith(CONSENT)
        },
        reachable=lead.is_reachable,
        captured=lead.is_captured,
        created=lead.created,
        owner=owner,
    )


def _consent(contact: Contact, channel: str) -> ShownConsent:
    told, terms = contact.known[f"{CONSENT}{channel}"], contact.known.get(f"{TERMS}{channel}")
    if terms is None:
        return ShownConsent(bool(told.value), told.at)
    return ShownConsent(bool(told.value), told.at, str(terms.value), terms.at)
