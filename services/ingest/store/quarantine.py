"""Quarantine: messages that cannot be used, with their untouched bytes and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

_SAVE: Final = """
INSERT INTO quarantine AS q (record_id, source, code, received, record_key, record)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::bytea[])
ON CONFLICT (record_id) DO UPDATE SET code = excluded.code, tries = q.tries + 1, replayed = NULL
"""


class Quarantined(NamedTuple):
    """One message as it lay in the raw topic, and the code that says why it is of no use.

    One without a ``key`` was turned away before it got there, and cannot go round again.
    """

    record_id: str
    source: str
    code: str
    received: Instant
    key: bytes | None
    record: bytes


async def save_quarantined(transaction: Transaction, messages: Sequence[Quarantined]) -> None:
    """Keep the messages; one that is there already gets its newest reason and is counted."""
    rows = sorted({message.record_id: message for message in messages}.values())
    if rows:
        await transaction.execute(
            _SAVE,
            [row.record_id for row in rows],
            [row.source for row in rows],
            [row.code for row in rows],
            [row.received for row in rows],
            [row.key for row in rows],
            [row.record for row in rows],
        )


class Waiting(NamedTuple):
    """A message in quarantine that was not replayed, and how often it has been tried."""

    message: Quarantined
    tries: int

    @property
    def can_go_round(self) -> bool:
        """False for what never was a record of the raw topic."""
        return self.message.key is not None


async def mark_replayed(transaction: Transaction, waiting: Sequence[Waiting]) -> int:
    """Note that these messages went round again, but not those that have come back meanwhile."""
    return await transaction.execute(
        "UPDATE quarantine q SET replayed = clock_timestamp() FROM unnest($1::text[], $2::int[])"
        " AS w(record_id, tries) WHERE q.record_id = w.record_id AND q.tries = w.tries",
        [one.message.record_id for one in waiting],
        [one.tries for one in waiting],
    )


async def load_waiting(
    transaction: Transaction, *, code: str | None, after: tuple[Instant, str], limit: int
) -> list[Waiting]:
    """Return messages that were not replayed, oldest first, after this received time and record id."""
    rows = await transaction.fetch(
        "SELECT * FROM quarantine WHERE replayed IS NULL AND ($1::text IS NULL OR code = $1)"
        " AND (received, record_id) > ($2, $3) ORDER BY received, record_id LIMIT $4",
        *(code, *after, limit),
    )
    return [
        Waiting(
            Quarantined(
                *(row["record_id"], row["source"], row["code"], row["received"]),
                *(row["record_key"], row["record"]),
            ),
            row["tries"],
        )
        for row in rows
    ]


async def keep_newest(transaction: Transaction, *, code: str, most: int) -> None:
    """Delete the oldest messages with a reason beyond the number that may be kept."""
    await transaction.execute(
        "DELETE FROM quarantine WHERE record_id = ANY (ARRAY(SELECT record_id FROM quarantine"
        " WHERE code = $1 ORDER BY received DESC, record_id OFFSET $2))",
        *(code, most),
    )


async def forget_quarantined(transaction: Transaction, *, received_before: Instant, limit: int) -> int:
    """Delete what was received before an instant, ``limit`` rows at most; returns how many went."""
    return await transaction.execute(
        "DELETE FROM quarantine WHERE record_id IN ("
        "SELECT record_id FROM quarantine WHERE received < $1 ORDER BY received LIMIT $2)",
        *(received_before, limit),
    )
