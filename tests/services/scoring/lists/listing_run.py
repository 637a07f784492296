"""How a page of leads by tier is read where there are many. Run it, it is no test:

``python -m tests.services.scoring.lists.listing_run [--leads 100000]``

Prints for each order the plan of PostgreSQL for a page in the middle of the largest tier, with its times.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import get_args

from leadmill.embedded import EmbeddedPostgres
from services.scoring.bootstrap import MIGRATIONS, NAME
from services.scoring.domain.tier_lists.place import Order, Range
from services.scoring.store.tier_lists.table import page_query
from shared.postgres.database import Database
from shared.postgres.migrations import migrate

_FILL = """
INSERT INTO tier_list (lead, model, version, tier, since, points, at)
SELECT md5(n::text), model, 1, CASE WHEN n % 10 = 0 THEN 'A' ELSE 'B' END, n * 7919::bigint % 1000003,
       n * 104729::bigint % 80000, 0
FROM generate_series(1, $1::int) AS n, unnest(ARRAY['mql', 'five_step', 'abcd', 'key_account']) AS model
"""


async def show(url: str, *, leads: int) -> None:
    """Fill a table and explain a page in each order, with a range of points and without."""
    await migrate(url, schema=NAME, scripts=MIGRATIONS)
    database = Database(url, schema=NAME, application="listing_run")
    await database.start()
    try:
        async with database.transaction() as transaction:
            await transaction.execute(_FILL, leads)
        async with database.connection() as connection:
            await connection.execute("ANALYZE tier_list")
            for order in get_args(Order):
                for within in (Range(), Range(least_points=20_000)):
                    after = (40_000 if order == "points" else 500_000, "8")
                    query, given = page_query(
                        model="mql", tier="B", order=order, within=within, after=after, limit=51
                    )
                    print(f"{order}, {within}")
                    for row in await connection.fetch(f"EXPLAIN (ANALYZE, COSTS OFF) {query}", *given):
                        print("   ", row[0])
    finally:
        await database.stop()


def main() -> None:
    """Run on a PostgreSQL of its own."""
    parser = argparse.ArgumentParser(description="Explain pages of leads by tier.")
    parser.add_argument("--leads", type=int, default=100_000)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="leadmill-listing-"))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(folder / "pg") as postgres:
            asyncio.run(show(postgres.url, leads=chosen.leads))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
