"""Erasure in the tables: what names the person goes in one transaction with the mark that stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from services.ingest.domain.choices import fold_spelling
from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.erasure import Erased, needles_of
from services.ingest.store.choices.unmatched import forget_missed
from services.ingest.store.directory_rows import load_leads, lock_leads
from services.ingest.store.identity.conflicts import forget_doubts
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

CREATE: Final = """
ALTER TABLE lead ADD COLUMN erased bigint;
COMMENT ON COLUMN lead.erased IS 'when the person asked to be forgotten; stays for good';
CREATE INDEX quarantine_record_key ON quarantine (record_key);
CREATE TABLE purge (
    lead text COLLATE "C" PRIMARY KEY,
    needles jsonb NOT NULL,
    asked bigint NOT NULL
);
COMMENT ON TABLE purge IS 'personal data, for minutes: what to look for in quarantine and dead letters';
"""

_SCRUB_QUARANTINE: Final = """
DELETE FROM quarantine WHERE record_key = ANY (ARRAY(
    SELECT convert_to(value_hash, 'UTF8') FROM identifier WHERE profile = ANY($1::text[])))
"""
_OF_PROFILES: Final = ("story", "note", "consent", "trail")
"""Tables of which nothing stays that a profile of the person is named in."""

_ASK: Final = """
INSERT INTO purge (lead, needles, asked) VALUES ($1, $2, $3)
ON CONFLICT (lead) DO UPDATE SET needles = excluded.needles, asked = excluded.asked
"""


async def load_members(transaction: Transaction, directory: Directory, lead_id: str) -> None:
    """Lock and load the leads that were merged into this one, into the directory."""
    members = [profile.id for profile in directory.profiles_of(lead_id) if profile.id not in directory.leads]
    if members:
        await lock_leads(transaction, members)
        directory.leads |= await load_leads(transaction, members)


async def scrub(transaction: Transaction, erased: Erased) -> dict[str, int]:
    """Delete what names the person, after the directory has been saved, and mark the leads.

    Returns how many rows went, by table. What may lie in quarantine or among the dead letters under no
    identifier is looked for afterwards.
    """
    leads = [lead.id for lead in erased.gone]
    profiles = [profile.id for profile in erased.profiles]
    at = erased.lead.erased
    assert at is not None
    removed = {"lead.attributes": sum(len(lead.attributes) for lead in erased.gone)}
    removed["contact"] = await transaction.execute("DELETE FROM contact WHERE lead = ANY($1::text[])", leads)
    await transaction.execute("UPDATE lead SET erased = $2 WHERE id = ANY($1::text[])", leads, at)
    for table in _OF_PROFILES:
        removed[table] = await transaction.execute(
            f"DELETE FROM {table} WHERE profile = ANY($1::text[])",  # noqa: S608 - our own names
            profiles,
        )
    removed["lead_card"] = await transaction.execute(
        "DELETE FROM lead_card WHERE lead = ANY($1::text[])", leads
    )
    removed["quarantine"] = await transaction.execute(_SCRUB_QUARANTINE, profiles)
    await forget_doubts(transaction, profiles)
    await forget_missed(transaction, texts=_texts_of(erased.gone), names=_names_of(erased.gone))
    needles = needles_of(erased.gone)
    if needles:
        await transaction.execute(_ASK, erased.lead.id, msgspec.json.encode(needles).decode(), at)
    return removed


def _texts_of(leads: Sequence[Lead]) -> set[str]:
    """Return what a person said in free text, as texts of choices are counted."""
    return {fold_spelling(text) for lead in leads for text in lead.contact.texts().values()}


def _names_of(leads: Sequence[Lead]) -> set[str]:
    names = (lead.contact.text(name) for lead in leads for name in ("name", "company_name", "email"))
    return {folded for name in names if name and len(folded := fold_spelling(name)) > 1}


class Purge(NamedTuple):
    """What is still to be looked for because of one erasure."""

    lead: str
    needles: Sequence[str]
    asked: Instant


async def load_purges(transaction: Transaction) -> list[Purge]:
    """Return what is still to be looked for, oldest first."""
    rows = await transaction.fetch("SELECT lead, needles, asked FROM purge ORDER BY asked, lead")
    return [Purge(row["lead"], msgspec.json.decode(row["needles"]), row["asked"]) for row in rows]


async def forget_purge(transaction: Transaction, purge: Purge) -> None:
    """Note that everything has been looked through."""
    await transaction.execute("DELETE FROM purge WHERE lead = $1 AND asked = $2", purge.lead, purge.asked)


class Kept(NamedTuple):
    """Bytes as they came, and the id of their row."""

    id: str
    content: bytes


async def load_quarantined_bytes(transaction: Transaction, *, after: str, limit: int) -> list[Kept]:
    """Return messages in quarantine after this record id."""
    rows = await transaction.fetch(
        "SELECT record_id, record FROM quarantine WHERE record_id > $1 ORDER BY record_id LIMIT $2",
        *(after, limit),
    )
    return [Kept(row["record_id"], row["record"]) for row in rows]


async def load_dead_bytes(transaction: Transaction, *, after: str, limit: int) -> list[Kept]:
    """Return dead letters after this id, those without bytes left out."""
    rows = await transaction.fetch(
        "SELECT id, record_value FROM dead_letter WHERE id > $1 AND record_value IS NOT NULL"
        " ORDER BY id LIMIT $2",
        *(after, limit),
    )
    return [Kept(row["id"], row["record_value"]) for row in rows]


async def delete_quarantined(transaction: Transaction, ids: Sequence[str]) -> None:
    """Delete messages from quarantine."""
    await transaction.execute("DELETE FROM quarantine WHERE record_id = ANY($1::text[])", list(ids))


async def empty_dead_letters(transaction: Transaction, ids: Sequence[str]) -> None:
    """Take the bytes out of dead letters; where they stood and why they failed stays."""
    await transaction.execute(
        "UPDATE dead_letter SET record_value = NULL WHERE id = ANY($1::text[])", list(ids)
    )
