"""What came back from mails: kept the moment it happens, and told at the front door after that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from services.nurture.domain.engagements import Engagement
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction

WITH_BOUNCES: Final = """
ALTER TABLE engagement DROP CONSTRAINT engagement_kind_check;
ALTER TABLE engagement ADD CONSTRAINT engagement_kind_check
    CHECK (kind IN ('open', 'click', 'unsubscribe', 'bounce'));
COMMENT ON TABLE engagement IS
    'opens, clicks, unsubscriptions and bounces, and whether they were told at the front door';
"""

_KEEP: Final = """
INSERT INTO engagement (id, message, kind, number, at, machine)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::text[])
ON CONFLICT (id) DO NOTHING
"""
_CLAIM: Final = """
WITH due AS MATERIALIZED (
    SELECT id FROM engagement WHERE state = 'waiting' AND next_attempt <= clock_timestamp()
    ORDER BY next_attempt, id LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE engagement g SET attempts = g.attempts + 1, next_attempt = clock_timestamp() + $1::interval
    * least(power(2, least(g.attempts, 20)), 60) FROM due WHERE g.id = due.id RETURNING g.*
"""
_MESSAGES: Final = """
SELECT m.id, m.lead, m.content, m.content_version, m.settled_at, m.state, e.details ->> 'traceparent' AS trace
FROM message m LEFT JOIN enrolment e ON e.id = m.enrolment WHERE m.id = ANY($1::text[])
"""
_CLICKS: Final = (
    "SELECT message, number, at FROM engagement WHERE message = ANY($1::text[]) AND kind = 'click'"
)
_SETTLE: Final = """
UPDATE engagement g SET state = s.state, machine = s.machine
FROM unnest($1::text[], $2::text[], $3::text[]) AS s(id, state, machine) WHERE g.id = s.id
"""


class Mailed(NamedTuple):
    """What is to be known of a message when something comes back from it."""

    lead: str
    content: str
    content_version: int
    sent: Instant | None
    traceparent: str | None


async def keep_engagements(transaction: Transaction, acts: Sequence[Engagement]) -> None:
    """Keep acts; those that are kept already change nothing."""
    await transaction.execute(
        _KEEP,
        [act.id for act in acts],
        [act.message for act in acts],
        [act.kind for act in acts],
        [act.number for act in acts],
        [act.at for act in acts],
        [act.machine for act in acts],
    )


async def claim_waiting(transaction: Transaction, *, again_in: timedelta, limit: int) -> list[Engagement]:
    """Return acts that wait to be told, and let others wait ``again_in`` or longer before they try, too."""
    return [_act(row) for row in await transaction.fetch(_CLAIM, again_in, limit)]


async def load_mailed(transaction: Transaction, messages: Sequence[str]) -> dict[str, Mailed]:
    """Return the messages that acts are about, by id."""
    rows = await transaction.fetch(_MESSAGES, list(messages))
    return {
        row["id"]: Mailed(
            *(row["lead"], row["content"], row["content_version"]),
            row["settled_at"] if row["state"] == "sent" else None,
            row["trace"],
        )
        for row in rows
    }


async def load_clicks(
    transaction: Transaction, messages: Sequence[str]
) -> dict[str, list[tuple[int, Instant]]]:
    """Return all clicks on these messages, by link and time."""
    clicks: dict[str, list[tuple[int, Instant]]] = {}
    for row in await transaction.fetch(_CLICKS, list(messages)):
        clicks.setdefault(row["message"], []).append((row["number"], row["at"]))
    return clicks


async def settle_engagements(transaction: Transaction, acts: Sequence[tuple[str, str, str]]) -> None:
    """Note what became of acts: id, ``told`` or ``kept``, and why a machine's."""
    await transaction.execute(
        _SETTLE,
        [act for act, _, _ in acts],
        [state for _, state, _ in acts],
        [machine for _, _, machine in acts],
    )


async def count_waiting(transaction: Transaction) -> int:
    """Return how many acts wait to be told."""
    return int(await transaction.fetch_value("SELECT count(*) FROM engagement WHERE state = 'waiting'"))


def _act(row: Row) -> Engagement:
    return Engagement(
        id=row["id"],
        message=row["message"],
        kind=row["kind"],
        number=row["number"],
        at=row["at"],
        machine=row["machine"],
    )
