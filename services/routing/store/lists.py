"""Lists: the pool, what is about to expire, tasks, notices, reps; each a page of one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.routing.domain.assignment.turns import TeamTurns
from services.routing.domain.lead import Lead
from services.routing.domain.people import Rep
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction

_read_lead: Final = msgspec.json.Decoder(Lead).decode

_POOL: Final = """
SELECT state FROM lead WHERE pool = $1 AND (since, id) > ($2, $3) ORDER BY since, id LIMIT $4
"""
_EXPIRING: Final = """
SELECT state FROM (
    SELECT id, rep, state, least(due, expires) AS soonest FROM lead WHERE expires IS NOT NULL
) AS l
WHERE soonest <= $1 AND ($2::text IS NULL OR rep = $2) AND (soonest, id) > ($3, $4)
ORDER BY soonest, id LIMIT $5
"""
_TASKS: Final = """
SELECT t.*, coalesce(l.rep, t.rep) AS owner FROM task t JOIN lead l ON l.id = t.lead
WHERE t.closed IS NULL AND ($1::text IS NULL OR coalesce(l.rep, t.rep) = $1) AND (t.opened, t.id) > ($2, $3)
ORDER BY t.opened, t.id LIMIT $4
"""
_NOTICES: Final = """
SELECT * FROM notice WHERE ($1::text IS NULL OR rep = $1) AND number > $2 ORDER BY number LIMIT $3
"""
_POOLED: Final = """
SELECT count(*) AS leads, min(since) AS oldest FROM lead WHERE pool IS NOT NULL
"""
_OVERDUE: Final = "SELECT count(*) FROM lead WHERE expires IS NOT NULL AND due IS NOT NULL AND due < $1"


async def load_pool(
    transaction: Transaction, pool: str, *, after: tuple[int, str], limit: int
) -> Sequence[Lead]:
    """Return the leads of a pool, those first that lie there longest."""
    rows = await transaction.fetch(_POOL, pool, *after, limit)
    return [_read_lead(row["state"]) for row in rows]


async def load_expiring(
    transaction: Transaction, *, until: Instant, rep: str | None, after: tuple[int, str], limit: int
) -> Sequence[Lead]:
    """Return owned leads whose response is due, or which their owner loses, by then; soonest first."""
    rows = await transaction.fetch(_EXPIRING, until, rep, *after, limit)
    return [_read_lead(row["state"]) for row in rows]


async def load_tasks(
    transaction: Transaction, *, rep: str | None, after: tuple[int, str], limit: int
) -> Sequence[Row]:
    """Return open tasks with whose they are now: the lead's owner's, else who was asked."""
    return await transaction.fetch(_TASKS, rep, *after, limit)


async def load_notices(transaction: Transaction, *, rep: str | None, after: int, limit: int) -> Sequence[Row]:
    """Return notices, of one rep or (with the managers' own) of all, in order."""
    return await transaction.fetch(_NOTICES, rep, after, limit)


async def load_reps(transaction: Transaction) -> dict[str, Rep]:
    """Return every rep there ever was."""
    rows = await transaction.fetch("SELECT id, state FROM rep ORDER BY id")
    return {row["id"]: msgspec.json.decode(row["state"], type=Rep) for row in rows}


async def load_teams(transaction: Transaction) -> dict[str, TeamTurns]:
    """Return every team."""
    rows = await transaction.fetch("SELECT id, state FROM team ORDER BY id")
    return {row["id"]: msgspec.json.decode(row["state"], type=TeamTurns) for row in rows}


async def measure_pool(transaction: Transaction) -> tuple[int, Instant | None]:
    """Return how many leads lie in pools, and since when the first of them does."""
    row = await transaction.fetch_row(_POOLED)
    assert row is not None
    return row["leads"], row["oldest"]


async def count_overdue(transaction: Transaction, now: Instant) -> int:
    """Return how many owned leads await a first response that was due before now."""
    count: int = await transaction.fetch_value(_OVERDUE, now)
    return count
