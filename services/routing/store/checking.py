"""What the audit compares: counts and neighbours, in statements of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.postgres.database import Row, Transaction

_BROKEN_STAYS: Final = """
SELECT lead, number FROM (
    SELECT lead, number, since, until,
        row_number() OVER each AS place, lead(since) OVER each AS next_since
    FROM stay WHERE $1::text[] IS NULL OR lead = ANY($1) WINDOW each AS (PARTITION BY lead ORDER BY number)
) AS s
WHERE number <> place OR until IS DISTINCT FROM next_since OR until < since ORDER BY lead, number LIMIT $2
"""
_SAID_GAPS: Final = """
SELECT l.id, (l.state->>'said')::int AS told, count(s.number) AS kept, coalesce(max(s.number), 0) AS last
FROM lead l LEFT JOIN said s ON s.lead = l.id
WHERE l.state IS NOT NULL AND ($1::text[] IS NULL OR l.id = ANY($1))
GROUP BY l.id HAVING count(s.number) <> coalesce((l.state->>'said')::int, 0)
    OR coalesce(max(s.number), 0) <> coalesce((l.state->>'said')::int, 0) ORDER BY l.id LIMIT $2
"""
_UNTOLD_SPELLS: Final = """
SELECT * FROM (
    SELECT t.lead, t.number, t.assignment, t.until IS NOT NULL AS has_ended,
        (SELECT count(*) FROM said s WHERE s.lead = t.lead AND s.assignment = t.assignment
            AND s.kind IN ('lead_assigned', 'lead_claimed', 'lead_transferred')) AS begun,
        (SELECT count(*) FROM said s WHERE s.lead = t.lead AND s.assignment = t.assignment
            AND s.kind IN ('lead_recalled', 'lead_returned', 'ownership_ended')) AS ended,
        EXISTS (SELECT 1 FROM stay n WHERE n.lead = t.lead AND n.number = t.number + 1 AND n.place = 'owned')
            AS passes_on
    FROM stay t WHERE t.place = 'owned' AND ($1::text[] IS NULL OR t.lead = ANY($1))
) AS s
WHERE begun <> 1 OR ended <> (has_ended AND NOT passes_on)::int ORDER BY lead, number LIMIT $2
"""
_TWICE_CONVERTED: Final = """
SELECT lead, fields->>'opportunity' AS opportunity, count(*) AS times FROM said WHERE kind = 'lead_converted'
GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 1, 2 LIMIT $1
"""
_LOADS: Final = """
SELECT lead.id, lead.state FROM lead WHERE rep IS NOT NULL
"""
_LOST_PROFILES: Final = """
SELECT p.id, p.lead FROM profile p LEFT JOIN lead l ON l.id = p.lead AND l.state IS NOT NULL
WHERE l.id IS NULL LIMIT $1
"""
_MISPLACED: Final = """
SELECT l.id, l.place, p.lead FROM lead l JOIN profile p ON p.id = l.id
WHERE l.place <> 'erased' AND (l.place = 'merged') <> (p.lead <> p.id) ORDER BY l.id LIMIT $1
"""
_STRAY_TIMERS: Final = """
SELECT t.key, t.name FROM timer t LEFT JOIN lead l ON l.id = t.key AND l.rep IS NOT NULL
WHERE l.id IS NULL ORDER BY t.key, t.name LIMIT $1
"""


async def find_broken_stays(
    transaction: Transaction, leads: Sequence[str] | None, *, limit: int
) -> Sequence[Row]:
    """Return stays that are out of number, or do not end where the next begins."""
    return await transaction.fetch(_BROKEN_STAYS, _listed(leads), limit)


async def find_said_gaps(
    transaction: Transaction, leads: Sequence[str] | None, *, limit: int
) -> Sequence[Row]:
    """Return leads of which another number of events was said than rows are kept."""
    return await transaction.fetch(_SAID_GAPS, _listed(leads), limit)


async def find_untold_spells(
    transaction: Transaction, leads: Sequence[str] | None, *, limit: int
) -> Sequence[Row]:
    """Return spells of ownership whose beginning or end was not said, or was said twice."""
    return await transaction.fetch(_UNTOLD_SPELLS, _listed(leads), limit)


async def find_twice_converted(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return opportunities that were made more than once."""
    return await transaction.fetch(_TWICE_CONVERTED, limit)


async def find_lost_profiles(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return profiles that live with a lead that is not there."""
    return await transaction.fetch(_LOST_PROFILES, limit)


async def find_misplaced(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return leads that are merged while their own profile lives with them, or the other way round."""
    return await transaction.fetch(_MISPLACED, limit)


async def find_stray_timers(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return clocks of leads that nobody owns."""
    return await transaction.fetch(_STRAY_TIMERS, limit)


async def load_owned_states(transaction: Transaction) -> Sequence[Row]:
    """Return the states of all owned leads."""
    return await transaction.fetch(_LOADS)


async def count_said(transaction: Transaction) -> dict[str, int]:
    """Return how many events were said of each lead."""
    rows = await transaction.fetch("SELECT lead, count(*) AS said FROM said GROUP BY lead")
    return {row["lead"]: row["said"] for row in rows}


async def load_drawn(transaction: Transaction, topic: str) -> dict[int, int]:
    """Return how many sequences were drawn for each partition of a topic."""
    rows = await transaction.fetch("SELECT partition, next FROM sequence WHERE topic = $1", topic)
    return {row["partition"]: row["next"] - 1 for row in rows}


def _listed(leads: Sequence[str] | None) -> list[str] | None:
    return None if leads is None else list(leads)
