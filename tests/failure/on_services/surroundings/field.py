"""A field of the services: one database, one clock, one load, and a front for each service."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from services.ingest.bootstrap import MIGRATIONS as INGEST_MIGRATIONS
from services.scoring.bootstrap import MIGRATIONS as SCORING_MIGRATIONS
from shared.kernel.errors import Unavailable
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from shared.postgres.migrations import migrate
from tests.failure.faults.kills import NAMES
from tests.failure.on_services.oracle.verdict import judge
from tests.failure.on_services.surroundings.callers import CORRECTIONS, Correctors
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.surroundings.crew import ServiceCrew
from tests.failure.on_services.surroundings.importers import Importers
from tests.failure.on_services.surroundings.load import Edge
from tests.failure.on_services.surroundings.people import MESSAGES_PER_PERSON
from tests.failure.on_services.surroundings.topics import EVERYTHING, MIRRORS, READ, renew_topics
from tests.failure.oracle import journal
from tests.failure.oracle.replay import sequence_of
from tests.failure.surroundings.crew import Crew
from tests.failure.surroundings.ground import Field, Ground, Outcome
from tests.failure.worker import LIMITS

_OPEN_IMPORTS: Final = """
SELECT array_agg(file_name || ' ' || state ORDER BY id) FROM table_import
WHERE state = 'started' OR digest <> '' AND state = 'uploaded'
    OR state = 'checked' AND options ->> 'starts' = 'true'
"""
"""Tables that are to be looked through or brought in by themselves; nobody starts another any more."""
TABLES: Final = 0.6
"""Tables brought in a second, if they are worked on as fast as they come."""
MIGRATIONS: Final = {"ingest": INGEST_MIGRATIONS, "scoring": SCORING_MIGRATIONS}


@dataclass(slots=True)
class Front(Field):
    """One service of the field, as the faults see a field: its workers, its journal, its fence."""

    whole: ServicesField | None = None

    @property
    def service(self) -> str:
        """Which service this is."""
        return self.crew.group

    @property
    def importers(self) -> list[Importers]:
        """Those who bring tables in."""
        return [one for one in self.others if isinstance(one, Importers)]

    async def end_of_latest(self) -> int:
        """Return how many records the compacted topic has taken so far; -1 while the log is away."""
        try:
            bounds = await self._bounds()
        except Unavailable:
            return -1
        return sum(end for tp, (_, end) in bounds.items() if tp.topic == MIRRORS[self.service])

    async def has_unsaid(self, writer: str) -> bool:
        """Whether a worker has committed something for the compacted topic that is not published yet."""
        topic = MIRRORS[self.service]
        rows = await self.ask("SELECT partition, first_sequence FROM outbox WHERE topic = $1", topic)
        waiting = {(row["partition"], row["first_sequence"]) for row in rows or ()}
        drawn = {
            (tp.partition, first)
            for entry in await journal.load_journal(self.database)
            if entry.writer == f"{self.service}-{writer}"
            for tp, (first, _) in entry.drawn.items()
            if tp.topic == topic
        }
        return not waiting.isdisjoint(drawn)

    async def is_overtaken(self, writer: str) -> bool:
        """Whether something newer was said of a lead of which this worker said something last."""
        assert self.whole is not None
        topic = MIRRORS[self.service]
        own: dict[TopicPartition, range] = {}
        for entry in sorted(await journal.load_journal(self.database), key=lambda one: one.transaction):
            drawn = {
                tp: range(first, first + n) for tp, (first, n) in entry.drawn.items() if tp.topic == topic
            }
            if drawn and entry.writer == f"{self.service}-{writer}":
                own = drawn
        log = await self.whole.read()
        for tp, span in own.items():
            numbered = [(record.key, sequence_of(record)) for record in log[tp]]
            keys = {key for key, number in numbered if number is not None and number[1] in span}
            if any(key in keys and number is not None and number[1] >= span.stop for key, number in numbered):
                return True
        return False

    async def stop_load(self) -> None:
        """Feed no more, and wait until all commands are answered, whichever service takes them."""
        assert self.whole is not None
        await self.whole.stop_load()

    async def stop_own_load(self) -> None:
        """Feed no more, and wait until the commands to this service are answered."""
        await super(Front, self).stop_load()

    async def quiet(self, *, within: float = 90.0) -> None:
        """Wait until both services have nothing left to do; no time passes from then on."""
        assert self.whole is not None
        await self.whole.quiet(within=within)

    async def waits_for(self) -> str:
        """Return what this service has not done yet, or nothing."""
        return await self._waits_for()

    async def _waits_for(self) -> str:
        assert self.whole is not None
        rows = await self.ask(
            "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM timer WHERE due <= $1),"
            " (SELECT string_agg(topic || '/' || partition || ' ' || code, ', ') FROM halt"
            " WHERE resumed IS NULL)",
            self.whole.clock.now(),
        )
        stored = await self.ask(
            "SELECT topic, partition, next FROM position WHERE consumer_group = $1", self.service
        )
        if rows is None or stored is None:
            return "the database is away"
        waiting, timers, halts = rows[0]
        if halts:
            return f"{self.service} is halted: {halts}"
        if waiting or timers:
            return f"{self.service} has {waiting} batches in the outbox, {timers} timers due"
        if self.service == "ingest" and (waits_for := await self._waits_for_imports()):
            return waits_for
        positions = {TopicPartition(row["topic"], row["partition"]): row["next"] for row in stored}
        try:
            bounds = await self._bounds()
        except Unavailable:
            return "the log is away"
        reads = READ[self.service]
        behind = [
            f"{tp.topic}/{tp.partition}"
            for tp, (_, end) in bounds.items()
            if tp.topic in reads and positions.get(tp, 0) != end
        ]
        return f"{self.service} is behind in {', '.join(behind)}" if behind else ""

    async def _waits_for_imports(self) -> str:
        rows = await self.ask(_OPEN_IMPORTS)
        if rows is None:
            return "the database is away"
        return f"ingest has imports under way: {', '.join(rows[0][0])}" if rows[0][0] else ""

    async def _bounds(self) -> Mapping[TopicPartition, tuple[int, int]]:
        assert self.whole is not None
        return await self.whole.bounds()


@dataclass(slots=True, kw_only=True)
class ServicesField:
    """One run on both services."""

    ground: Ground
    clock: FastClock
    url: str
    feeder: Edge
    ingest: Front
    scoring: Front
    began: float = field(default_factory=time.monotonic)

    @property
    def fronts(self) -> tuple[Front, Front]:
        """Both services, in the order in which a lead meets them."""
        return self.ingest, self.scoring

    @property
    def everyone(self) -> tuple[Front, ...]:
        """Every service of the run; ``fronts`` are those whose journals are replayed here."""
        return self.fronts

    @property
    def crew(self) -> Crew:
        """The crew with which everything is counted."""
        return self.ingest.crew

    def man(self) -> None:
        """Have two workers run of each service."""
        for front in self.everyone:
            front.crew.man(*NAMES)

    async def stop_load(self) -> None:
        """Feed no more, and wait until all commands are answered."""
        for front in self.everyone:
            await front.stop_own_load()

    async def bounds(self) -> Mapping[TopicPartition, tuple[int, int]]:
        """Return the first and the next offset of every partition.

        :raises Unavailable: if the log is away.
        """
        admin = await self.ground.log.admin()
        try:
            return await admin.bounds(EVERYTHING)
        finally:
            await admin.stop()

    async def quiet(self, *, within: float = 90.0) -> None:
        """Stop the clock and wait until nothing has been left to do for two seconds."""
        self.clock.stop()
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        quiet_since: float | None = None
        while quiet_since is None or loop.time() - quiet_since < 2.0:
            await asyncio.sleep(0.2)
            waits_for = ""
            for front in self.everyone:
                front.crew.look()
                waits_for = waits_for or await front.waits_for()
            if not waits_for:
                quiet_since = quiet_since or loop.time()
            elif loop.time() > end or "halted" in waits_for:
                self.crew.faults.append(f"stuck: not quiet within {within:g} s, {waits_for}")
                break
            else:
                quiet_since = None

    async def settle(self, *, within: float = 90.0) -> None:
        """End the load and the time, let the workers finish, and stop them in good order."""
        await self.stop_load()
        self.man()
        await self.quiet(within=within)
        await asyncio.gather(
            *(front.crew.stop(name) for front in self.everyone for name in list(front.crew.workers))
        )

    async def read(self) -> dict[TopicPartition, list[Record]]:
        """Return every record of every topic, repeats included."""
        ends = {tp: end for tp, (_, end) in (await self.bounds()).items()}
        found: dict[TopicPartition, list[Record]] = {tp: [] for tp in ends}
        missing = {tp for tp, end in ends.items() if end}
        consumer = self.ground.log.consumer(
            group=f"reader-{time.monotonic_ns()}", topics=EVERYTHING, member="reader"
        )

        async def on_assigned(partitions: frozenset[TopicPartition]) -> None:
            consumer.seek(dict.fromkeys(partitions, 0))

        async def on_revoked(partitions: frozenset[TopicPartition]) -> None:
            return None

        await consumer.start(on_assigned=on_assigned, on_revoked=on_revoked)
        try:
            async with asyncio.timeout(120):
                while missing:
                    for tp, records in (await consumer.fetch(max_records=10_000, timeout=0.2)).items():
                        found[tp].extend(records)
                        if found[tp] and found[tp][-1].offset + 1 >= ends[tp]:
                            missing.discard(tp)
        finally:
            await consumer.stop()
        return found

    async def compare(self) -> Outcome:
        """Work everything out again and compare; see ``tests.failure.on_services.oracle``."""
        return await judge(self)


@contextlib.asynccontextmanager
async def open_services(
    ground: Ground, *, seed: int, rate: float, commands: float, plant: str = "", has_desks: bool = True
) -> AsyncIterator[ServicesField]:
    """Open a fresh database and fresh topics, and begin to feed and to ask; no worker runs yet.

    Without desks nobody puts leads right or brings tables in.
    """
    await renew_topics(ground.log, ground.broker.address)
    url, folder = await fresh_database(ground)
    file = folder / "clock"
    clock = FastClock.wind(file)
    feeder = Edge(ground.log, rate=rate, seed=seed, clock=clock)
    fronts: dict[str, Front] = {}
    beside: Crew | None = None
    for service in MIGRATIONS:
        crew = ServiceCrew(
            service=service,
            database=url,
            kafka=ground.broker.address,
            clock=file,
            folder=folder,
            seed=seed,
            beside=beside,
        )
        crew.plant = plant
        beside = crew
        fronts[service] = await open_front(ground, crew, feeder, scripts=MIGRATIONS[service])
    opened = ServicesField(
        ground=ground, clock=clock, url=url, feeder=feeder, ingest=fronts["ingest"], scoring=fronts["scoring"]
    )
    for front in opened.fronts:
        front.whole = opened
    _invite_callers(opened.ingest, rate=commands, seed=seed, has_desks=has_desks)
    feeding = asyncio.create_task(feeder.run())
    try:
        yield opened
    finally:
        feeder.stop()
        for callers in opened.ingest.everybody:
            await callers.close()
        for front in opened.fronts:
            front.crew.close()
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding
        for front in opened.fronts:
            await front.database.stop()


async def open_front(
    ground: Ground, crew: ServiceCrew, feeder: Edge, *, scripts: Path, kind: type[Front] = Front
) -> Front:
    """Make the tables of a crew's service, with a journal beside them, and open its front."""
    await migrate(crew.database, schema=crew.group, scripts=scripts)
    database = Database(crew.database, schema=crew.group, application="matrix", limits=LIMITS)
    await database.start()
    async with database.connection() as connection:
        await connection.execute(journal.DDL)
    return kind(ground=ground, database=database, crew=crew, feeder=feeder, starts={})


def _invite_callers(front: Front, *, rate: float, seed: int, has_desks: bool) -> None:
    """Have merges taken back, leads put right and tables brought in, by a process that takes commands."""
    crew = front.crew
    front.callers = Correctors(
        crew.addresses,
        database=front.database,
        rate=rate,
        seed=seed,
        faults=crew.faults,
        corrections=CORRECTIONS if has_desks else 0.0,
    )
    front.others = [importers_of(front, rate=TABLES, seed=seed)] if has_desks else []
    crew.start_commander()
    for callers in front.everybody:
        callers.start()


def importers_of(front: Front, *, rate: float, seed: int) -> Importers:
    """Return people who bring tables in at a rate, about strangers and those whom the feeder knows."""
    crew, feeder = front.crew, front.feeder
    return Importers(
        crew.addresses,
        newest=lambda: feeder.sent // MESSAGES_PER_PERSON,
        rate=rate,
        seed=seed,
        faults=crew.faults,
    )


async def fresh_database(ground: Ground) -> tuple[str, Path]:
    """Create a database and a folder for what its processes write; return the URL and the folder."""
    name = f"services_{time.monotonic_ns()}"
    admin = Database(ground.postgres.url, schema="public", application="ground")
    await admin.start()
    async with admin.connection() as connection:
        await connection.execute(f"CREATE DATABASE {name}")
    await admin.stop()
    folder = ground.folder / name
    folder.mkdir()
    return urlunsplit(urlsplit(ground.postgres.url)._replace(path=f"/{name}")), folder
