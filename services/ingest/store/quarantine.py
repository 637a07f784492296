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
    """One message as it lay in the raw topic, and the code that says why it is of no use."""

    record_id: str
    source: str
    code: str
    received: Instant
    key: bytes
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


async def mark_replayed(transaction: Transaction, record_ids: Sequence[str]) -> int:
    """Note that these messages go round again; returns how many were there."""
    return await transaction.execute(
        "UPDATE quarantine SET replayed = clock_timestamp() WHERE record_id = ANY($1::text[])",
        list(record_ids),
    )


async def load_quarantined(
    transaction: Transaction, *, code: str | None = None, limit: int = 100
) -> list[Quarantined]:
    """Return messages that were not replayed, oldest first."""
    rows = await transaction.fetch(
        "SELECT * FROM quarantine WHERE replayed IS NULL AND ($1::text IS NULL OR code = $1)"
        " ORDER BY received, record_id LIMIT $2",
        *(code, limit),
    )
    return [
        Quarantined(
            *(row["record_id"], row["source"], row["code"], row["received"]),
            *(row["record_key"] or b"", row["record"]),
        )
        for row in rows
    ]


async def forget_quarantined(transaction: Transaction, *, received_before: Instant, limit: int) -> int:
    """Delete what was received before an instant, ``limit`` rows at most; returns how many went."""
    return await transaction.execute(
        "DELETE FROM quarantine WHERE record_id IN ("
        "SELECT record_id FROM quarantine WHERE received < $1 ORDER BY received LIMIT $2)",
        *(received_before, limit),
    )
