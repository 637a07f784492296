"""Companies: which domains and names stand for which."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from services.ingest.domain.directory import Directory
from services.ingest.domain.intake import CompanyKeys
from shared.postgres.database import Transaction

_CLAIM: Final = """
INSERT INTO company_key (key, company, is_domain) SELECT key, key, is_domain
FROM unnest($1::text[], $2::bool[]) AS new(key, is_domain) ON CONFLICT DO NOTHING RETURNING key
"""
_FIND: Final = """
SELECT k.key, k.company, EXISTS (SELECT FROM company_key d WHERE d.company = k.company AND d.is_domain
                                 AND d.key <> ALL($2::text[])) AS has_domain
FROM company_key k WHERE k.key = ANY($1::text[])
"""
_NAME: Final = """
UPDATE company_key k SET company = n.company FROM unnest($1::text[], $2::text[]) AS n(key, company)
WHERE k.key = n.key
"""


async def load_companies(
    transaction: Transaction, directory: Directory, told: Collection[CompanyKeys]
) -> frozenset[str]:
    """Load what these keys stand for into the directory; returns those that nobody knew.

    Unknown ones are claimed in order of their keys, so that whoever claims the same waits.
    """
    is_domain = {keys.name: False for keys in told} | {keys.domain: True for keys in told}
    is_domain.pop("", None)
    if not is_domain:
        return frozenset()
    keys = sorted(is_domain)
    rows = await transaction.fetch(_CLAIM, keys, [is_domain[key] for key in keys])
    fresh = frozenset(row["key"] for row in rows)
    if len(fresh) < len(keys):
        known = [key for key in keys if key not in fresh]
        for row in await transaction.fetch(_FIND, known, list(fresh)):
            directory.companies[row["key"]] = row["company"]
            if row["has_domain"]:
                directory.companies_with_domain.add(row["company"])
    return fresh


async def save_companies(transaction: Transaction, directory: Directory, *, fresh: Collection[str]) -> None:
    """Write what the claimed keys stand for; one that stands for nothing is let go."""
    companies = directory.companies
    named = sorted(key for key in fresh if companies.get(key, key) != key)
    if named:
        await transaction.execute(_NAME, named, [companies[key] for key in named])
    unused = sorted(key for key in fresh if key not in companies)
    if unused:
        await transaction.execute("DELETE FROM company_key WHERE key = ANY($1::text[])", unused)
