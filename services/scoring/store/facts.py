"""The table of facts: one row per fact, appended; the truth that scores follow from.

A row is never changed, but that free properties go when their person is to be forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from services.scoring.domain.facts import Fact, Place
from services.scoring.domain.scored_lead import KeptFact, Scrub, scrubbed
from shared.postgres.database import Row, Transaction

CREATE = """
CREATE TABLE fact (
    lead text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    profile text COLLATE "C" NOT NULL,
    occurred bigint NOT NULL,
    received bigint NOT NULL,
    name text NOT NULL,
    fields bytea NOT NULL,
    PRIMARY KEY (lead, id)
);
COMMENT ON TABLE fact IS 'what scoring knows: one row per lead and fact; times in microseconds since 1970';
COMMENT ON COLUMN fact.lead IS 'under which lead it is stored: its home, and where its profile lives';
COMMENT ON COLUMN fact.fields IS 'MessagePack map of the fields that rules use; no personal data';
"""

ORDER = "CREATE INDEX fact_in_order ON fact (lead, occurred, id)"
"""Reads a stretch of a lead's history without all of it."""

FIRST_PLACE: Final = Place(-(2**63), "")
"""Before the place of any fact."""

LAST_PLACE: Final = Place(2**63 - 1, "")
"""After the place of any fact."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, object]).decode


async def save_facts(transaction: Transaction, kept: Sequence[KeptFact]) -> None:
    """Append facts; one that is there already stays as it is."""
    await transaction.execute(
        "INSERT INTO fact (lead, id, profile, occurred, received, name, fields)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[],"
        " $7::bytea[]) ON CONFLICT DO NOTHING",
        [row.lead for row in kept],
        [row.fact.id for row in kept],
        [row.fact.profile for row in kept],
        [row.fact.occurred for row in kept],
        [row.fact.received for row in kept],
        [row.fact.name for row in kept],
        [_encode(dict(row.fact.fields)) for row in kept],
    )


async def scrub_facts(transaction: Transaction, scrubs: Sequence[Scrub]) -> None:
    """Take free properties out of stored facts: the one thing that ever changes a row of this table."""
    rows = await transaction.fetch(
        "SELECT f.* FROM unnest($1::text[], $2::text[]) AS s(lead, profile)"
        " JOIN fact f ON f.lead = s.lead AND s.profile IN ('', f.profile) FOR UPDATE OF f",
        [scrub.lead for scrub in scrubs],
        [scrub.profile for scrub in scrubs],
    )
    changed = [
        (row["lead"], row["id"], after)
        for row in rows
        if (after := scrubbed(before := _fact(row))) is not before
    ]
    await transaction.execute(
        "UPDATE fact SET fields = s.fields FROM unnest($1::text[], $2::text[], $3::bytea[])"
        " AS s(lead, id, fields) WHERE fact.lead = s.lead AND fact.id = s.id",
        [lead for lead, _, _ in changed],
        [fact_id for _, fact_id, _ in changed],
        [_encode(dict(after.fields)) for _, _, after in changed],
    )


async def load_facts(transaction: Transaction, leads: Collection[str]) -> dict[str, tuple[Fact, ...]]:
    """Return all facts stored under these leads, oldest first."""
    found: dict[str, list[Fact]] = {lead: [] for lead in leads}
    rows = await transaction.fetch(
        "SELECT * FROM fact WHERE lead = ANY($1::text[]) ORDER BY occurred, id", list(leads)
    )
    for row in rows:
        found[row["lead"]].append(_fact(row))
    return {lead: tuple(facts) for lead, facts in found.items()}


async def load_facts_between(
    transaction: Transaction, lead: str, *, after: Place, until: Place | None = None
) -> tuple[Fact, ...]:
    """Return the facts stored under one lead between two places, the second included, oldest first."""
    last = until or LAST_PLACE
    rows = await transaction.fetch(
        "SELECT * FROM fact WHERE lead = $1 AND (occurred, id) > ($2::bigint, $3::text)"
        " AND (occurred, id) <= ($4::bigint, $5::text) ORDER BY occurred, id",
        lead,
        *after,
        *last,
    )
    return tuple(_fact(row) for row in rows)


async def find_known(transaction: Transaction, lead: str, ids: Collection[str]) -> frozenset[str]:
    """Return those of these ids whose facts are stored under a lead."""
    rows = await transaction.fetch(
        "SELECT id FROM fact WHERE lead = $1 AND id = ANY($2::text[])", lead, list(ids)
    )
    return frozenset(row["id"] for row in rows)


async def find_absent(transaction: Transaction, wanted: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of these (lead, fact id) that are not there."""
    rows = await transaction.fetch(
        "SELECT w.lead, w.id FROM unnest($1::text[], $2::text[]) AS w(lead, id)"
        " LEFT JOIN fact f ON f.lead = w.lead AND f.id = w.id WHERE f.id IS NULL",
        [lead for lead, _ in wanted],
        [fact_id for _, fact_id in wanted],
    )
    return {(row["lead"], row["id"]) for row in rows}


async def find_orphans(transaction: Transaction, *, limit: int) -> list[str]:
    """Return leads under which facts are stored while nothing is known of the lead itself."""
    rows = await transaction.fetch(
        "SELECT DISTINCT lead FROM fact WHERE NOT EXISTS"
        " (SELECT FROM lead WHERE lead.key = fact.lead AND lead.payload IS NOT NULL) ORDER BY lead LIMIT $1",
        limit,
    )
    return [row["lead"] for row in rows]


def _fact(row: Row) -> Fact:
    return Fact(
        row["id"], row["profile"], row["occurred"], row["received"], row["name"], _decode(row["fields"])
    )
