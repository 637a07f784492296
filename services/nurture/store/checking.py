"""What the audit compares: runs, clocks, the ledger and what was said, each in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.postgres.database import Row, Transaction

_UNTOLD: Final = """
SELECT m.id, m.lead, m.state, s.kinds FROM message m
LEFT JOIN LATERAL (
    SELECT array_agg(kind ORDER BY kind) AS kinds FROM said WHERE said.message = m.id
) s ON true
WHERE NOT CASE
    WHEN s.kinds IS NULL THEN m.state IN ('planned', 'sending')
    WHEN m.state IN ('planned', 'sending') THEN false
    WHEN m.state = 'unconfirmed' THEN s.kinds = ARRAY['message_unconfirmed']
    WHEN m.state IN ('sent', 'failed') THEN s.kinds = ARRAY['message_' || m.state]
        OR s.kinds @> ARRAY['message_unconfirmed', 'message_' || m.state] AND cardinality(s.kinds) = 2
    ELSE s.kinds = ARRAY['message_suppressed'] END
ORDER BY m.id LIMIT $1
"""
_WITHOUT_ROW: Final = """
SELECT s.event, s.message, s.kind FROM said s LEFT JOIN message m ON m.id = s.message
WHERE s.message IS NOT NULL AND m.id IS NULL ORDER BY s.event LIMIT $1
"""
_STRAY_MESSAGES: Final = """
SELECT m.id FROM message m LEFT JOIN enrolment e ON e.id = m.enrolment WHERE e.id IS NULL
ORDER BY m.id LIMIT $1
"""
_WAITING: Final = """
SELECT e.id, e.lead, e.due, t.due AS clock, m.id AS message, m.state FROM enrolment e
LEFT JOIN timer t ON t.key = e.lead AND t.name = 'step'
LEFT JOIN message m ON m.id = e.message
WHERE e.state = 'running' AND (
    (e.due IS NULL) = (e.message IS NULL)
    OR e.due IS DISTINCT FROM t.due
    OR e.message IS NOT NULL
        AND (m.id IS NULL OR m.state NOT IN ('planned', 'sending') OR m.enrolment <> e.id)
)
ORDER BY e.id LIMIT $1
"""
_STRAY_TIMERS: Final = """
SELECT t.key FROM timer t LEFT JOIN enrolment e ON e.lead = t.key AND e.state = 'running'
WHERE e.id IS NULL ORDER BY t.key LIMIT $1
"""
_TWICE: Final = """
SELECT lead, sequence, step, count(*) AS times FROM (
    SELECT m.lead, m.sequence, m.step, m.enrolment FROM message m
    JOIN enrolment e ON e.id = m.enrolment
    WHERE m.state IN ('sent', 'unconfirmed') AND m.sequence = ANY($1::text[])
) AS mailed GROUP BY 1, 2, 3 HAVING count(*) > 1 ORDER BY 1, 2, 3 LIMIT $2
"""
_RUNS: Final = """
SELECT e.id, e.state, array_remove(array_agg(s.kind ORDER BY s.kind), NULL) AS kinds FROM enrolment e
LEFT JOIN said s ON s.enrolment = e.id AND s.message IS NULL
GROUP BY e.id, e.state
HAVING array_remove(array_agg(s.kind ORDER BY s.kind), NULL) <> CASE WHEN e.state = 'running'
    THEN ARRAY['lead_enrolled'] ELSE ARRAY['lead_enrolled', 'sequence_exited'] END
ORDER BY e.id LIMIT $1
"""
_FORBIDDEN: Final = """
SELECT e.id, e.lead FROM enrolment e JOIN lead l ON l.id = e.lead
WHERE e.state = 'running' AND (l.state ->> 'is_erased')::bool ORDER BY e.id LIMIT $1
"""
_INVALID: Final = """
SELECT e.id, e.lead FROM enrolment e JOIN lead l ON l.id = e.lead
WHERE e.state = 'running' AND (coalesce((l.state ->> 'is_ruled_out')::bool, false)
    OR coalesce((l.state ->> 'is_invalid')::bool, false)) ORDER BY e.id LIMIT $1
"""
_UNSCRUBBED: Final = """
SELECT c.lead FROM contact c JOIN lead l ON l.id = c.lead
WHERE (l.state ->> 'is_erased')::bool AND c.state IS NOT NULL ORDER BY c.lead LIMIT $1
"""
_COUNTS: Final = """
SELECT (SELECT count(*) FROM message) AS messages, (SELECT count(*) FROM enrolment) AS runs,
    (SELECT count(*) FROM enrolment WHERE state = 'running') AS running, (SELECT count(*) FROM said) AS said,
    (SELECT count(*) FROM lead WHERE (state ->> 'is_erased')::bool) AS erased
"""


async def find_untold_messages(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return messages of which something else was said than their state, or the same twice."""
    return await transaction.fetch(_UNTOLD, limit)


async def find_said_without_row(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return what was said of messages that the ledger does not hold."""
    return await transaction.fetch(_WITHOUT_ROW, limit)


async def find_stray_messages(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return messages that belong to no run."""
    return await transaction.fetch(_STRAY_MESSAGES, limit)


async def find_waiting_wrongly(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return running runs that do not wait for exactly one thing: their clock, or their message."""
    return await transaction.fetch(_WAITING, limit)


async def find_stray_timers(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return clocks of leads that are in no sequence."""
    return await transaction.fetch(_STRAY_TIMERS, limit)


async def find_mailed_twice(
    transaction: Transaction, *, sequences: Sequence[str], limit: int
) -> Sequence[Row]:
    """Return steps of these sequences that a lead got in more than one run."""
    return await transaction.fetch(_TWICE, list(sequences), limit)


async def find_untold_runs(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return runs whose beginning or end was not said, or was said twice."""
    return await transaction.fetch(_RUNS, limit)


async def find_running_erased(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return runs of leads that were erased."""
    return await transaction.fetch(_FORBIDDEN, limit)


async def find_running_invalid(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return runs of leads that are invalid; nothing is sent to those."""
    return await transaction.fetch(_INVALID, limit)


async def find_unscrubbed(transaction: Transaction, *, limit: int) -> Sequence[Row]:
    """Return erased leads of whom something personal is still kept."""
    return await transaction.fetch(_UNSCRUBBED, limit)


async def count_all(transaction: Transaction) -> Row:
    """Return how many messages, runs, running runs, events said and erased leads there are."""
    row = await transaction.fetch_row(_COUNTS)
    assert row is not None
    return row


async def count_said(transaction: Transaction) -> dict[str, int]:
    """Return how many events were said of each lead."""
    rows = await transaction.fetch("SELECT lead, count(*) AS said FROM said GROUP BY lead")
    return {row["lead"]: row["said"] for row in rows}


async def load_drawn(transaction: Transaction, topic: str) -> dict[int, int]:
    """Return how many sequences were drawn for each partition of a topic."""
    rows = await transaction.fetch("SELECT partition, next FROM sequence WHERE topic = $1", topic)
    return {row["partition"]: row["next"] - 1 for row in rows}


async def load_profiles(transaction: Transaction, profiles: Sequence[str]) -> dict[str, Row]:
    """Return these profiles' rows by id."""
    rows = await transaction.fetch(
        "SELECT id, lead, state FROM profile WHERE id = ANY($1::text[])", list(profiles)
    )
    return {row["id"]: row for row in rows}
