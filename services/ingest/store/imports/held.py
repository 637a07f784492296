"""Leads that an import holds: found in portions, to be released."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.postgres.database import Transaction

_HELD: Final = """
SELECT l.id FROM lead l JOIN profile p ON p.id = l.id AND p.lead = l.id
WHERE l.holds IS NOT NULL AND l.erased IS NULL AND l.id > $2
    AND EXISTS (SELECT FROM jsonb_each_text(l.holds) AS h WHERE h.value = $1)
    AND NOT EXISTS (
        SELECT FROM unnest($3::text[], $4::text[]) AS w(name, value)
        WHERE l.attributes -> w.name ->> 0 IS DISTINCT FROM w.value
    )
ORDER BY l.id LIMIT $5
"""
_COUNT: Final = """
SELECT count(*) FROM lead l JOIN profile p ON p.id = l.id AND p.lead = l.id
WHERE l.holds IS NOT NULL AND l.erased IS NULL
    AND EXISTS (SELECT FROM jsonb_each_text(l.holds) AS h WHERE h.value = $1)
"""


async def load_held(
    transaction: Transaction, import_id: str, *, after: str, where: Mapping[str, str], limit: int
) -> list[str]:
    """Return leads that the import holds, with attributes as ``where`` says, in order of their ids."""
    rows = await transaction.fetch(
        _HELD, *(import_id, after, list(where), [where[name] for name in where], limit)
    )
    return [row["id"] for row in rows]


async def count_held(transaction: Transaction, import_id: str) -> int:
    """Return how many leads the import holds now."""
    return int(await transaction.fetch_value(_COUNT, import_id))
