"""Load and save what a batch of messages is about: a fixed number of statements, whatever its size.

Locks are taken in the order messages, identifiers, leads, each in order of its key. What a known
identifier belongs to never changes, so a known one needs no lock; an unknown one is inserted, and
whoever inserts the same waits. Profiles move only under the locks of both leads: a profile that is not
where it was when the leads were chosen means that somebody moved it meanwhile, and the batch is tried
again from the beginning.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from services.ingest.domain.directory import Contact, Directory, Lead, Profile, Told
from services.ingest.domain.evidence.marks import Marks
from services.ingest.domain.identifiers import Identifier, IdentifierKind
from services.ingest.domain.intake import ExternalRef
from services.ingest.store.desk.consents import save_consents
from services.ingest.store.tags.book import load_book, save_book
from shared.postgres.database import Row, Transaction
from shared.postgres.faults import WriteConflict

_encode: Final = msgspec.json.Encoder().encode
_read_told: Final = msgspec.json.Decoder(dict[str, Told]).decode
_read_identifiers: Final = msgspec.json.Decoder(dict[str, tuple[str, ...]]).decode
_read_holds: Final = msgspec.json.Decoder(dict[str, str]).decode
_read_marks: Final = msgspec.json.Decoder(Marks).decode
_read_external: Final = msgspec.json.Decoder(list[tuple[str, str]]).decode

_CLAIM_MESSAGES: Final = """
INSERT INTO seen_message (record_id, received) SELECT * FROM unnest($1::bytea[], $2::bigint[])
ON CONFLICT DO NOTHING RETURNING record_id
"""
_CLAIM_IDENTIFIERS: Final = """
INSERT INTO identifier (value_hash, kind, profile) SELECT hash, kind, hash FROM unnest($1::text[], $2::text[])
AS new(hash, kind) ON CONFLICT DO NOTHING RETURNING value_hash
"""
_FIND_LEADS: Final = """
SELECT i.value_hash, i.profile, p.lead FROM identifier i JOIN profile p ON p.id = i.profile
WHERE i.value_hash = ANY($1::text[])
"""
_LOCK_LEADS: Final = "SELECT id FROM lead WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
_LOAD_PROFILES: Final = """
SELECT id, lead, version, came_from, verdict FROM profile WHERE lead = ANY($1::text[])
"""
_LOAD_LEADS: Final = """
SELECT l.id, l.version, l.is_captured, l.created, l.attributes, l.identifiers, l.external_ids, l.erased,
       l.holds, l.company, l.company_by, l.marks, c.version AS contact_version, c.known, c.free_text
FROM lead l LEFT JOIN contact c ON c.lead = l.id WHERE l.id = ANY($1::text[])
"""
_FIND_LEAD_IDS: Final = """
SELECT lead FROM (
    SELECT p.lead FROM identifier i JOIN profile p ON p.id = i.profile WHERE i.value_hash = ANY($1::text[])
    UNION
    SELECT p.lead FROM contact c JOIN profile p ON p.id = c.lead WHERE c.email = $2 OR c.phone = $3
) AS found JOIN lead l ON l.id = found.lead WHERE l.erased IS NULL ORDER BY lead LIMIT $4
"""
_ATTACH: Final = """
UPDATE identifier i SET profile = a.profile FROM unnest($1::text[], $2::text[]) AS a(hash, profile)
WHERE i.value_hash = a.hash
"""
_SAVE_PROFILES: Final = """
INSERT INTO profile (id, lead, version, came_from, verdict)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::int[])
ON CONFLICT (id) DO UPDATE SET lead = excluded.lead, version = excluded.version,
    came_from = excluded.came_from, verdict = excluded.verdict
"""
_SAVE_LEADS: Final = """
INSERT INTO lead (id, version, is_captured, created, attributes, identifiers, external_ids, holds, company,
                  company_by, marks)
SELECT id, version, is_captured, created, attributes::jsonb, identifiers::jsonb, external_ids::jsonb,
    holds::jsonb, company, company_by, marks::jsonb
FROM unnest($1::text[], $2::int[], $3::bool[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::text[])
    AS s(id, version, is_captured, created, attributes, identifiers, external_ids, holds, company, company_by,
         marks)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, is_captured = excluded.is_captured,
    created = excluded.created, attributes = excluded.attributes, identifiers = excluded.identifiers,
    external_ids = excluded.external_ids, holds = excluded.holds, company = excluded.company,
    company_by = excluded.company_by, marks = excluded.marks
"""
_SAVE_CONTACTS: Final = """
INSERT INTO contact (lead, version, email, phone, known, free_text)
SELECT lead, version, email, phone, known::jsonb, free_text::jsonb
FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS s(lead, version, email, phone, known, free_text)
ON CONFLICT (lead) DO UPDATE SET version = excluded.version, email = excluded.email,
    phone = excluded.phone, known = excluded.known, free_text = excluded.free_text
"""


async def claim_messages(transaction: Transaction, received: Mapping[str, int]) -> set[str]:
    """Note messages as seen, by record id, and return those that were not seen before."""
    ids = sorted(received)
    rows = await transaction.fetch(
        _CLAIM_MESSAGES, [bytes.fromhex(one) for one in ids], [received[one] for one in ids]
    )
    return {row["record_id"].hex() for row in rows}


async def release_messages(transaction: Transaction, record_ids: Sequence[str]) -> None:
    """Let messages count as unseen again, because they took no effect."""
    await transaction.execute(
        "DELETE FROM seen_message WHERE record_id = ANY($1::bytea[])",
        [bytes.fromhex(one) for one in record_ids],
    )


async def forget_messages(transaction: Transaction, *, received_before: int, limit: int) -> int:
    """Delete what was seen before an instant, ``limit`` rows at most; returns how many went."""
    return await transaction.execute(
        "DELETE FROM seen_message WHERE record_id = ANY (ARRAY("
        "SELECT record_id FROM seen_message WHERE received < $1 LIMIT $2))",
        *(received_before, limit),
    )


async def load_directory(
    transaction: Transaction, identifiers: Collection[Identifier], *, leads: Collection[str] = ()
) -> tuple[Directory, frozenset[str]]:
    """Lock and load what the identifiers lead to, and these leads besides.

    Returns the directory, and the hashes of the identifiers that nobody had before.

    :raises WriteConflict: if a profile moved meanwhile; try again.
    """
    known = {identifier.hash: identifier.kind for identifier in identifiers}
    hashes = sorted(known)
    fresh: frozenset[str] = frozenset()
    found: Sequence[Row] = ()
    if hashes:
        rows = await transaction.fetch(_CLAIM_IDENTIFIERS, hashes, [known[one] for one in hashes])
        fresh = frozenset(row["value_hash"] for row in rows)
        if len(fresh) < len(hashes):
            found = await transaction.fetch(_FIND_LEADS, [one for one in hashes if one not in fresh])
    wanted = sorted({*(row["lead"] for row in found), *leads})
    directory = Directory()
    if wanted:
        await lock_leads(transaction, wanted)
        profiles = {row["id"]: _profile(row) for row in await transaction.fetch(_LOAD_PROFILES, wanted)}
        if any(row["profile"] not in profiles for row in found):
            raise WriteConflict("a profile has moved meanwhile; the batch is tried again")
        loaded = await load_leads(transaction, wanted)
        directory = Directory(
            profiles_of_identifiers={row["value_hash"]: row["profile"] for row in found},
            profiles=profiles,
            leads=loaded,
        )
    await load_book(transaction, directory)
    return directory, fresh


async def load_identifiers(transaction: Transaction, profiles: Collection[str]) -> dict[str, IdentifierKind]:
    """Return the identifiers that belong to these profiles, by hash."""
    rows = await transaction.fetch(
        "SELECT value_hash, kind FROM identifier WHERE profile = ANY($1::text[])", sorted(profiles)
    )
    return {row["value_hash"]: IdentifierKind(row["kind"]) for row in rows}


async def find_home(transaction: Transaction, profile: str) -> str | None:
    """Return the lead with which a profile lives, None if there is no such profile."""
    home: str | None = await transaction.fetch_value("SELECT lead FROM profile WHERE id = $1", profile)
    return home


async def load_profiles(transaction: Transaction, lead: str) -> list[Profile]:
    """Return the profiles that live with a lead, in order of their ids."""
    rows = await transaction.fetch(_LOAD_PROFILES, [lead])
    return sorted(map(_profile, rows), key=lambda profile: profile.id)


def _profile(row: Row) -> Profile:
    return Profile(row["id"], row["lead"], row["version"], row["came_from"], row["verdict"])


async def load_kinds(transaction: Transaction, profiles: Collection[str]) -> list[str]:
    """Return the kind of each identifier that belongs to these profiles."""
    rows = await transaction.fetch(
        "SELECT kind FROM identifier WHERE profile = ANY($1::text[])", sorted(profiles)
    )
    return [row["kind"] for row in rows]


async def lock_leads(transaction: Transaction, ids: Sequence[str]) -> None:
    """Lock these leads until commit, in order of their ids."""
    await transaction.fetch(_LOCK_LEADS, sorted(ids))


async def load_leads(transaction: Transaction, ids: Sequence[str]) -> dict[str, Lead]:
    """Return these leads with their contacts, by id; those that are not there are left out."""
    return {row["id"]: _lead(row) for row in await transaction.fetch(_LOAD_LEADS, list(ids))}


async def find_lead_ids(
    transaction: Transaction, *, hashes: Sequence[str], email: str | None, phone: str | None, limit: int
) -> list[str]:
    """Return the leads of these identifiers, and those that gave this address or number, in order."""
    rows = await transaction.fetch(_FIND_LEAD_IDS, list(hashes), email, phone, limit)
    return [row["lead"] for row in rows]


def _lead(row: Row) -> Lead:
    contact = Contact()
    if row["contact_version"] is not None:
        contact = Contact(row["contact_version"], _read_told(row["known"]), _read_told(row["free_text"]))
    return Lead(
        id=row["id"],
        version=row["version"],
        is_captured=row["is_captured"],
        created=row["created"],
        attributes=_read_told(row["attributes"]),
        identifiers=_read_identifiers(row["identifiers"]),
        external_ids=tuple(ExternalRef(*pair) for pair in _read_external(row["external_ids"])),
        contact=contact,
        erased=row["erased"],
        holds={} if row["holds"] is None else _read_holds(row["holds"]),
        company=row["company"],
        company_by=row["company_by"],
        marks=_read_marks(row["marks"]),
    )


_NOTHING_SAID: Final = Contact()
"""What was taken away by hand before anybody had said it is a word, too, and no version yet."""


async def save_directory(transaction: Transaction, directory: Directory, *, fresh: Collection[str]) -> None:
    """Write what changed, and append what was said about consent.

    An identifier that was claimed and then belongs to nobody is let go.
    """
    owners = directory.profiles_of_identifiers
    attached = sorted(one for one in fresh if one in owners and owners[one] != one)
    if attached:
        await transaction.execute(_ATTACH, attached, [owners[one] for one in attached])
    unused = sorted(one for one in fresh if one not in owners)
    if unused:
        await transaction.execute("DELETE FROM identifier WHERE value_hash = ANY($1::text[])", unused)
    if directory.changed_profiles:
        profiles = [directory.profiles[one] for one in sorted(directory.changed_profiles)]
        await transaction.execute(
            _SAVE_PROFILES,
            [profile.id for profile in profiles],
            [profile.lead for profile in profiles],
            [profile.version for profile in profiles],
            [profile.came_from for profile in profiles],
            [profile.verdict for profile in profiles],
        )
    await save_book(transaction, directory.book)
    await _save_leads(transaction, [directory.leads[one] for one in sorted(directory.changed_leads)])
    await _save_contacts(
        transaction,
        [
            directory.leads[one]
            for one in sorted(directory.changed_contacts)
            if directory.leads[one].contact != _NOTHING_SAID
        ],
    )
    await save_consents(transaction, directory.consents)


async def _save_leads(transaction: Transaction, leads: Sequence[Lead]) -> None:
    if leads:
        await transaction.execute(
            _SAVE_LEADS,
            [lead.id for lead in leads],
            [lead.version for lead in leads],
            [lead.is_captured for lead in leads],
            [lead.created for lead in leads],
            [_encode(lead.attributes).decode() for lead in leads],
            [_encode(lead.identifiers).decode() for lead in leads],
            [_encode(lead.external_ids).decode() for lead in leads],
            [_encode(lead.holds).decode() if lead.holds else None for lead in leads],
            [lead.company for lead in leads],
            [lead.company_by for lead in leads],
            [_encode(lead.marks).decode() for lead in leads],
        )


async def _save_contacts(transaction: Transaction, leads: Sequence[Lead]) -> None:
    if leads:
        contacts = [lead.contact for lead in leads]
        await transaction.execute(
            _SAVE_CONTACTS,
            [lead.id for lead in leads],
            [contact.version for contact in contacts],
            [contact.text("email") for contact in contacts],
            [contact.text("phone") for contact in contacts],
            [_encode(contact.known).decode() for contact in contacts],
            [_encode(contact.free_text).decode() for contact in contacts],
        )
