"""Erasures: who asked when, and what each service says it removed; names nobody, kept for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from services.ingest.domain.erasure import RemovalHeard
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

CREATE: Final = """
CREATE TABLE erasure (
    lead text COLLATE "C" PRIMARY KEY,
    asked bigint NOT NULL,
    by text NOT NULL,
    profiles text[] NOT NULL,
    looked_through bigint
);
COMMENT ON TABLE erasure IS 'wishes to be forgotten, for good; opaque ids only';
COMMENT ON COLUMN erasure.looked_through IS 'when quarantine and dead letters had been looked through';

CREATE TABLE erasure_removed (
    profile text COLLATE "C" NOT NULL,
    service text NOT NULL,
    place text NOT NULL,
    rows bigint NOT NULL,
    PRIMARY KEY (profile, service, place)
);
COMMENT ON TABLE erasure_removed IS
    'what each service scrubbed of a profile; an empty place: it has answered';
"""

_OPEN: Final = """
INSERT INTO erasure (lead, asked, by, profiles, looked_through) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (lead) DO NOTHING
"""
_ADD: Final = """
INSERT INTO erasure_removed AS r (profile, service, place, rows)
SELECT profile, service, place, sum(rows)::bigint
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS n(profile, service, place, rows)
GROUP BY profile, service, place ORDER BY profile, service, place
ON CONFLICT (profile, service, place) DO UPDATE SET rows = r.rows + excluded.rows
"""


class Asked(NamedTuple):
    """A wish to be forgotten, and whose it was."""

    lead: str
    asked: Instant
    profiles: Sequence[str]


class Erasure(NamedTuple):
    """A wish to be forgotten, and what was removed: service, place, count; empty places are answers."""

    lead: str
    asked: Instant
    by: str
    profiles: Sequence[str]
    looked_through: Instant | None
    removed: Sequence[tuple[str, str, str, int]]


async def open_erasure(
    transaction: Transaction,
    *,
    lead: str,
    asked: Instant,
    by: str,
    profiles: Sequence[str],
    looked_through: Instant | None,
) -> None:
    """Note that somebody asked to be forgotten; the first time counts."""
    await transaction.execute(_OPEN, lead, asked, by, list(profiles), looked_through)


async def hear_removed(transaction: Transaction, heard: Sequence[RemovalHeard]) -> None:
    """Add what services say they removed; that they said so is noted, too, were it nothing."""
    await _add(
        transaction,
        [
            (one.profile, one.service, place, count)
            for one in heard
            for place, count in {"": 0, **one.removed}.items()
        ],
    )


async def add_removed(transaction: Transaction, by_lead: Mapping[str, Mapping[str, int]]) -> None:
    """Add what ingest itself removed afterwards, by lead and place."""
    await _add(
        transaction,
        [
            (lead, "ingest", place, count)
            for lead, counts in by_lead.items()
            for place, count in counts.items()
        ],
    )


async def _add(transaction: Transaction, rows: Sequence[tuple[str, str, str, int]]) -> None:
    if rows:
        await transaction.execute(_ADD, *map(list, zip(*rows, strict=True)))


async def close_purge(transaction: Transaction, lead: str, *, at: Instant) -> None:
    """Note that what was kept as it came has been looked through."""
    await transaction.execute("UPDATE erasure SET looked_through = $2 WHERE lead = $1", lead, at)


async def load_asked(transaction: Transaction, *, after: Instant, until: Instant) -> list[Asked]:
    """Return the wishes of a span, its beginning left out, oldest first."""
    rows = await transaction.fetch(
        "SELECT lead, asked, profiles FROM erasure WHERE asked > $1 AND asked <= $2 ORDER BY asked, lead",
        after,
        until,
    )
    return [Asked(row["lead"], row["asked"], row["profiles"]) for row in rows]


async def load_erasure(transaction: Transaction, lead: str) -> Erasure | None:
    """Return an erasure by the lead's id, or by that of a lead that was part of it."""
    row = await transaction.fetch_row(
        "SELECT * FROM erasure WHERE lead = $1 OR $1 = ANY(profiles) ORDER BY asked LIMIT 1", lead
    )
    if row is None:
        return None
    removed = await transaction.fetch(
        "SELECT profile, service, place, rows FROM erasure_removed WHERE profile = ANY($1::text[])"
        " ORDER BY service, place, profile",
        row["profiles"],
    )
    return Erasure(
        *(row["lead"], row["asked"], row["by"], row["profiles"], row["looked_through"]),
        [tuple(one.values()) for one in removed],
    )
