"""Publishes a changed mql over many leads while others do something, and says what it cost them.

It is no test: ``python -m tests.services.scoring.life.publishing_run [--leads 100000] [--rate 50]``. With
``--folder`` what was done stays there, and ``--parts`` does some of it: ``seed`` writes the leads as the
service itself would have, then come ``count``, ``publish``, ``rollback`` and ``check``.

A worker of its own, the embedded log and a PostgreSQL of its own; time is real, and the jobs run as they do
in the service, in the worker's event loop. Live facts are appended at a rate. They are timed from the append
until their batch is about to commit; one in ten is of a new person who asks for a demo, timed until the
change of tier is on its topic.
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
from typing import Any

from prometheus_client import CollectorRegistry

from leadmill.embedded import EmbeddedPostgres
from services.scoring.bootstrap import MIGRATIONS, NAME, build, build_model_desk, build_ruled_stage
from services.scoring.domain.life.steps import DraftModel, PublishModel, RollBackModel, ValidateModel
from services.scoring.jobs.life.previewing import Previewing
from services.scoring.jobs.life.renewing import Renewing
from services.scoring.store.scoring_models.rulings import RegisteredRulings
from services.scoring.store.scoring_models.shelf import Shelf
from shared.contracts.envelope import decode_envelope
from shared.contracts.topics import TIER_CHANGES
from shared.kernel.instants import DAY
from shared.log.embedded.log import EmbeddedLog
from shared.log.embedded.producer import EmbeddedProducer
from shared.log.port import NewRecord, TopicPartition
from shared.postgres.database import Database, Transaction
from shared.postgres.migrations import migrate
from shared.processor.batch import Account
from shared.processor.loop import LoopSettings, Worker
from shared.runtime.blueprint import Resources
from shared.runtime.clock import SystemClock
from shared.telemetry.metrics import ProcessorMetrics
from tests.services.scoring.deeds import Deed, Deeds
from tests.services.scoring.life.crowd.live_facts import Times, go_on
from tests.services.scoring.life.crowd.seeding import seed
from tests.services.surroundings.logs import PARTITIONS, create_topics
from tests.services.surroundings.stand import SECRETS
from tests.unit.scoring.stories import CONFIG

PARTS = ("seed", "count", "publish", "rollback", "check")


class WatchedLog(EmbeddedLog):
    """The embedded log; notes when changes of tiers were acknowledged."""

    times: Times

    def producer(self, *, name: str) -> EmbeddedProducer:
        """Return a producer whose appends are noted."""
        producer, times = super().producer(name=name), self.times
        plain = producer.append

        async def append(batches: Sequence[tuple[TopicPartition, Sequence[NewRecord]]]) -> list[int]:
            offsets = await plain(batches)
            for target, records in batches:
                if target.topic == TIER_CHANGES.name:
                    for record in records:
                        times.told(decode_envelope(record.value or b"").causationid)
            return offsets

        producer.append = append  # type: ignore[method-assign]
        return producer


class Mill:
    """Scoring as it runs, with a note of when each record was appended and when its batch came to commit."""

    def __init__(self, log: WatchedLog, url: str, *, leads: int, rate: int) -> None:
        self.clock = SystemClock()
        self.log = log
        self.times = log.times = Times()
        self.names = [str(number) for number in range(leads)]
        self.rate = rate
        self.deeds = Deeds(f"publishing {self.clock.now()}")
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
        self.rulings = RegisteredRulings(Shelf(CONFIG))
        self.desk = build_model_desk(replace(resources, registry=CollectorRegistry()), database=self.database)
        self.renewing = Renewing(self.database, self.rulings, clock=self.clock, partitions=PARTITIONS)
        self.previewing = Previewing(self.database, Shelf(CONFIG), clock=self.clock)
        self.worker: Worker[Any] = Worker(
            stage=build_ruled_stage(self.rulings, partitions=PARTITIONS),
            log=log,
            database=self.database,
            clock=self.clock,
            metrics=ProcessorMetrics(CollectorRegistry(), service=NAME, group=NAME),
            member="worker",
            settings=LoopSettings(partitions=PARTITIONS),
            journal=self._note,
        )

    async def _note(self, _transaction: Transaction, account: Account) -> None:
        for tp, (begin, end) in account.moves.items():
            self.times.committing(tp, begin, end)

    async def append(self, deeds: Sequence[Deed]) -> None:
        """Append records and note when."""
        batches: dict[TopicPartition, list[NewRecord]] = {}
        for deed in deeds:
            batches.setdefault(deed.target, []).append(deed.record)
        begun = time.perf_counter()
        producer = self.log.producer(name="feeder")
        await producer.start()
        try:
            offsets = await producer.append(list(batches.items()))
        finally:
            await producer.stop()
        for (tp, records), first in zip(batches.items(), offsets, strict=True):
            self.times.appended(tp, first, len(records), begun)
        for deed in deeds:
            self.times.did(deed.id, begun)

    @property
    def is_settled(self) -> bool:
        """Whether the worker has read and published everything there was."""
        standing = self.worker.standing
        return standing.is_claimed and not standing.lag and not self.worker.publisher.backlog

    async def count(self, sql: str) -> int:
        """Return one number from the database."""
        async with self.database.connection() as connection:
            return int(await connection.fetch_value(sql) or 0)

    async def go_on_for(self, seconds: int, phase: str) -> None:
        """Let live facts come in for so long."""
        self.times.phase = phase
        live = asyncio.create_task(go_on(self, self.deeds, self.names, rate=self.rate))
        await asyncio.sleep(seconds)
        live.cancel()
        await asyncio.gather(live, return_exceptions=True)


async def count(mill: Mill, by: dict[str, Any], seconds: int) -> None:
    """Hand in a changed mql, try it, and count what it would change."""
    await mill.go_on_for(seconds, "before")
    text = (CONFIG / "models" / "mql.yaml").read_text("utf-8").replace("version: 1\n", "version: 2\n", 1)
    text = text.replace("tier: C, at_least: 30", "tier: C, at_least: 36")
    await mill.desk.run(DraftModel(**by, text=text), received=mill.clock.now())
    await mill.desk.run(ValidateModel(**by, version=2), received=mill.clock.now())
    mill.times.phase = "while counting"
    live = asyncio.create_task(go_on(mill, mill.deeds, mill.names, rate=mill.rate))
    began = time.perf_counter()
    await mill.desk.previews.begin("mql", 2)
    stopping = asyncio.Event()
    job = asyncio.create_task(mill.previewing.run(stopping))
    while not (counted := await mill.desk.find_preview("mql", 2)).done:
        await asyncio.sleep(0.25)
    took = time.perf_counter() - began
    stopping.set()
    await job
    live.cancel()
    await asyncio.gather(live, return_exceptions=True)
    print(
        f"counted in {took:.1f} s ({counted.leads / took:,.0f} leads/s): {counted.leads:,} leads,"
        f" {counted.up:,} up, {counted.down:,} down, {counted.activated:,} would be ready for sales"
    )


async def take_step(mill: Mill, command: PublishModel | RollBackModel, kind: str, seconds: int) -> None:
    """Publish or go back, let the pass come to its end, and say what it took and what it told."""
    past = mill.clock.now() - DAY // 2
    said = await mill.count(f"SELECT count(*) FROM tier_change WHERE at < {past}")
    mill.times.phase = f"during the {kind}"
    live = asyncio.create_task(go_on(mill, mill.deeds, mill.names, rate=mill.rate))
    stopping = asyncio.Event()
    job = asyncio.create_task(mill.renewing.run(stopping))
    began = time.perf_counter()
    await mill.desk.run(command, received=mill.clock.now())
    stepped = time.perf_counter() - began
    while not (progress := await mill.desk.book.find_progress()).is_done:
        await asyncio.sleep(0.25)
    took = time.perf_counter() - began
    stopping.set()
    await job
    live.cancel()
    await asyncio.gather(live, return_exceptions=True)
    after = await mill.count(f"SELECT count(*) FROM tier_change WHERE at < {past}")
    print(
        f"the {kind} took {stepped * 1e3:.0f} ms, everybody was under it after {took:.1f} s"
        f" ({progress.seen / took:,.0f} leads/s; {progress.renewed:,} of {progress.seen:,} renewed by the"
        f" pass, the rest by what they did); {after - said} changes told of the past"
    )
    await mill.go_on_for(seconds, f"after the {kind}")


async def check(mill: Mill) -> None:
    """Say who did what, and what the audit finds."""
    for step in await mill.desk.book.find_history("mql"):
        print(step["at"], step["step"], step["version"], step["by"], step["why"])
    breaches = [breach for finding in await mill.blueprint.check(True) for breach in finding.breaches]
    print(f"audit: {len(breaches)} breaches {breaches[:3]}")
    print(f"on {TIER_CHANGES.name}: {await mill.count('SELECT count(*) FROM tier_change'):,} changes in all")


async def open_log(url: str) -> tuple[Database, WatchedLog]:
    """Return the embedded log, ready, and its database."""
    admin = Database(url, schema="public", application="prepare")
    await admin.start()
    async with admin.connection() as connection:
        await connection.execute("CREATE SCHEMA IF NOT EXISTS log")
    await admin.stop()
    ground = Database(url, schema="log", application="log")
    await ground.start()
    log = WatchedLog(ground)
    await log.prepare()
    return ground, log


async def run(url: str, parts: Sequence[str], *, leads: int, rate: int, seconds: int) -> None:
    """Do these parts and print."""
    await migrate(url, schema=NAME, scripts=MIGRATIONS)
    ground, log = await open_log(url)
    mill = Mill(log, url, leads=leads, rate=rate)
    if "seed" in parts:
        await create_topics(log, {*mill.blueprint.topics, *mill.blueprint.outputs})
    await mill.blueprint.start()
    began = time.perf_counter()
    if "seed" in parts:
        await seed(mill.database, mill.rulings, mill.deeds, mill.names, mill.clock.now() - DAY)
    worker = asyncio.create_task(mill.worker.run())
    while not mill.is_settled:
        await asyncio.wait({worker}, timeout=0.2)
        if worker.done():
            worker.result()
    if "seed" in parts:
        print(f"{leads:,} leads in {time.perf_counter() - began:.0f} s")
        async with mill.database.connection() as connection:
            await connection.execute("ANALYZE")
    by: dict[str, Any] = {"model": "mql", "by": "Ann", "why": "a run"}
    if "count" in parts:
        await count(mill, by, seconds)
    if "publish" in parts:
        await take_step(mill, PublishModel(**by, version=2), "publication", seconds)
    if "rollback" in parts:
        await take_step(mill, RollBackModel(**by), "rollback", seconds)
    for line in mill.times.lines():
        print(line)
    if "check" in parts:
        await check(mill)
    mill.worker.stop()
    await worker
    await mill.blueprint.stop()
    await ground.stop()


def main() -> None:
    """Run it on a PostgreSQL of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    chosen = parser.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="leadmill-publishing-"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(folder / "pg") as postgres:
            asyncio.run(
                run(postgres.url, chosen.parts, leads=chosen.leads, rate=chosen.rate, seconds=chosen.seconds)
            )
    finally:
        if chosen.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
