"""Read what is kept of leads, messages and runs; nothing here locks or writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.nurture.domain.desk import Desk, Rows
from services.nurture.domain.messages import LedgerLine
from services.nurture.store.desk_rows import load_rows, message_of
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction

_PEOPLE: Final = "SELECT id FROM profile WHERE lead = $1"
_MESSAGES: Final = "SELECT * FROM message WHERE lead = ANY($1::text[]) ORDER BY planned_at, due, id"
_ACTS: Final = """
SELECT g.* FROM engagement g JOIN message m ON m.id = g.message WHERE m.lead = ANY($1::text[])
ORDER BY g.at, g.id
"""
_SAID: Final = "SELECT * FROM said WHERE lead = ANY($1::text[]) ORDER BY at, event"
_PAGE: Final = """
SELECT * FROM message WHERE state = $1 AND (coalesce(settled_at, planned_at), id) > ($2, $3)
    AND ($4::text IS NULL OR sequence = $4)
ORDER BY coalesce(settled_at, planned_at), id LIMIT $5
"""
_COUNTS: Final = "SELECT sequence, version, state, count(*) AS runs FROM enrolment GROUP BY 1, 2, 3"
_MESSAGE_COUNTS: Final = """
SELECT sequence, sequence_version AS version, step, state, count(*) AS messages FROM message
GROUP BY 1, 2, 3, 4
"""
_ENGAGED: Final = """
SELECT m.sequence, m.step, g.kind, count(DISTINCT g.message) AS messages
FROM engagement g JOIN message m ON m.id = g.message WHERE g.state = 'told' GROUP BY 1, 2, 3
"""


class LeadFile(NamedTuple):
    """Everything that is kept of a lead and of those who were merged into it."""

    lead: str
    desk: Desk
    messages: Sequence[LedgerLine]
    acts: Sequence[Row]
    said: Sequence[Row]


async def find_home(transaction: Transaction, lead: str) -> str:
    """Return the lead under which this one is known now."""
    seen = {lead}
    while True:
        home = await transaction.fetch_value("SELECT lead FROM profile WHERE id = $1", lead)
        if home is None or home in seen:
            return lead
        lead = home
        seen.add(lead)


async def load_file(transaction: Transaction, lead: str) -> LeadFile | None:
    """Return what is kept of a lead, None if nothing is known of it."""
    people = [row["id"] for row in await transaction.fetch(_PEOPLE, lead)]
    leads = sorted({lead, *people})
    rows = await load_rows(transaction, leads)
    known = {row["id"]: row for row in await transaction.fetch("SELECT id FROM lead WHERE id = $1", lead)}
    if lead not in known and not people:
        return None
    messages = [_message_row(row) for row in await transaction.fetch(_MESSAGES, leads)]
    rows.messages = Rows((one.message.id, one.message) for one in messages)
    acts = await transaction.fetch(_ACTS, leads)
    return LeadFile(lead, rows, messages, acts, await transaction.fetch(_SAID, leads))


async def load_messages(
    transaction: Transaction,
    *,
    state: str,
    sequence: str | None,
    after: tuple[Instant, str] | None,
    limit: int,
) -> list[LedgerLine]:
    """Return messages in one state, oldest first."""
    at, identity = after or (-(2**62), "")
    rows = await transaction.fetch(_PAGE, state, at, identity, sequence, limit)
    return [_message_row(row) for row in rows]


async def count_runs(transaction: Transaction) -> Sequence[Row]:
    """Return how many runs of each version of each sequence there are, by state."""
    return await transaction.fetch(_COUNTS)


async def count_messages(transaction: Transaction) -> Sequence[Row]:
    """Return how many messages of each step there are, by state."""
    return await transaction.fetch(_MESSAGE_COUNTS)


async def count_engaged(transaction: Transaction) -> Sequence[Row]:
    """Return how many messages of each step people opened, clicked or unsubscribed from, by kind."""
    return await transaction.fetch(_ENGAGED)


async def measure(transaction: Transaction) -> tuple[int, int]:
    """Return how many messages wait or are being sent, and how many are unconfirmed."""
    row = await transaction.fetch_row(
        "SELECT (SELECT count(*) FROM message WHERE state IN ('planned', 'sending')) AS waiting,"
        " (SELECT count(*) FROM message WHERE state = 'unconfirmed') AS unconfirmed"
    )
    assert row is not None
    return row["waiting"], row["unconfirmed"]


def _message_row(row: Row) -> LedgerLine:
    return LedgerLine(message_of(row), row["attempts"], row["last_fault"])
