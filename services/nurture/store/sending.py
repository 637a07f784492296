"""What the sending job does to the ledger: claim, put back, and find what it cannot or may not send.

A claim is committed before the mail server hears a word. Leases and waits go by the clock of this
database, so that no two machines need agree on the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import msgspec

from services.nurture.domain.leads import Contact
from services.nurture.domain.learnt import Result
from services.nurture.domain.messages import SUPPRESSED, UNCONFIRMED, Message
from services.nurture.store.desk_rows import message_of
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

_read_contact: Final = msgspec.json.Decoder(Contact).decode

_HAS_UNSUBSCRIBED: Final = """
EXISTS (SELECT FROM engagement g JOIN message o ON o.id = g.message
        WHERE o.lead = m.lead AND g.kind = 'unsubscribe')
"""
_CLAIM: Final = f"""
WITH due AS MATERIALIZED (
    SELECT m.id, c.state AS contact FROM message m
    JOIN enrolment e ON e.id = m.enrolment AND e.state = 'running'
    JOIN contact c ON c.lead = m.lead AND c.state ->> 'email' IS NOT NULL
    WHERE m.state = 'planned' AND m.next_attempt <= clock_timestamp() AND m.too_late > $3
        AND NOT {_HAS_UNSUBSCRIBED}
    ORDER BY m.next_attempt, m.id LIMIT $4 FOR UPDATE OF m SKIP LOCKED
)
UPDATE message m SET state = 'sending', claim = $1, lease_until = clock_timestamp() + $2::interval,
    attempts = m.attempts + 1
FROM due WHERE m.id = due.id RETURNING m.*, due.contact
"""  # noqa: S608 - a condition from above
_UNSENDABLE: Final = f"""
SELECT m.id, m.lead, CASE
    WHEN e.state <> 'running' THEN e.reason
    WHEN m.too_late <= $1 THEN 'too_late'
    ELSE 'unsubscribed' END AS reason
FROM message m JOIN enrolment e ON e.id = m.enrolment
WHERE m.state = 'planned' AND (m.too_late <= $1 OR e.state <> 'running' OR {_HAS_UNSUBSCRIBED})
ORDER BY m.id LIMIT $2
"""  # noqa: S608 - a condition from above
_LOST: Final = """
SELECT id, lead FROM message WHERE state = 'sending' AND lease_until < clock_timestamp() ORDER BY id LIMIT $1
"""
_PUT_BACK: Final = """
WITH ours AS MATERIALIZED (
    SELECT id FROM message WHERE id = ANY($2::text[]) AND claim = $1 AND state = 'sending'
    ORDER BY id FOR UPDATE
)
UPDATE message m SET state = 'planned', claim = NULL, lease_until = NULL, last_fault = $3,
    next_attempt = clock_timestamp()
        + least($4::interval * power(2, least(m.attempts, 20) - 1), $5::interval) * (0.75 + random() / 2)
FROM ours WHERE m.id = ours.id
"""
_UNDER_WAY: Final = """
SELECT EXISTS (SELECT FROM message WHERE state = 'sending' OR (state = 'planned' AND $1))
"""


class Claimed(NamedTuple):
    """A message that this sender alone may send, and to whom."""

    message: Message
    contact: Contact


class Patience(NamedTuple):
    """How long to wait before another try: at first, doubling each time, at most."""

    first: timedelta
    longest: timedelta


async def claim_due(
    transaction: Transaction, *, claim: str, lease: timedelta, now: Instant, limit: int
) -> list[Claimed]:
    """Mark messages as being sent and return them; nobody else gets them while ``lease`` lasts, or after.

    Only what may go out: the run lasts, the address is known, nobody has unsubscribed, it is not too
    late. Send only once this is committed.
    """
    rows = await transaction.fetch(_CLAIM, claim, lease, now, limit)
    return [Claimed(message_of(row), _read_contact(row["contact"])) for row in rows]


async def find_unsendable(transaction: Transaction, *, now: Instant, limit: int) -> list[Result]:
    """Return planned messages that are not to be sent any more, each with the reason."""
    rows = await transaction.fetch(_UNSENDABLE, now, limit)
    return [Result(row["id"], row["lead"], SUPPRESSED, row["reason"]) for row in rows]


async def find_lost(transaction: Transaction, *, limit: int) -> list[Result]:
    """Return messages whose sender has not been heard of: nobody knows whether they went out."""
    rows = await transaction.fetch(_LOST, limit)
    return [Result(row["id"], row["lead"], UNCONFIRMED) for row in rows]


async def put_back(
    transaction: Transaction, *, claim: str, messages: Sequence[str], fault: str, patience: Patience
) -> int:
    """Let messages that were not handed over wait for another try; return how many were still ours."""
    return await transaction.execute(
        _PUT_BACK, claim, list(messages), fault, patience.first, patience.longest
    )


async def is_under_way(transaction: Transaction, *, sends: bool) -> bool:
    """Tell whether a message is being sent, or, where anything is sent at all, waits to be."""
    return bool(await transaction.fetch_value(_UNDER_WAY, sends))
