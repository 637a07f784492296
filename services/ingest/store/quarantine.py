"""Quarantine: messages that cannot be used, with their untouched bytes and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.ingest.domain.admission.quarantine import Choice, Quarantined, Waiting
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction

_SAVE: Final = """
INSERT INTO quarantine AS q (record_id, source, code, received, record_key, record)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::bytea[])
ON CONFLICT (record_id) DO UPDATE SET code = excluded.code, tries = q.tries + 1, replayed = NULL
"""


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


async def mark_replayed(transaction: Transaction, waiting: Sequence[Waiting]) -> int:
    """Note that these messages went round again, but not those that have come back meanwhile."""
    return await transaction.execute(
        "UPDATE quarantine q SET replayed = clock_timestamp() FROM unnest($1::text[], $2::int[])"
        " AS w(record_id, tries) WHERE q.record_id = w.record_id AND q.tries = w.tries",
        [one.message.record_id for one in waiting],
        [one.tries for one in waiting],
    )


async def load_waiting(
    transaction: Transaction, *, choice: Choice, after: tuple[Instant, str], limit: int
) -> list[Waiting]:
    """Return messages that were not replayed, oldest first, after this received time and record id."""
    rows = await transaction.fetch(
        "SELECT * FROM quarantine WHERE replayed IS NULL AND ($1::text IS NULL OR code = $1)"
        " AND ($2::text IS NULL OR source = $2) AND ($3::text[] IS NULL OR record_id = ANY ($3))"
        " AND (received, record_id) > ($4, $5) ORDER BY received, record_id LIMIT $6",
        *(choice.code, choice.source, None if choice.ids is None else list(choice.ids)),
        *(*after, limit),
    )
    return [_waiting(row) for row in rows]


async def count_waiting(transaction: Transaction) -> list[tuple[str, str, int]]:
    """Return source, reason and how many messages wait, of each of them."""
    rows = await transaction.fetch(
        "SELECT source, code, count(*) AS waiting FROM quarantine WHERE replayed IS NULL"
        " GROUP BY source, code ORDER BY source, code"
    )
    return [(row["source"], row["code"], row["waiting"]) for row in rows]


async def is_source(transaction: Transaction, name: str) -> bool:
    """Say whether there is a source of this name."""
    return bool(await transaction.fetch_value("SELECT EXISTS (SELECT FROM source WHERE id = $1)", name))


def _waiting(row: Row) -> Waiting:
    message = Quarantined(
        *(row["record_id"], row["source"], row["code"], row["received"]),
        *(row["record_key"], row["record"]),
    )
    return Waiting(message, row["tries"])


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
