"""One run at the door: a Kafka and a database of its own, edge and resolver as processes of the product."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from services.ingest.queries.checks import IngestChecks
from shared.contracts.envelope import Malformed, decode_envelope, type_of
from shared.contracts.events.behaviour import ActJudged
from shared.contracts.topics import BEHAVIOUR, RAW
from shared.postgres.database import Database
from shared.processor.checks import compare_progress
from shared.testing.kafka_broker import KafkaBroker, find_kafka
from shared.testing.small_disk import SmallDisk
from shared.testing.topics import read_topic
from tests.failure.on_door.accounting import Made, account
from tests.failure.on_door.messages import SOURCE, make_parcels
from tests.failure.on_door.sending import Sending
from tests.failure.oracle.comparison import Differences
from tests.failure.surroundings.crew import Crew
from tests.failure.surroundings.ground import Ground, Outcome
from tests.failure.worker import log_on
from tests.operations.processes import COMMAND, Running, leadmill

CONNECTIONS: Final = 24
_DISK_MEGABYTES: Final = 200
_GROUP: Final = "ingest"
_DRAIN_SECONDS: Final = 40.0
_JUDGED: Final = type_of(ActJudged)


@dataclass(slots=True)
class DoorField:
    """Who stands at the door, and who sends."""

    broker: KafkaBroker
    disk: SmallDisk
    database: Database
    crew: Crew
    environment: Mapping[str, str]
    edge: Running
    resolver: Running
    sending: Sending
    begun: float = field(default_factory=time.monotonic)

    async def kill_edge(self) -> None:
        """Kill the edge wherever it is, and start it again on the same port and disk."""
        assert self.edge.process is not None
        self.edge.process.kill()
        await asyncio.to_thread(self.edge.process.wait, 10)
        self.crew.struck["SIGKILL of the edge"] += 1
        await asyncio.to_thread(self.edge.__enter__)
        await asyncio.to_thread(self.edge.until, "/livez", status=200)

    async def stop_kafka(self) -> None:
        """Stop the broker."""
        await asyncio.to_thread(self.broker.stop)
        self.crew.struck["Kafka stopped"] += 1

    async def start_kafka(self) -> None:
        """Start the broker again."""
        await asyncio.to_thread(self.broker.start)

    async def fill_disk(self, seconds: float) -> None:
        """Let the edge's disk be full for so long."""
        await asyncio.to_thread(self.disk.fill)
        self.crew.struck["disk full"] += 1
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.disk.make_room)

    def spilled_bytes(self) -> int:
        """Return how much waits on the edge's disk."""
        return sum(path.stat().st_size for path in self.disk.inside.glob("**/*.segment"))

    async def settle(self, *, within: float) -> None:
        """Wait until everything is sent, drained and resolved; then stop both in good order."""
        await self.sending.finish()
        log = log_on(self.broker.address, session_seconds=15.0)
        end = asyncio.get_running_loop().time() + _DRAIN_SECONDS
        while self.spilled_bytes() and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.2)
        if left := self.spilled_bytes():
            self.crew.faults.append(f"stuck: {left} bytes still wait on the edge's disk")
        async with asyncio.timeout(within):
            admin = await log.admin()
            try:
                bounds = await admin.bounds([RAW.name])
            finally:
                await admin.stop()
            while not (await compare_progress(self.database, group=_GROUP, bounds=bounds)).is_drained:
                await asyncio.sleep(0.2)
        for running in (self.edge, self.resolver):
            code = await asyncio.to_thread(running.terminate)
            if code:
                self.crew.faults.append(f"exit: answered SIGTERM with {code}: {running.said()[-500:]}")

    async def compare(self) -> Outcome:
        """Hold the book against what ingest took up, put aside and said, and ask its own audit."""
        differences = Differences([*self.crew.faults])
        log = log_on(self.broker.address, session_seconds=15.0)
        checks = IngestChecks(self.database, log, group=_GROUP)
        for finding in await checks.check(full=True):
            for breach in finding.breaches:
                differences.add("audit", f"{finding.check}: {breach}")
        made = await self._made()
        counts = account(self.sending.book, made, differences)
        async with self.database.connection() as connection:
            raw = await connection.fetch_value(
                "SELECT sum(processed + duplicate + quarantined + dead) FROM receipt"
            )
        said = {
            **counts,
            **{f"answered {status}": count for status, count in self.sending.answers.items()},
            "raw records": int(raw),
        }
        return Outcome(
            struck=self.crew.struck,
            said=said,
            facts=counts["sent"],
            events=counts["events on behaviour"],
            dead_letters=len(made.dead),
            seconds=time.monotonic() - self.begun,
            differences=differences,
        )

    async def _made(self) -> Made:
        async with self.database.connection() as connection:
            seen = await connection.fetch("SELECT encode(record_id, 'hex') AS id FROM seen_message")
            quarantined = await connection.fetch("SELECT record_id AS id FROM quarantine")
            dead = await connection.fetch("SELECT record_value FROM dead_letter")
        log = log_on(self.broker.address, session_seconds=15.0)
        admin = await log.admin()
        try:
            starts = {target: first for target, (first, _) in (await admin.bounds([BEHAVIOUR.name])).items()}
        finally:
            await admin.stop()
        acts: dict[str, int] = {}
        for record in await read_topic(log, BEHAVIOUR.name, starts=starts):
            envelope = decode_envelope(record.value or b"")
            if envelope.type != _JUDGED:  # says of acts in a burst that they count for nothing
                cause = envelope.causationid or ""
                acts[cause] = acts.get(cause, 0) + 1
        return Made(
            seen={row["id"] for row in seen},
            quarantined={row["id"] for row in quarantined},
            dead=[_id_in(row["record_value"]) for row in dead],
            acts=acts,
        )


def _id_in(value: bytes | None) -> str:
    try:
        return decode_envelope(value or b"").id
    except Malformed:
        return "unreadable"


@contextlib.asynccontextmanager
async def open_door(ground: Ground, *, events: int, seed: int, plant: str) -> AsyncIterator[DoorField]:
    """Start everything, with somebody who sends so many events at full speed."""
    name = f"door_{time.monotonic_ns()}"
    url = await _make_database(ground, name)
    folder = ground.folder / name
    folder.mkdir()
    folder.chmod(0o755)
    async with contextlib.AsyncExitStack() as stack:
        broker = find_kafka(disposable=True)
        stack.callback(broker.close)
        await asyncio.to_thread(broker.start)
        disk = stack.enter_context(SmallDisk(megabytes=_DISK_MEGABYTES))
        environment = {
            "LEADMILL_POSTGRES": url,
            "LEADMILL_LOG": "kafka",
            "LEADMILL_KAFKA": broker.address,
            "LEADMILL_KAFKA_SESSION": "10s",
            "LEADMILL_DATA_DIR": str(disk.folder),
            "LEADMILL_LOG_LEVEL": "warning",
            "LEADMILL_INGEST_SPILL": "true",
            "LEADMILL_INGEST_REQUESTS_PER_SECOND": "1000000",
            "LEADMILL_INGEST_BURST": "1000000",
        }
        key = await asyncio.to_thread(_prepare, environment, disk)
        through = _through(disk, plant)
        edge = stack.enter_context(
            Running(["run", "ingest", "--role", "api"], environment, folder / "edge.log", through=through)
        )
        resolver = stack.enter_context(
            Running(
                ["run", "ingest", "--role", "worker"], environment, folder / "resolver.log", through=through
            )
        )
        for running in (edge, resolver):
            await asyncio.to_thread(running.until, "/readyz", status=200)
        database = Database(url, schema="ingest", application="door")
        await database.start()
        stack.push_async_callback(database.stop)
        sending = Sending(
            make_parcels(events=events, seed=seed), port=edge.port, key=key, events=events, seed=seed
        )
        stack.push_async_callback(sending.close)
        sending.open(CONNECTIONS)
        crew = Crew(group=_GROUP, database=url, kafka=broker.address, folder=folder, seed=seed)
        yield DoorField(
            broker=broker,
            disk=disk,
            database=database,
            crew=crew,
            environment=environment,
            edge=edge,
            resolver=resolver,
            sending=sending,
        )


def _through(disk: SmallDisk, plant: str) -> list[str]:
    """Return what the product's command runs through: the disk, and the plant if there is one."""
    if not plant:
        return disk.through
    planted = f"{sys.executable} -m tests.failure.on_door.planted {plant}"
    script = f'shift {len(COMMAND)}; exec {planted} "$@"'
    return [*disk.through, "sh", "-c", script, "sh"]


async def _make_database(ground: Ground, name: str) -> str:
    admin = Database(ground.postgres.url, schema="public", application="ground")
    await admin.start()
    try:
        async with admin.connection() as connection:
            await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await admin.stop()
    return urlunsplit(urlsplit(ground.postgres.url)._replace(path=f"/{name}"))


def _prepare(environment: Mapping[str, str], disk: SmallDisk) -> str:
    for command in (["migrate"], ["topics", "apply"]):
        done = leadmill(*command, environment=environment, through=disk.through)
        assert done.code == 0, done.err
    added = leadmill("key", "add", SOURCE, "--json", environment=environment, through=disk.through)
    key: str = added.document["key"]
    return key
