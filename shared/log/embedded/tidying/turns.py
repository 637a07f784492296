"""One tidies at a time: retention and compaction would else lock the same rows in opposite order."""

from __future__ import annotations

from shared.postgres.database import Transaction


async def has_turn(transaction: Transaction) -> bool:
    """Take the turn until the end of the transaction, or say at once that somebody else has it."""
    return bool(
        await transaction.fetch_value(
            "SELECT pg_try_advisory_xact_lock(hashtextextended('log tidying ' || current_schema(), 0))"
        )
    )
