"""The ground: one Kafka and one PostgreSQL for many runs, and a fresh field for each."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from leadmill.embedded import EmbeddedPostgres
from shared.kernel.errors import Unavailable
from shared.log.port import Log, Record, TopicPartition
from shared.postgres.database import Database, Row
from shared.processor.tables import fence
from shared.testing.kafka_broker import KafkaBroker, find_kafka
from tests.engine.tally import ALL, COUNTED, DDL, EXTRA, LATEST, layouts
from tests.failure.oracle import journal
from tests.failure.oracle.answers import compare_answers, compare_order
from tests.failure.oracle.comparison import Differences, compare_log, compare_receipts, compare_tables
from tests.failure.oracle.replay import CommandTaken, Inputs, Replay
from tests.failure.surroundings.callers import Callers, TallyCallers
from tests.failure.surroundings.crew import Crew
from tests.failure.surroundings.load import Feeder
from tests.failure.worker import LIMITS, log_on

_READ = (COUNTED.name, EXTRA.name, LATEST.name)


class Ground:
    """Real servers that may be killed: a Kafka and a PostgreSQL of our own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="leadmill-failure-"))
        self.folder.chmod(0o755)  # as root the database runs under another account
        self.broker: KafkaBroker = find_kafka(disposable=True)
        # no run pulls the plug of the machine: killing the server loses nothing without fsync either
        self.postgres = EmbeddedPostgres(
            self.folder / "postgres",
            settings={"fsync": "off", "full_page_writes": "off", "track_commit_timestamp": "on"},
        )
        self._numbers = 0

    def __enter__(self) -> Self:
        try:
            with ThreadPoolExecutor() as threads:
                list(threads.map(lambda start: start(), (self.broker.start, self.postgres.start)))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.broker.close()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def restore(self) -> None:
        """Make sure that both servers run, whatever the last run left."""
        await asyncio.to_thread(self.broker.start)
        await asyncio.to_thread(self.broker.resume)
        await asyncio.to_thread(self.postgres.start)
        kafka = await self.log.admin()
        await kafka.create(layouts())
        await kafka.stop()

    @property
    def log(self) -> Log:
        """The log, for those who feed it and read it back and are to be left in peace."""
        return log_on(self.broker.address, session_seconds=15.0)

    @contextlib.asynccontextmanager
    async def field(
        self, *, seed: int, rate: float = 800.0, commands: float = 20.0, plant: str = ""
    ) -> AsyncIterator[Field]:
        """Open a fresh database and group, with two workers, the load and the commands running."""
        self._numbers += 1
        name = f"run_{self._numbers}"
        admin = Database(self.postgres.url, schema="public", application="ground")
        await admin.start()
        async with admin.connection() as connection:
            await connection.execute(f"CREATE DATABASE {name}")
        await admin.stop()
        url = urlunsplit(urlsplit(self.postgres.url)._replace(path=f"/{name}"))
        database = Database(url, schema="tally", application="matrix", limits=LIMITS)
        await database.start()
        async with database.connection() as connection:
            await connection.execute(DDL + journal.DDL)
        folder = self.folder / name
        folder.mkdir()
        crew = Crew(group=f"tally-{name}", database=url, kafka=self.broker.address, folder=folder, seed=seed)
        crew.plant = plant
        callers = (
            TallyCallers(crew.addresses, rate=commands, seed=seed, faults=crew.faults) if commands else None
        )
        opened = Field(
            ground=self,
            database=database,
            crew=crew,
            feeder=Feeder(self.log, rate=rate, seed=seed),
            starts={tp: end for tp, (_, end) in (await self.bounds()).items()},
            callers=callers,
        )
        async with database.transaction() as transaction:
            await fence.open_positions(
                transaction,
                group=crew.group,
                positions={tp: at for tp, at in opened.starts.items() if tp.topic in _READ},
            )
        feeding = asyncio.create_task(opened.feeder.run())
        try:
            if callers:
                crew.start_commander()
                callers.start()
            yield opened
        finally:
            opened.feeder.stop()
            if callers:
                await callers.close()
            crew.close()
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding
            await database.stop()

    async def bounds(self) -> Mapping[TopicPartition, tuple[int, int]]:
        """Return the first and the next offset of every partition of tally."""
        admin = await self.log.admin()
        try:
            return await admin.bounds([topic.name for topic in ALL])
        finally:
            await admin.stop()

    async def read(self, starts: Mapping[TopicPartition, int]) -> dict[TopicPartition, list[Record]]:
        """Return every record from ``starts`` to the end, repeats included."""
        ends = {tp: end for tp, (_, end) in (await self.bounds()).items()}
        found: dict[TopicPartition, list[Record]] = {tp: [] for tp in ends}
        missing = {tp for tp, end in ends.items() if end > starts[tp]}
        consumer = self.log.consumer(
            group=f"reader-{time.monotonic_ns()}", topics=[topic.name for topic in ALL], member="reader"
        )

        async def on_assigned(partitions: frozenset[TopicPartition]) -> None:
            consumer.seek({tp: starts[tp] + len(found[tp]) for tp in partitions})

        async def on_revoked(partitions: frozenset[TopicPartition]) -> None:
            return None

        await consumer.start(on_assigned=on_assigned, on_revoked=on_revoked)
        try:
            async with asyncio.timeout(120):
                while missing:
                    for tp, records in (await consumer.fetch(max_records=10_000, timeout=0.2)).items():
                        # what was fetched before a rebalance comes again
                        found[tp] += [
                            record for record in records if record.offset >= starts[tp] + len(found[tp])
                        ]
                        if starts[tp] + len(found[tp]) >= ends[tp]:
                            missing.discard(tp)
        finally:
            await consumer.stop()
        return found


@dataclass(slots=True)
class Outcome:
    """What a run came to; ``said`` counts by name what is worth to be told besides."""

    struck: Mapping[str, int] = field(default_factory=dict)
    said: Mapping[str, int] = field(default_factory=dict)
    facts: int = 0
    events: int = 0
    transactions: int = 0
    commands: int = 0
    timers: int = 0
    repeats_read: int = 0
    repeats_said: int = 0
    dead_letters: int = 0
    merges: int = 0
    activations: int = 0
    seconds: float = 0.0
    differences: Differences = field(default_factory=Differences)


@dataclass(slots=True)
class Field:
    """One run: what stands around it, and what becomes of it.

    ``others`` ask besides ``callers``, for something that is no command.
    """

    ground: Ground
    database: Database
    crew: Crew
    feeder: Feeder
    starts: Mapping[TopicPartition, int]
    callers: Callers | None = None
    others: Sequence[Callers] = ()
    began: float = field(default_factory=time.monotonic)

    @property
    def everybody(self) -> Sequence[Callers]:
        """Everybody who asks."""
        return [*([self.callers] if self.callers else []), *self.others]

    async def ask(self, sql: str, *arguments: object) -> Sequence[Row] | None:
        """Run a query; None while the database is away."""
        try:
            async with self.database.connection() as connection:
                return await connection.fetch(sql, *arguments)
        except Unavailable:
            return None

    async def transactions(self) -> int:
        """Return how many transactions the journal holds; 0 while the database is away."""
        rows = await self.ask("SELECT count(*) FROM journal")
        return rows[0][0] if rows else 0

    async def progress(self, *, transactions: int = 5, within: float = 60.0) -> bool:
        """Wait until so many more transactions are journaled; False if they are not, which is a fault."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        before = await self._batches()
        while loop.time() < end:
            self.crew.look()
            await asyncio.sleep(0.05)
            if await self._batches() - before >= transactions:
                return True
        self.crew.faults.append(
            f"stuck: no {transactions} more batches within {within:g} s; {await self._waits_for()}"
        )
        return False

    async def _batches(self) -> int:
        rows = await self.ask("SELECT count(*) FROM journal WHERE command = ''")
        return rows[0][0] if rows else 0

    async def epochs(self) -> dict[int, int]:
        """Return the fence's epochs; empty while the database is away."""
        rows = await self.ask("SELECT partition, epoch FROM fence WHERE consumer_group = $1", self.crew.group)
        return {row["partition"]: row["epoch"] for row in rows or ()}

    async def end_of_latest(self) -> int:
        """Return how many records the compacted topic has taken so far; -1 while the log is away."""
        try:
            bounds = await self.ground.bounds()
        except Unavailable:
            return -1
        return sum(end for tp, (_, end) in bounds.items() if tp.topic == LATEST.name)

    async def is_overtaken(self, writer: str) -> bool:
        """Whether something newer was said of a key of which this worker said something last.

        It must be for ``latest`` where the service has that topic; tally's few keys come again at once.
        """
        return bool(writer)

    async def has_unsaid(self, writer: str) -> bool:
        """Whether a worker has committed something that is not published yet.

        It must be for ``latest`` where the service has that topic.
        """
        rows = await self.ask("SELECT topic, partition, first_sequence FROM outbox")
        waiting = {
            (TopicPartition(row["topic"], row["partition"]), row["first_sequence"]) for row in rows or ()
        }
        entries = await journal.load_journal(self.database)
        drawn = {
            (tp, first)
            for entry in entries
            if entry.writer == writer
            for tp, (first, _) in entry.drawn.items()
        }
        latest = {batch for batch in drawn if batch[0].topic == LATEST.name}
        return not waiting.isdisjoint(latest or drawn)

    async def stop_load(self) -> None:
        """Feed no more, and wait until all commands are answered."""
        self.feeder.stop()
        if self.callers:
            if not any(hand.is_running for hand in self.crew.commanders.values()):
                self.crew.start_commander()
            for callers in self.everybody:
                await callers.stop(within=60)
                self.crew.struck.update(callers.again)
                callers.again.clear()
        for name, hand in self.crew.commanders.items():
            if hand.is_running:
                await self.crew.stop(name)

    async def quiet(self, *, within: float = 90.0) -> None:
        """Wait until nothing has been left to do for a second."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        quiet_since: float | None = None
        while quiet_since is None or loop.time() - quiet_since < 1.0:
            self.crew.look()
            await asyncio.sleep(0.1)
            waits_for = await self._waits_for()
            if not waits_for:
                quiet_since = quiet_since or loop.time()
            elif loop.time() > end or "halted" in waits_for:
                self.crew.faults.append(f"stuck: not quiet within {within:g} s, {waits_for}")
                break
            else:
                quiet_since = None

    async def settle(self, *, within: float = 90.0) -> None:
        """Stop the load, let the workers finish, and stop them in good order."""
        await self.stop_load()
        self.crew.man("worker-0", "worker-1")
        await self.quiet(within=within)
        for name in list(self.crew.workers):
            await self.crew.stop(name)

    async def _waits_for(self) -> str:
        """Return what is not done yet, or nothing."""
        rows = await self.ask(
            "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM timer),"
            " (SELECT count(*) FROM halt WHERE resumed IS NULL)"
        )
        stored = await self.ask(
            "SELECT topic, partition, next FROM position WHERE consumer_group = $1", self.crew.group
        )
        if rows is None or stored is None:
            return "the database is away"
        waiting, timers, halts = rows[0]
        if halts:
            return f"{halts} partitions are halted"
        if waiting or timers:
            return f"{waiting} batches in the outbox, {timers} timers"
        positions = {TopicPartition(row["topic"], row["partition"]): row["next"] for row in stored}
        try:
            bounds = await self.ground.bounds()
        except Unavailable:
            return "the log is away"
        behind = [tp for tp, (_, end) in bounds.items() if tp.topic in _READ and positions.get(tp) != end]
        return f"{len(behind)} partitions are behind" if behind else ""

    async def compare(self) -> Outcome:
        """Replay the journal and compare everything with it."""
        log = await self.ground.read(self.starts)
        entries = await journal.load_journal(self.database)
        inputs = Inputs(
            group=self.crew.group,
            starts=self.starts,
            log=log,
            commands=await self._commands(),
            acknowledged=self.feeder.acknowledged,
        )
        differences = Differences([*self.crew.faults])
        ordered = journal.order(entries, starts=self.starts)
        differences.lines += ordered.faults
        replay = Replay(inputs)
        expected = replay.run(ordered.entries)
        differences.lines += expected.faults
        repeats = compare_log(expected, log, differences)
        await compare_tables(self.database, expected, group=self.crew.group, differences=differences)
        await compare_receipts(
            self.database,
            group=self.crew.group,
            bounds=[
                (tp, self.starts[tp], self.starts[tp] + len(log[tp]))
                for tp in sorted(log)
                if tp.topic in _READ
            ],
            differences=differences,
        )
        asked = self.callers.asked if self.callers else ()
        compare_answers(expected.replies, asked, differences)
        compare_order(asked, differences)
        return Outcome(
            struck=self.crew.struck,
            facts=sum(len(records) for tp, records in log.items() if tp.topic in {COUNTED.name, EXTRA.name}),
            events=expected.events,
            transactions=len(entries),
            commands=len(expected.replies),
            timers=sum(len(entry.rung) for entry in entries),
            repeats_read=expected.repeats,
            repeats_said=repeats,
            dead_letters=len(expected.buried),
            seconds=time.monotonic() - self.began,
            differences=differences,
        )

    async def _commands(self) -> dict[str, CommandTaken]:
        async with self.database.connection() as connection:
            rows = await connection.fetch("SELECT idempotency_key, received FROM command")
        taken = {}
        for row in rows:
            _, key, amount = row["idempotency_key"].split(":")
            taken[row["idempotency_key"]] = CommandTaken(key, int(amount), row["received"])
        return taken
