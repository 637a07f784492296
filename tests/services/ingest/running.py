"""The whole service in this process: its log, its client, and a way to look into what it said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from services.ingest.bootstrap import MIGRATIONS, build, build_replaying
from services.ingest.jobs.replaying import Replaying
from services.ingest.settings import IngestSettings
from shared.contracts.envelope import Envelope, decode_envelope
from shared.contracts.topics import (
    ASSIGNMENTS,
    BEHAVIOUR,
    CONTACTS,
    DEAD_LETTERS,
    ERASURES,
    LEADS,
    OUTCOMES,
    RAW,
)
from shared.http.app import build_app
from shared.kernel.instants import Instant
from shared.kernel.redacted import Redacted
from shared.log.embedded.log import EmbeddedLog
from shared.log.port import Log, Record, TopicLayout, TopicPartition
from shared.postgres.database import Database
from shared.postgres.migrations import migrate
from shared.processor.loop import LoopSettings
from shared.processor.tables import fence
from shared.runtime.blueprint import Blueprint, Resources
from shared.security.secrets import DeploymentSecrets
from shared.security.tokens import Principal, Role
from shared.security.write_keys import add_write_key
from shared.testing.topics import read_topic
from tests.unit.ingest.requests import IDENTITY_KEY, ROOT

PARTITIONS = 4
TOPICS = (RAW, LEADS, BEHAVIOUR, OUTCOMES, CONTACTS, ASSIGNMENTS, ERASURES, DEAD_LETTERS["ingest"])
KEY = "WK_test123"
PATIENT = timedelta(seconds=20)
"""For how long the log may be away on a busy machine; what comes of its absence has tests of its own."""
_SENT_AGAIN = 20
PEPPER = b"a pepper for the tests, 32 bytes"


class WallClock:
    """The machine's clock."""

    def now(self) -> Instant:
        return time.time_ns() // 1000


class EverybodyMayRead:
    """Takes any token for one that may read, one for an administrator's, and a rep's for the rep's."""

    async def principal_of(self, token: str, *, now: Instant) -> Principal | None:
        if token.startswith("rep-"):
            return Principal(id=token, name=token, role="rep", subject=token)
        role: Role = token if token in {"admin", "manager", "marketer", "service"} else "read"  # type: ignore[assignment]
        return Principal(id=token, name=token, role=role)


class RunningIngest:
    """Ingest with its log, its client and a way to look into what it said."""

    def __init__(
        self,
        blueprint: Blueprint,
        resources: Resources,
        client: httpx.AsyncClient,
        app: FastAPI,
    ) -> None:
        self.app = app
        self.registry = resources.registry
        self.resources = resources
        self.starts: dict[TopicPartition, int] = {}
        self.blueprint = blueprint
        self.log = resources.log
        self.client = client

    def counted(self, name: str) -> float:
        return self.registry.get_sample_value(name) or 0

    def replaying(self) -> Replaying:
        """Return what sends quarantine round again, as a command makes it."""
        return build_replaying(self.resources, database=self.blueprint.database)

    async def begin_here(self) -> None:
        """Start at the ends of the topics: a real broker still holds what earlier tests wrote."""
        admin = await self.log.admin()
        bounds = await admin.bounds([topic.name for topic in TOPICS])
        await admin.stop()
        self.starts = {tp: end for tp, (_, end) in bounds.items()}
        read = {tp: end for tp, end in self.starts.items() if tp.topic in self.blueprint.topics}
        async with self.blueprint.database.transaction() as transaction:
            await fence.open_positions(transaction, group="ingest", positions=read)

    async def post(self, path: str, body: Any) -> None:
        """Send something that is taken; as a client does, again where the keys were not read in time."""
        answer = await self.client.post(path, json=body, headers={"x-write-key": KEY})
        for _ in range(_SENT_AGAIN):
            if answer.status_code != 503:
                break
            await asyncio.sleep(0.5)
            answer = await self.client.post(path, json=body, headers={"x-write-key": KEY})
        assert answer.status_code == 200, answer.text

    async def find(self, **asked: str) -> list[dict[str, Any]]:
        answer = await self.client.get("/v1/leads", params=asked, headers={"authorization": "Bearer manager"})
        found: list[dict[str, Any]] = answer.json()["leads"]
        return found

    async def erase(self, token: str = "admin", key: str = "", **person: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} | ({"idempotency-key": key} if key else {})
        return await self.client.post("/v1/erasures", json=person, headers=headers)

    async def settle(self, records: int, *, patience: float = 20) -> None:
        """Wait until the receipts name so many raw records and everything was published."""
        async with asyncio.timeout(patience):
            while await self.value(_RECEIVED) < records or await self.value("SELECT count(*) FROM outbox"):
                await asyncio.sleep(0.05)

    async def value(self, sql: str) -> Any:
        async with self.blueprint.database.connection() as connection:
            return await connection.fetch_value(sql)

    async def execute(self, sql: str) -> None:
        async with self.blueprint.database.connection() as connection:
            await connection.execute(sql)

    async def said(self, topic: str) -> list[Envelope]:
        """Return what lies on a topic once all that is committed was published."""
        await self._publish_all()
        return [decode_envelope(record.value) for record in await self.records(topic) if record.value]

    async def records(self, topic: str) -> list[Record]:
        return await read_topic(self.log, topic, starts=self.starts)

    async def _publish_all(self) -> None:
        async with asyncio.timeout(20):
            while await self.value("SELECT count(*) FROM outbox"):
                await asyncio.sleep(0.05)

    async def breaches(self) -> dict[str, Sequence[str]]:
        """Return the checks that do not hold once all is published, with what breaks them."""
        await self._publish_all()
        found = await self._find_breaches()
        for _ in range(20):  # what is written while it is looked at is no breach; a real one stays
            if not found:
                break
            await asyncio.sleep(0.1)
            found = await self._find_breaches()
        return found

    async def _find_breaches(self) -> dict[str, Sequence[str]]:
        found = await self.blueprint.check(True)
        assert all(finding.check.startswith("ingest: ") for finding in found)
        before = {
            f"{tp.topic}/{tp.partition}: offsets 0 to {start - 1} {what}"
            for tp, start in self.starts.items()
            for what in ("have no receipt", "were not read")
        }
        breaches = {
            finding.check: [breach for breach in finding.breaches if breach not in before]
            for finding in found
        }
        return {check: found for check, found in breaches.items() if found}


_RECEIVED = "SELECT coalesce(sum(next_offset - first_offset), 0) FROM receipt WHERE topic = 'leadmill.raw'"


@asynccontextmanager
async def running(*acts: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(act()) for act in acts]
    yield
    async with asyncio.timeout(15):
        await asyncio.gather(*tasks)


@asynccontextmanager
async def _open_log(database_url: str, kafka: str) -> AsyncIterator[Log]:
    if kafka:
        from shared.log.kafka.log import KafkaLog

        yield KafkaLog(kafka, session_timeout=6.0)
        return
    database = Database(database_url, schema="log", application="tests")
    await database.start()
    embedded = EmbeddedLog(database)
    await embedded.prepare()
    yield embedded
    await database.stop()


@asynccontextmanager
async def run_ingest(
    database_url: str,
    data: Path,
    *,
    kafka: str = "",
    settings: IngestSettings | None = None,
    partitions: int = PARTITIONS,
    workers: int = 1,
) -> AsyncIterator[RunningIngest]:
    """Run ingest on a fresh database until the block ends; on Kafka at this address, or the embedded log.

    Each of several ``workers`` is a member of the group with connections of its own.
    """
    given = settings or IngestSettings(log_patience=PATIENT)
    async with (
        _open_log(database_url, kafka) as log,
        _run_on(log, database_url, data, given, partitions=partitions, workers=workers) as ingest,
    ):
        yield ingest


@asynccontextmanager
async def _run_on(
    log: Log, database_url: str, data: Path, settings: IngestSettings, *, partitions: int, workers: int
) -> AsyncIterator[RunningIngest]:
    admin = await log.admin()
    await admin.create(
        [TopicLayout(name=one.name, partitions=partitions, compacted=one.compacted) for one in TOPICS]
    )
    await admin.stop()
    await migrate(database_url, schema="ingest", scripts=MIGRATIONS)
    registry = CollectorRegistry()
    clock = WallClock()
    resources = Resources(
        log=log,
        clock=clock,
        database_url=database_url,
        registry=registry,
        secrets=DeploymentSecrets(identity_key=Redacted(IDENTITY_KEY), pepper=Redacted(PEPPER)),
        config=ROOT / "config",
        data=data,
        member="test",
        loop=LoopSettings(partitions=partitions),
    )
    others = [
        build(
            replace(resources, member=f"test-{number}", registry=CollectorRegistry()),
            settings=settings,
            authority=EverybodyMayRead(),
        )
        for number in range(1, workers)
    ]
    blueprint = build(resources, settings=settings, authority=EverybodyMayRead())
    await blueprint.start()
    async with blueprint.database.transaction() as transaction:
        await add_write_key(transaction, pepper=PEPPER, source="website", now=clock.now(), brought=KEY)
    app = build_app(
        title="Ingest",
        service="ingest",
        version="0",
        registry=registry,
        clock=clock,
        stopping=asyncio.Event(),
        hot_routes=blueprint.hot_routes,
        routers=blueprint.routers,
        authority=EverybodyMayRead(),
        statuses=blueprint.statuses,
    )
    (worker,), edge = blueprint.workers, blueprint.edge_activities
    transport = httpx.ASGITransport(app)
    client = httpx.AsyncClient(transport=transport, base_url="http://test")
    started = RunningIngest(blueprint, resources, client, app)
    await started.begin_here()
    for other in others:
        await other.start()
    members = [worker, *(one for other in others for one in other.workers)]
    runs = (*(member.run for member in members), *(activity.run for activity in edge))
    async with client, running(*runs):
        yield started
        for activity in reversed(edge):
            activity.stop()
        for member in members:
            member.stop()
    for one in (*others, blueprint):
        await one.stop()


def batch_of(*items: dict[str, Any]) -> dict[str, Any]:
    return {"batch": list(items)}
