"""Publishes a changed mql over many leads while others do something, and says what it cost them.

It is no test: ``python -m tests.services.scoring.life.publishing_run [--leads 100000] [--rate 200]``

A worker of its own, the embedded log and a PostgreSQL of its own; time is real. Live facts are appended at a
rate before, during and after the pass; their latency is from the append until the batch is about to commit.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

from prometheus_client import CollectorRegistry

from leadmill.embedded import EmbeddedPostgres
from services.scoring.bootstrap import MIGRATIONS, NAME, build, build_model_desk, build_ruled_stage
from services.scoring.domain.life.steps import DraftModel, PublishModel, RollBackModel, ValidateModel
from services.scoring.jobs.life.renewing import Renewing
from services.scoring.store.scoring_models.rulings import RegisteredRulings
from services.scoring.store.scoring_models.shelf import Shelf
from shared.contracts.topics import TIER_CHANGES
from shared.kernel.instants import DAY, SECOND, Instant
from shared.log.embedded.log import EmbeddedLog
from shared.log.port import NewRecord, TopicPartition
from shared.postgres.database import Database, Transaction
from shared.postgres.migrations import migrate
from shared.processor.batch import Account
from shared.processor.loop import LoopSettings, Worker
from shared.runtime.blueprint import Resources
from shared.runtime.clock import SystemClock
from shared.telemetry.metrics import ProcessorMetrics
from tests.services.scoring.deeds import Deed, Deeds
from tests.services.surroundings.logs import PARTITIONS, create_topics
from tests.services.surroundings.stand import SECRETS
from tests.unit.scoring.stories import CONFIG

_CHUNK = 2_000


class Mill:
    """Scoring as it runs, with a note of when each record was appended and when its batch came to commit."""

    def __init__(self, log: EmbeddedLog, url: str) -> None:
        self.clock = SystemClock()
        self.log = log
        self.appended: dict[tuple[str, int], list[float]] = {}
        self.latencies: dict[str, list[float]] = {}
        self.phase = ""
        self.done = 0
        resources = Resources(
            log=log,
            clock=self.clock,
            database_url=url,
            registry=CollectorRegistry(),
            secrets=SECRETS,
            config=CONFIG.parent,
            data=CONFIG,
            member="mill",
            loop=LoopSettings(partitions=PARTITIONS),
        )
        self.blueprint = build(resources)
        self.database: Database = self.blueprint.database
        rulings = RegisteredRulings(Shelf(CONFIG))
        self.desk = build_model_desk(replace(resources, registry=CollectorRegistry()), database=self.database)
        self.renewing = Renewing(self.database, rulings, clock=self.clock, partitions=PARTITIONS)
        stage = build_ruled_stage(rulings, partitions=PARTITIONS)
        self.worker: Worker[Any] = Worker(
            stage=stage,
            log=log,
            database=self.database,
            clock=self.clock,
            metrics=ProcessorMetrics(CollectorRegistry(), service=NAME, group=NAME),
            member="worker",
            settings=LoopSettings(partitions=PARTITIONS),
            journal=self._note,
        )

    async def _note(self, _transaction: Transaction, account: Account) -> None:
        now = time.perf_counter()
        for tp, (begin, end) in account.moves.items():
            times = self.appended.get((tp.topic, tp.partition), [])
            self.done += len(times[begin:end])
            self.latencies.setdefault(self.phase, []).extend(now - at for at in times[begin:end])

    async def append(self, deeds: Sequence[Deed]) -> None:
        """Append records and note when."""
        batches: dict[TopicPartition, list[NewRecord]] = {}
        for deed in deeds:
            batches.setdefault(deed.target, []).append(deed.record)
        now = time.perf_counter()
        for tp, records in batches.items():
            self.appended.setdefault((tp.topic, tp.partition), []).extend([now] * len(records))
        producer = self.log.producer(name="feeder")
        await producer.start()
        try:
            await producer.append(list(batches.items()))
        finally:
            await producer.stop()

    async def count(self, sql: str) -> int:
        """Return one number from the database."""
        async with self.database.connection() as connection:
            return int(await connection.fetch_value(sql) or 0)


def people(deeds: Deeds, names: Sequence[str], at: Instant) -> list[Deed]:
    """Who they are, and one thing that each did."""
    random = Random(len(names) + at)
    told = []
    for name in names:
        told.append(
            deeds.is_known_as(
                name,
                at,
                industry=random.choice(["pharma", "education", "internet"]),
                title_level=random.choice(["manager", "director", "cxo"]),
                size=random.choice(["under_50", "200_to_499"]),
                region=random.choice(["east_china", "bavaria"]),
            )
        )
        told.append(deeds.asked_for_demo(name, at + SECOND))
    return told


async def live(
    mill: Mill, deeds: Deeds, names: Sequence[str], *, rate: int, phase: str, until: float
) -> None:
    """Append live facts at a rate, until an instant of the loop's time."""
    random = Random(7)
    mill.phase = phase
    while time.perf_counter() < until:
        begun = time.perf_counter()
        some = [random.choice(names) for _ in range(max(1, rate // 10))]
        await mill.append([deeds.viewed(who, mill.clock.now(), path=f"/{random.random()}") for who in some])
        await asyncio.sleep(max(0.0, 0.1 - (time.perf_counter() - begun)))


def told(phase: str, latencies: Sequence[float]) -> str:
    """Return the median and the slowest hundredth of a phase."""
    cuts = quantiles(latencies, n=100)
    slow, usual = cuts[98] * 1e3, cuts[49] * 1e3
    return f"{phase:<22} {len(latencies):>7} live facts   p50 {usual:5.0f} ms   p99 {slow:5.0f} ms"


async def take_step(mill: Mill, kind: str, command: PublishModel | RollBackModel) -> None:
    """Publish or go back, let the pass come to its end, and say what it took and what it told."""
    said = await mill.count(f"SELECT count(*) FROM tier_change WHERE at < {mill.clock.now() - DAY // 2}")
    mill.phase = f"during {kind}"
    began = time.perf_counter()
    await mill.desk.run(command, received=mill.clock.now())
    stepped = time.perf_counter() - began
    while not (await mill.desk.book.find_progress()).is_done:
        await mill.renewing.step()
        await asyncio.sleep(0.1)
    progress = await mill.desk.book.find_progress()
    after = await mill.count(f"SELECT count(*) FROM tier_change WHERE at < {mill.clock.now() - DAY // 2}")
    print(
        f"{kind}: the step took {stepped * 1e3:.0f} ms, everybody was under it after"
        f" {time.perf_counter() - began:.0f} s ({progress.renewed:,} of {progress.seen:,} renewed by the"
        f" pass, the rest by what they did); {after - said} changes told of the past"
    )


async def run(url: str, *, leads: int, rate: int, seconds: int) -> None:
    """Do it and print."""
    await migrate(url, schema=NAME, scripts=MIGRATIONS)
    ground = Database(url, schema="log", application="log")
    admin = Database(url, schema="public", application="prepare")
    await admin.start()
    async with admin.connection() as connection:
        await connection.execute("CREATE SCHEMA IF NOT EXISTS log")
    await admin.stop()
    await ground.start()
    log = EmbeddedLog(ground)
    await log.prepare()
    mill = Mill(log, url)
    await create_topics(log, {*mill.blueprint.topics, *mill.blueprint.outputs})
    await mill.blueprint.start()
    worker = asyncio.create_task(mill.worker.run())
    deeds, names = Deeds("publishing"), [str(number) for number in range(leads)]
    began = time.perf_counter()
    for start in range(0, leads, _CHUNK):
        await mill.append(people(deeds, names[start : start + _CHUNK], mill.clock.now() - DAY))
    while mill.done < 2 * leads:
        await asyncio.sleep(0.1)
    print(f"{leads:,} leads in {time.perf_counter() - began:.0f} s")
    await live(mill, deeds, names, rate=rate, phase="before", until=time.perf_counter() + seconds)

    text = (CONFIG / "models" / "mql.yaml").read_text("utf-8").replace("version: 1\n", "version: 2\n", 1)
    text = text.replace("tier: C, at_least: 30", "tier: C, at_least: 36")
    by: dict[str, Any] = {"model": "mql", "by": "Ann", "why": "a run"}
    await mill.desk.run(DraftModel(**by, text=text), received=mill.clock.now())
    await mill.desk.run(ValidateModel(**by, version=2), received=mill.clock.now())
    traffic = asyncio.create_task(
        live(mill, deeds, names, rate=rate, phase="while counting", until=float("inf"))
    )
    began = time.perf_counter()
    await mill.desk.previews.begin("mql", 2)
    while await mill.desk.previews.step():
        await asyncio.sleep(0.1)
    counted = await mill.desk.find_preview("mql", 2)
    print(
        f"counted in {time.perf_counter() - began:.0f} s: {counted.leads:,} leads, {counted.up:,} up,"
        f" {counted.down:,} down, {counted.activated:,} would be ready for sales"
    )
    steps: list[tuple[str, PublishModel | RollBackModel]] = [
        ("the publication", PublishModel(**by, version=2)),
        ("the rollback", RollBackModel(**by)),
    ]
    for kind, command in steps:
        await take_step(mill, kind, command)
    traffic.cancel()
    await asyncio.gather(traffic, return_exceptions=True)
    for phase, latencies in mill.latencies.items():
        if phase:
            print(told(phase, latencies))
    for step in await mill.desk.book.find_history("mql"):
        print(step["at"], step["step"], step["version"], step["by"], step["why"])
    breaches = [breach for finding in await mill.blueprint.check(True) for breach in finding.breaches]
    print(f"audit: {len(breaches)} breaches {breaches[:3]}")
    print(f"on {TIER_CHANGES.name}: {await mill.count('SELECT count(*) FROM tier_change'):,} changes in all")
    mill.worker.stop()
    await worker
    await mill.blueprint.stop()
    await ground.stop()


def main() -> None:
    """Run it on a PostgreSQL of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="leadmill-publishing-"))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(folder / "pg") as postgres:
            asyncio.run(run(postgres.url, leads=chosen.leads, rate=chosen.rate, seconds=chosen.seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
