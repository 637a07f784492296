"""``python -m tests.operations.identity_stream``: a month of a crowd, and how well who is who is told.

20,000 people send 200,000 requests over six sources. Exit code 1 if precision over pairs of requests is below
0.999 or recall below 0.98, if PostgreSQL holds anything else than the same fold in memory, or if a merge is
not explained.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from leadmill.embedded import EmbeddedPostgres
from services.ingest.bootstrap import MIGRATIONS
from shared.postgres.database import Database
from shared.postgres.migrations import migrate
from tests.operations.identity_stream.population import make_crowd
from tests.operations.identity_stream.resolving import Stored, fold, judge, store
from tests.operations.identity_stream.traffic import Sent, Traffic
from tests.unit.ingest.requests import IDENTITY_KEY

PRECISION, RECALL = 0.999, 0.98


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.operations.identity_stream", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of everything (default: 1)")
    parser.add_argument("--people", type=int, default=20_000, help="how many people (default: 20000)")
    parser.add_argument("--requests", type=int, default=200_000, help="how many requests (default: 200000)")
    parser.add_argument(
        "--sharers", type=int, default=3, help="of 1000 people, who share a browser (default: 3)"
    )
    parser.add_argument("--memory-only", action="store_true", help="leave PostgreSQL out")
    return parser.parse_args()


async def through_postgres(sent: list[Sent]) -> Stored:
    """Start a PostgreSQL, resolve, and stop it."""
    folder = Path(tempfile.mkdtemp(prefix="leadmill-identity-"))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(folder / "pg") as postgres:
            await migrate(postgres.url, schema="ingest", scripts=MIGRATIONS)
            database = Database(postgres.url, schema="ingest", application="identity-stream")
            await database.start()
            try:
                return await store(database, sent, identity_key=IDENTITY_KEY)
            finally:
                await database.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run, print, and return the exit code."""
    options = read_options()
    pick = random.Random(options.seed)
    crowd = make_crowd(options.people, pick, sharers=options.sharers)
    traffic = Traffic(crowd, pick, identity_key=IDENTITY_KEY)
    sent = list(traffic.send(options.requests))
    told = fold(sent, identity_key=IDENTITY_KEY)
    faults = []
    sources = Counter(one.source for one in sent)
    print(
        f"seed {options.seed}: {len(crowd.people):,} people, {crowd.bots:,} bots,"
        f" {len(sent):,} requests in 30 days"
        f" ({', '.join(f'{name} {count:,}' for name, count in sorted(sources.items()))})"
    )
    print(
        f"{crowd.families:,} pairs share a number, {crowd.shared_browsers:,} pairs a browser,"
        f" {crowd.switchboards:,} people give a switchboard's; {traffic.typos:,} typos"
    )
    print(
        f"in memory: {told.seconds:.0f} s, {len(set(told.leads.values())):,} leads,"
        f" {told.quarantined:,} requests of no use"
    )
    for name, only in (("all requests", False), ("requests that name somebody", True)):
        pairs = judge(sent, told.leads, only_who_says=only)
        print(f"{name}: precision {pairs.precision:.5f}, recall {pairs.recall:.5f} ({pairs.true:,} pairs)")
        if not only and (pairs.precision < PRECISION or pairs.recall < RECALL):
            faults.append(f"{name}: precision {pairs.precision:.5f}, recall {pairs.recall:.5f}")
    print(f"listed for people: {dict(sorted(told.doubts.items()))}")
    if not options.memory_only:
        stored = asyncio.run(through_postgres(sent))
        print(
            f"through PostgreSQL: {stored.seconds:.0f} s ({len(sent) / stored.seconds:,.0f}/s),"
            f" {stored.moves:,} profiles moved, {len(stored.unexplained)} without a reason;"
            f" suggested {dict(sorted(stored.suggestions.items()))}"
        )
        faults += stored.unexplained[:10]
        if stored.groups != told.groups:
            faults.append("PostgreSQL holds other people than the fold in memory")
        if stored.doubts != told.doubts:
            faults.append(f"PostgreSQL lists {stored.doubts}, the fold in memory {told.doubts}")
    for fault in faults:
        print(f"FAULT {fault}")
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
