"""What was uploaded, in pieces: kept until the import ends, read back in order."""

from __future__ import annotations

from collections.abc import AsyncIterator

from shared.postgres.database import Transaction


async def save_piece(transaction: Transaction, import_id: str, number: int, content: bytes) -> None:
    """Keep one piece."""
    await transaction.execute("INSERT INTO import_piece VALUES ($1, $2, $3)", import_id, number, content)


async def load_pieces(transaction: Transaction, import_id: str) -> AsyncIterator[bytes]:
    """Yield the pieces in order."""
    number = 0
    while True:
        content = await transaction.fetch_value(
            "SELECT content FROM import_piece WHERE import_id = $1 AND number = $2", import_id, number
        )
        if content is None:
            return
        yield bytes(content)
        number += 1
