"""Read one lead with everything that is kept of it, and all leads page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from services.routing.domain.lead import Lead
from services.routing.domain.profiles import Profile
from shared.postgres.database import Row, Transaction

_read_lead: Final = msgspec.json.Decoder(Lead).decode
_read_profile: Final = msgspec.json.Decoder(Profile).decode

_LEADS: Final = "SELECT * FROM lead WHERE id > $1 AND state IS NOT NULL ORDER BY id LIMIT $2"


class StoredLead(NamedTuple):
    """A lead's row: the copies for queries, and the lead itself."""

    row: Row
    lead: Lead


class LeadFile(NamedTuple):
    """A lead and all rows about it, oldest first."""

    lead: Lead
    profiles: Sequence[Profile]
    stays: Sequence[Row]
    decisions: Sequence[Row]
    follow_ups: Sequence[Row]
    tasks: Sequence[Row]


async def find_home(transaction: Transaction, lead: str) -> str:
    """Return the lead under which this one is known now."""
    seen = {lead}
    while True:
        home = await transaction.fetch_value("SELECT lead FROM profile WHERE id = $1", lead)
        if home is None or home in seen:
            return lead
        lead = home
        seen.add(lead)


async def load_lead(transaction: Transaction, lead: str) -> Lead | None:
    """Return a lead, None if nothing is known of it."""
    state = await transaction.fetch_value("SELECT state FROM lead WHERE id = $1", lead)
    return None if state is None else _read_lead(state)


async def load_file(transaction: Transaction, lead_id: str) -> LeadFile | None:
    """Return everything about a lead, None if nothing is known of it."""
    lead = await load_lead(transaction, lead_id)
    if lead is None:
        return None
    profiles = await transaction.fetch("SELECT state FROM profile WHERE lead = $1 ORDER BY id", lead_id)

    async def rows(table: str, order: str) -> Sequence[Row]:
        return await transaction.fetch(
            f"SELECT * FROM {table} WHERE lead = $1 ORDER BY {order}",  # noqa: S608 - our own names
            lead_id,
        )

    return LeadFile(
        lead,
        [_read_profile(row["state"]) for row in profiles],
        await rows("stay", "number"),
        await rows("decision", "number"),
        await rows("follow_up", "number"),
        await rows("task", "opened, id"),
    )


async def load_said(transaction: Transaction, lead: str) -> Sequence[Row]:
    """Return what was said of a lead, in order."""
    return await transaction.fetch("SELECT * FROM said WHERE lead = $1 ORDER BY number", lead)


async def load_leads_page(transaction: Transaction, *, after: str, limit: int) -> Sequence[StoredLead]:
    """Return leads with their rows, in order of their ids."""
    rows = await transaction.fetch(_LEADS, after, limit)
    return [StoredLead(row, _read_lead(row["state"])) for row in rows]


async def load_open_stays(transaction: Transaction, leads: Sequence[str]) -> dict[str, list[Row]]:
    """Return the stays of these leads that have not ended; there ought to be one of each."""
    found: dict[str, list[Row]] = {lead: [] for lead in leads}
    rows = await transaction.fetch(
        "SELECT * FROM stay WHERE lead = ANY($1::text[]) AND until IS NULL ORDER BY lead, number", list(leads)
    )
    for row in rows:
        found[row["lead"]].append(row)
    return found


async def load_known(transaction: Transaction, leads: Sequence[str]) -> dict[str, Lead]:
    """Return those of these leads that something is known of."""
    rows = await transaction.fetch(
        "SELECT id, state FROM lead WHERE id = ANY($1::text[]) AND state IS NOT NULL", list(leads)
    )
    return {row["id"]: _read_lead(row["state"]) for row in rows}


async def load_profiles(transaction: Transaction, profiles: Sequence[str]) -> dict[str, Profile]:
    """Return those of these profiles that something is known of."""
    rows: Sequence[Any] = await transaction.fetch(
        "SELECT id, state FROM profile WHERE id = ANY($1::text[])", list(profiles)
    )
    return {row["id"]: _read_profile(row["state"]) for row in rows}
