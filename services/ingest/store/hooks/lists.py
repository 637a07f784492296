"""Until when each list of a vendor was looked through, and whose turn it is to look.

A list is one that the vendor gives out page by page, as the leads of a form. Leases and turns go by the
clock of this database, positions by business time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from shared.kernel.instants import Instant, from_datetime
from shared.postgres.database import Transaction

_CLAIM: Final = """
WITH due AS MATERIALIZED (
    SELECT source, provider FROM hook WHERE provider = ANY($1::text[]) AND next_look <= clock_timestamp()
    ORDER BY next_look LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE hook h SET next_look = clock_timestamp() + $2::interval FROM due
WHERE h.source = due.source AND h.provider = due.provider RETURNING h.source, h.provider, h.added
"""
_LOOKED: Final = """
UPDATE hook SET next_look = clock_timestamp() + $3::interval, last_fault = $4,
    looked = CASE WHEN $4::text IS NULL THEN clock_timestamp() ELSE looked END
WHERE source = $1 AND provider = $2
"""
_SAVE: Final = """
INSERT INTO hook_position (source, provider, stream, looked_until) VALUES ($1, $2, $3, $4)
ON CONFLICT (source, provider, stream) DO UPDATE
SET looked_until = greatest(hook_position.looked_until, excluded.looked_until)
"""
_KNOWN: Final = """
SELECT record_id, external_hash FROM unnest($1::text[], $2::text[]) AS l(record_id, external_hash)
WHERE EXISTS (SELECT FROM identifier i WHERE i.value_hash = l.external_hash)
    OR EXISTS (SELECT FROM seen_message s WHERE s.record_id = decode(l.record_id, 'hex'))
    OR EXISTS (SELECT FROM quarantine q WHERE q.record_id = l.record_id)
"""


class Listed(NamedTuple):
    """A lead that a vendor lists: the raw record it would be, and the hash of its external id.

    The hash is "" for what is worth hearing again when it changed, such as a contact of a CRM.
    """

    record_id: str
    external_hash: str


class Turn(NamedTuple):
    """A hook whose lists are ours to look through; ``added`` is when it was set up."""

    source: str
    provider: str
    added: Instant


async def claim_turn(transaction: Transaction, *, providers: Sequence[str], lease: timedelta) -> Turn | None:
    """Take the hook whose lists have waited longest, None if none is due."""
    row = await transaction.fetch_row(_CLAIM, list(providers), lease)
    return None if row is None else Turn(row["source"], row["provider"], from_datetime(row["added"]))


async def keep_turn(transaction: Transaction, turn: Turn, *, lease: timedelta) -> None:
    """Keep a hook's lists for another lease, because they are long."""
    await transaction.execute(
        "UPDATE hook SET next_look = clock_timestamp() + $3::interval WHERE source = $1 AND provider = $2",
        *(turn.source, turn.provider, lease),
    )


async def end_turn(
    transaction: Transaction, turn: Turn, *, again_in: timedelta, fault: str | None = None
) -> None:
    """Note that the lists were looked through, or why not, and when to look again."""
    await transaction.execute(_LOOKED, turn.source, turn.provider, again_in, fault)


async def load_positions(transaction: Transaction, source: str, provider: str) -> Mapping[str, Instant]:
    """Return until when each list was looked through."""
    rows = await transaction.fetch(
        "SELECT stream, looked_until FROM hook_position WHERE source = $1 AND provider = $2", source, provider
    )
    return {row["stream"]: row["looked_until"] for row in rows}


async def save_position(
    transaction: Transaction, source: str, provider: str, stream: str, *, until: Instant
) -> None:
    """Note until when a list was looked through; it never goes back."""
    await transaction.execute(_SAVE, source, provider, stream, until)


async def find_known(transaction: Transaction, listed: Sequence[Listed]) -> set[Listed]:
    """Return those whose lead is known, or whose message took effect or lies in quarantine."""
    rows = await transaction.fetch(
        _KNOWN, [one.record_id for one in listed], [one.external_hash for one in listed]
    )
    return {Listed(row["record_id"], row["external_hash"]) for row in rows}
