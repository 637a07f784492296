"""What is looked for by checks: sums that do not fit, rows without what they stand on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.analytics.domain.outcomes import ConversionKey
from services.analytics.store.derived_rows import TABLES
from shared.postgres.database import Transaction

_MOST_NAMED: Final = 100

_SUMS: Final = """
SELECT v.contribution, v.opportunity, v.payment, m.model, coalesce(sum(c.minor), 0) AS credited, v.minor
FROM conversion v CROSS JOIN unnest($1::text[]) AS m(model)
LEFT JOIN credit c USING (contribution, opportunity, payment, model)
GROUP BY v.contribution, v.opportunity, v.payment, m.model, v.minor
HAVING count(c.touch) = 0 OR sum(c.minor) <> v.minor
ORDER BY 1, 2, 3, 4 LIMIT $2
"""
_STRAYS: Final = """
SELECT contribution, opportunity, payment, c.model, c.touch FROM credit c
LEFT JOIN conversion v USING (contribution, opportunity, payment) LEFT JOIN touch t ON t.event = c.touch
WHERE v.event IS NULL OR (c.touch <> '' AND t.event IS NULL) ORDER BY 1, 2, 3, 4, 5 LIMIT $1
"""
_STRAYED: Final = """
SELECT coalesce(p.id, m.profile) AS id FROM profile p
FULL JOIN (SELECT DISTINCT ON (profile) profile, version, lead FROM move
    ORDER BY profile, version DESC, lead DESC) AS m ON m.profile = p.id
WHERE p.id IS NULL OR (p.version, p.lead) <> (coalesce(m.version, 0), coalesce(m.lead, p.id))
ORDER BY 1 LIMIT $1
"""


async def find_crooked_sums(
    transaction: Transaction, models: Sequence[str]
) -> tuple[int, list[tuple[ConversionKey, str, int, int]]]:
    """Return how many sums there are, and those that are not their outcome: key, model, sum, outcome."""
    count = await transaction.fetch_value("SELECT count(*) FROM conversion")
    rows = await transaction.fetch(_SUMS, list(models), _MOST_NAMED)
    return count * len(models), [
        (ConversionKey(row[0], row[1], row[2]), row["model"], int(row["credited"]), row["minor"])
        for row in rows
    ]


async def find_stray_credits(transaction: Transaction) -> list[tuple[ConversionKey, str, str]]:
    """Return credits of a touch or a conversion that is not there."""
    rows = await transaction.fetch(_STRAYS, _MOST_NAMED)
    return [(ConversionKey(row[0], row[1], row[2]), row["model"], row["touch"]) for row in rows]


async def find_homeless_rows(transaction: Transaction, *, until: str | None) -> list[tuple[str, str]]:
    """Return tables and events of rows whose fact is not there, as far as the event ``until``, None: all."""
    found: list[tuple[str, str]] = []
    for table in TABLES:
        rows = await transaction.fetch(
            f"SELECT DISTINCT row.event FROM {table.name} AS row LEFT JOIN fact ON fact.id = row.event"  # noqa: S608
            " WHERE fact.id IS NULL AND ($2::text IS NULL OR row.event <= $2) ORDER BY 1 LIMIT $1",
            _MOST_NAMED,
            until,
        )
        found += [(table.name, row["event"]) for row in rows]
    return found


async def find_strayed_profiles(transaction: Transaction) -> tuple[int, list[str]]:
    """Return how many profiles have moved or were erased, and those that do not live where moves say."""
    count = await transaction.fetch_value("SELECT count(*) FROM profile")
    return count, [row["id"] for row in await transaction.fetch(_STRAYED, _MOST_NAMED)]


async def load_leads_page(transaction: Transaction, *, after: str, limit: int) -> list[str]:
    """Return the next leads by id."""
    rows = await transaction.fetch("SELECT id FROM lead WHERE id > $1 ORDER BY id LIMIT $2", after, limit)
    return [row["id"] for row in rows]


async def load_derived(transaction: Transaction, facts: Sequence[str]) -> dict[str, list[Any]]:
    """Return the rows that stand on these facts."""
    found: dict[str, list[Any]] = {}
    for table in TABLES:
        for row in await table.load(transaction, "event = ANY($1::text[])", list(facts)):
            found.setdefault(row.event, []).append(row)
    return found
