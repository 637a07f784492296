"""Owners: which rep owns which lead, as routing says it on the topic of assignments.

Each partition of that topic is read in order, and a lead's words lie in one; so the last one counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from services.ingest.domain.desk.owners import OwnerHeard
from shared.postgres.database import Transaction

CREATE: Final = """
CREATE TABLE lead_owner (
    lead text COLLATE "C" PRIMARY KEY,
    rep text COLLATE "C",
    since bigint NOT NULL
);
CREATE INDEX lead_owner_rep ON lead_owner (rep) WHERE rep IS NOT NULL;
COMMENT ON TABLE lead_owner IS 'who owns a lead, as routing says; null: nobody any more';
"""

_SAVE: Final = """
INSERT INTO lead_owner (lead, rep, since) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
ON CONFLICT (lead) DO UPDATE SET rep = excluded.rep, since = excluded.since
"""


async def save_owners(transaction: Transaction, heard: Mapping[str, OwnerHeard]) -> None:
    """Note who owns these leads now."""
    if heard:
        leads = sorted(heard)
        await transaction.execute(
            _SAVE, leads, [heard[lead].rep for lead in leads], [heard[lead].since for lead in leads]
        )


async def load_owner(transaction: Transaction, lead: str) -> str | None:
    """Return the rep who owns a lead, None if nobody does."""
    return (await load_owners(transaction, [lead])).get(lead)


async def claim_owner(transaction: Transaction, lead: str) -> str | None:
    """Return the rep who owns a lead, and let nobody else have it before the transaction has ended."""
    rep: str | None = await transaction.fetch_value(
        "SELECT rep FROM lead_owner WHERE lead = $1 FOR SHARE", lead
    )
    return rep


async def load_owners(transaction: Transaction, leads: Collection[str]) -> dict[str, str]:
    """Return the reps who own these leads; those that nobody owns are left out."""
    rows = await transaction.fetch(
        "SELECT lead, rep FROM lead_owner WHERE lead = ANY($1::text[]) AND rep IS NOT NULL", list(leads)
    )
    return {row["lead"]: row["rep"] for row in rows}
