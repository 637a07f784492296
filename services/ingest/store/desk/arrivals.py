"""What came in within a stretch of time: lines of stories, and what lies in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.ingest.domain.story import StoryRow
from services.ingest.store.story import read_line
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

CREATE: Final = """
CREATE INDEX story_at ON story USING brin (at);
CREATE INDEX quarantine_received ON quarantine (received);
"""

_CAME_IN: Final = """
SELECT s.profile, p.lead, s.at, s.kind, s.text, s.message_id, s.cause, s.event
FROM story s JOIN profile p ON p.id = s.profile
WHERE s.at BETWEEN $1 AND $2 AND ($3::text[] IS NULL OR p.lead = ANY($3))
  AND s.kind <> 'lead_unmerged' AND s.text NOT LIKE 'corrected by %'
  AND ($4::text IS NULL OR EXISTS (
        SELECT FROM story f WHERE f.at = s.at AND f.cause = s.cause AND f.kind = 'form_submitted'
        AND position('form=' || $4 IN f.text) > 0))
  AND ($5::text IS NULL OR s.text LIKE '%from ' || $5 || '%')
ORDER BY s.at, s.cause LIMIT $6
"""


class Laid(NamedTuple):
    """A message or request that lies in quarantine."""

    id: str
    source: str
    code: str
    received: Instant
    record: bytes
    is_replayed: bool


async def load_came_in(
    transaction: Transaction,
    *,
    start: Instant,
    end: Instant,
    leads: Sequence[str] | None,
    form: str | None,
    source: str | None,
    limit: int,
) -> list[StoryRow]:
    """Return lines of what occurred from ``start`` to ``end``, each with the lead it belongs to now."""
    given = None if leads is None else list(leads)
    rows = await transaction.fetch(_CAME_IN, start, end, given, form, source, limit)
    return [read_line(row) for row in rows]


async def load_laid(
    transaction: Transaction, *, start: Instant, end: Instant, source: str | None, limit: int
) -> list[Laid]:
    """Return what was received from ``start`` to ``end`` and could not be used, oldest first."""
    rows = await transaction.fetch(
        "SELECT record_id, source, code, received, record, replayed IS NOT NULL AS is_replayed"
        " FROM quarantine WHERE received BETWEEN $1 AND $2"
        " AND ($3::text IS NULL OR source = $3 OR source = '')"
        " ORDER BY received, record_id LIMIT $4",
        *(start, end, source, limit),
    )
    return [Laid(*row.values()) for row in rows]


async def load_erased(transaction: Transaction, hashes: Sequence[str]) -> list[tuple[str, Instant]]:
    """Return the erased leads to which identifiers lead, and since when."""
    rows = await transaction.fetch(
        "SELECT DISTINCT l.id, l.erased FROM identifier i JOIN profile p ON p.id = i.profile"
        " JOIN lead l ON l.id = p.lead WHERE i.value_hash = ANY($1::text[]) AND l.erased IS NOT NULL",
        list(hashes),
    )
    return [(row["id"], row["erased"]) for row in rows]


async def count_waiting(transaction: Transaction) -> int:
    """Return how many messages the edges kept that the resolver has not worked off; a few seconds behind."""
    waiting: int = await transaction.fetch_value(
        "SELECT greatest(0, (SELECT coalesce(sum(messages), 0) FROM source_accepted)"
        " - (SELECT coalesce(sum(messages), 0) FROM source_resolved WHERE source <> ''))::bigint"
    )
    return waiting
