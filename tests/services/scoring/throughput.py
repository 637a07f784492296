"""How many facts a second scoring's step takes, and where the time goes. Run it, it is no test:

``python -m tests.services.scoring.throughput [--leads 2000] [--facts 40000] [--batch 2000] [--profile]``

Everything of a batch is real but the log: records are decoded, leads loaded, folded by both shipped
models, and committed with fence, facts, told changes, clocks and outbox to a PostgreSQL of its own.
Times are of the processor (CPU), because machines that measure are seldom alone.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from prometheus_client import CollectorRegistry

from leadmill.embedded import EmbeddedPostgres
from leadmill.platform.serving import settle_garbage
from services.scoring.bootstrap import MIGRATIONS, NAME, build_stage, load_models
from services.scoring.domain.scored_lead import Working
from services.scoring.handlers.interpreting import interpret
from services.scoring.handlers.scoring import ScoringHandlers
from shared.contracts.declarations import Event
from shared.contracts.envelope import decode_envelope
from shared.contracts.events import behaviour
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import DAY, HOUR, SECOND, Instant
from shared.log.port import TopicPartition
from shared.postgres.database import Database
from shared.postgres.migrations import migrate
from shared.processor.batch import Batch
from shared.processor.fold import Announcer
from shared.processor.tables import fence
from shared.processor.transaction import Bench, FoldingStep
from shared.telemetry.metrics import ProcessorMetrics
from tests.services.scoring.deeds import Deed, Deeds
from tests.services.surroundings.logs import PARTITIONS
from tests.unit.scoring.stories import CONFIG, START

_STAGES = ("load", "fold", "transaction")


def invent(*, leads: int, facts: int) -> list[Deed]:
    """A fortnight of many leads: who they are first, then mostly pages and mails, in order."""
    random, deeds = Random(1), Deeds("throughput")
    names = [str(number) for number in range(leads)]
    told = [
        deeds.is_known_as(
            name,
            START + number * SECOND,
            industry=random.choice(["pharma", "education", "internet"]),
            title_level=random.choice(["manager", "director", "cxo"]),
            size=random.choice(["under_50", "200_to_499"]),
            region=random.choice(["east_china", "bavaria"]),
        )
        for number, name in enumerate(names)
    ]
    step = 14 * DAY // max(1, facts)
    for number in range(facts - leads):
        at = START + HOUR + leads * SECOND + number * step
        told.append(act_of(random, deeds, random.choice(names), at))
    return told


def act_of(random: Random, deeds: Deeds, who: str, at: Instant, *, received: Instant | None = None) -> Deed:
    """Mostly a page or a mail, now and then something more."""

    def did(what: type[Event], **fields: object) -> Deed:
        return deeds.did(who, what, at, received=received, **fields)

    chance = random.random()
    if chance < 0.6:
        kind = random.choice(["price", "solution", "article", "article", "home", ""])
        return deeds.viewed(who, at, kind=kind, path=f"/{random.randrange(30)}", received=received)
    if chance < 0.8:
        return did(behaviour.EmailOpened, message=f"m{random.randrange(20)}")
    if chance < 0.9:
        document = f"d{random.randrange(4)}"
        return did(behaviour.DocumentDownloaded, kind="white_paper", document=document)
    if chance < 0.95:
        return did(behaviour.EmailLinkClicked, message="m1", purpose="book_demo")
    return did(behaviour.FormSubmitted, form="f", start_within_months=1)


def measure_handler(told: Sequence[Deed], profile: Callable[[], cProfile.Profile | None]) -> None:
    """The pure handler alone, states in memory."""
    learned = [found for deed in told if (found := interpret(decode_envelope(deed.record.value or b"")))]
    best = float("inf")
    for _ in range(3):
        handlers = ScoringHandlers(load_models(CONFIG.parent))
        states: dict[str, Working] = {}
        running = profile()
        begun = time.process_time()
        for fact in learned:
            working = states.get(fact.key)
            if working is None:
                # as the store loads it when what comes is newer: without its history
                working = Working(fact.key, handlers.begin(fact.key).kept)
            after = handlers.handle(working, fact).state
            if after is not None:
                states[fact.key] = after
        best = min(best, time.process_time() - begun)
        if running is not None:
            running.disable()
            show(running)
    print(f"pure handler: {best / len(learned) * 1e6:.1f} µs of CPU per fact")


async def measure_step(
    url: str, told: Sequence[Deed], *, batch: int, profile: Callable[[], cProfile.Profile | None]
) -> None:
    """The whole folding step with the real store."""
    await migrate(url, schema=NAME, scripts=MIGRATIONS)
    database = Database(url, schema=NAME, application="throughput")
    await database.start()
    registry = CollectorRegistry()
    stage = build_stage(load_models(CONFIG.parent), partitions=PARTITIONS)
    bench = Bench(
        announcer=Announcer(source="/leadmill/scoring", partitions=PARTITIONS, max_record_bytes=900_000),
        database=database,
        clock=SimulatedClock(told[-1].record.timestamp * 1000),
        metrics=ProcessorMetrics(registry, service=NAME, group=NAME),
    )
    step = FoldingStep(stage, bench)
    here = TopicPartition(stage.topics[0], 0)
    async with database.transaction() as transaction:
        epochs = await fence.raise_epochs(transaction, group=NAME, partitions=[0])
        await fence.open_positions(transaction, group=NAME, positions={here: 0})
    claim = fence.Claim(epochs=epochs, positions={here: 0})
    decoding = 0.0
    running = profile()
    wall, begun = time.perf_counter(), time.process_time()
    for start in range(0, len(told), batch):
        looked = time.perf_counter()
        facts = [interpret(decode_envelope(deed.record.value or b"")) for deed in told[start : start + batch]]
        decoding += time.perf_counter() - looked
        learned = [(fact, None) for fact in facts if fact is not None]
        await step.attempt(Batch(learned=list(learned), moves={here: (start, start + len(facts))}), claim)
        async with database.transaction(durable=False) as transaction:
            await transaction.execute("TRUNCATE outbox")
    spent, wall = time.process_time() - begun, time.perf_counter() - wall
    if running is not None:
        running.disable()
        show(running)
    clocks = await _count(database, "SELECT count(*) FROM timer")
    changes = await _count(database, "SELECT count(*) FROM tier_change")
    await database.stop()
    print(
        f"whole step:   {spent / len(told) * 1e6:.1f} µs of CPU and {wall / len(told) * 1e6:.1f} µs per fact,"
    )
    print(f"              {len(told) / wall:,.0f} facts/s; {changes} changes told, {clocks} clocks set")
    print(f"  decode       {decoding / wall:5.0%}")
    for name in _STAGES:
        labels = {"service": NAME, "consumer_group": NAME, "stage": name}
        seconds = next(
            (
                sample.value
                for metric in registry.collect()
                for sample in metric.samples
                if sample.name.endswith("_sum") and sample.labels.get("stage") == labels["stage"]
            ),
            0.0,
        )
        print(f"  {name:<12} {seconds / wall:5.0%}")


async def _count(database: Database, sql: str) -> int:
    async with database.connection() as connection:
        count: int = await connection.fetch_value(sql)
    return count


def show(profile: cProfile.Profile) -> None:
    """Where the time went."""
    pstats.Stats(profile).sort_stats("tottime").print_stats(22)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--leads", type=int, default=2_000)
    parser.add_argument("--facts", type=int, default=40_000)
    parser.add_argument("--batch", type=int, default=2_000)
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()

    def profile() -> cProfile.Profile | None:
        if not chosen.profile:
            return None
        running = cProfile.Profile()
        running.enable()
        return running

    told = invent(leads=chosen.leads, facts=chosen.facts)
    settle_garbage()
    measure_handler(told, profile)
    folder = Path(tempfile.mkdtemp(prefix="leadmill-throughput-"))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(folder / "pg") as postgres:
            asyncio.run(measure_step(postgres.url, told, batch=chosen.batch, profile=profile))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
