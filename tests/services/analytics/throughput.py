"""How many facts a second analytics' step takes, and where the time goes. Run it, it is no test:

``python -m tests.services.analytics.throughput [--leads 4000] [--facts 40000] [--batch 2000] [--profile]``

Everything of a batch is real but the log and the fence: records are decoded, leads locked and loaded,
outcomes shared, rows committed to a PostgreSQL of its own; then each report is asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from prometheus_client import CollectorRegistry

from leadmill.embedded import EmbeddedPostgres
from leadmill.platform.serving import settle_garbage
from services.analytics.bootstrap import MIGRATIONS, NAME, build_stage
from services.analytics.metrics import AnalyticsMetrics
from services.analytics.queries.reports import ReportQueries
from shared.contracts.declarations import Event
from shared.contracts.envelope import decode_envelope
from shared.contracts.events import behaviour
from shared.kernel.instants import DAY, HOUR
from shared.postgres.database import Database
from shared.postgres.migrations import migrate
from tests.services.surroundings.logs import PARTITIONS
from tests.unit.analytics import telling
from tests.unit.analytics.telling import START, Told, rulebook, told, who


def invent(*, leads: int, facts: int) -> list[Told]:
    """A quarter of many leads: mostly pages and mails, a touch now and then, a deal for one in twenty."""
    random = Random(1)
    names = [f"{number:032x}" for number in range(leads)]
    said = [
        told(telling.captured(name, channel="paid_search", campaign=f"c{n % 20}"), START + n * HOUR // 100)
        for n, name in enumerate(names)
    ]
    step = 90 * DAY // max(1, facts)
    for number in range(facts - leads):
        name, at, chance = random.choice(names), START + DAY + number * step, random.random()
        if chance < 0.65:
            event: Event = behaviour.PageViewed(**who(name), path=f"/{number}", kind="price")
        elif chance < 0.85:
            event = telling.mailed(name, f"m-{name}-{number}", "b_leads")
        elif chance < 0.97:
            event = telling.visited(name, "email", f"news-{number % 12}")
        elif chance < 0.98:
            event = telling.assigned(name, f"rep-{number % 30}", f"s-{number}", at + DAY)
        else:
            event = telling.won(name, f"OP-{name}", random.randrange(10**8))
        said.append(told(event, at, name=f"{number:032d}"))
    return said


async def measure(url: str, said: Sequence[Told], *, batch: int, profile: bool) -> None:
    """The whole step with the real store, then the reports."""
    await migrate(url, schema=NAME, scripts=MIGRATIONS)
    database = Database(url, schema=NAME, application="throughput")
    await database.start()
    stage = build_stage(rulebook(), partitions=PARTITIONS, metrics=AnalyticsMetrics(CollectorRegistry()))
    values = [one.value() for one in said]
    running = cProfile.Profile()
    if profile:
        running.enable()
    wall, begun, decoding, longest = time.perf_counter(), time.process_time(), 0.0, 0.0
    for start in range(0, len(values), batch):
        looked = time.perf_counter()
        facts = [stage.interpret(decode_envelope(value)) for value in values[start : start + batch]]
        decoding += time.perf_counter() - looked
        async with database.transaction() as transaction:
            await stage.apply(transaction, [fact for fact in facts if fact is not None])
        longest = max(longest, time.perf_counter() - looked)
    spent, wall = time.process_time() - begun, time.perf_counter() - wall
    if profile:
        running.disable()
        pstats.Stats(running).sort_stats("tottime").print_stats(22)
    print(f"whole step: {spent / len(said) * 1e6:.1f} µs of CPU, {wall / len(said) * 1e6:.1f} µs per fact")
    print(f"            {len(said) / wall:,.0f} facts/s; decoding {decoding / wall:.0%}")
    print(f"            longest batch of {batch}: {longest * 1e3:.0f} ms")
    async with database.connection() as connection:
        for table in ("fact", "touch", "conversion", "credit"):
            print(f"  {table:<10} {await connection.fetch_value(f'SELECT count(*) FROM {table}'):>9,}")
    await _ask(ReportQueries(database, rulebook()))
    await database.stop()


async def _ask(reports: ReportQueries) -> None:
    questions = {
        "attribution by campaign": lambda: reports.find_attribution(
            model="u", by="campaign", contribution="won"
        ),
        "… as of an instant": lambda: reports.find_attribution(
            model="u", by="campaign", contribution="won", as_of=START + 60 * DAY
        ),
        "roi by campaign": lambda: reports.find_returns(model="u", by="campaign", contribution="won"),
        "funnel by source": lambda: reports.find_funnel(by="source"),
        "funnel by campaign": lambda: reports.find_funnel(by="campaign"),
        "reps": reports.find_reps,
        "conversion rate": reports.find_rates,
    }
    for name, ask in questions.items():
        begun = time.perf_counter()
        await ask()
        print(f"  {name:<24} {(time.perf_counter() - begun) * 1e3:8.1f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--leads", type=int, default=4_000)
    parser.add_argument("--facts", type=int, default=40_000)
    parser.add_argument("--batch", type=int, default=2_000)
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    said = invent(leads=chosen.leads, facts=chosen.facts)
    settle_garbage()
    folder = Path(tempfile.mkdtemp(prefix="leadmill-throughput-"))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(folder / "pg") as postgres:
            asyncio.run(measure(postgres.url, said, batch=chosen.batch, profile=chosen.profile))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
