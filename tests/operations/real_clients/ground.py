"""The platform that the clients meet, and the outage behind its door."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import httpx

from leadmill.embedded import EmbeddedPostgres
from shared.log.embedded.log import EmbeddedLog
from shared.log.kafka.log import KafkaLog
from shared.log.port import Log
from shared.postgres.database import Database
from shared.testing.kafka_broker import find_kafka
from tests.operations.processes import Answer, Running, leadmill

_STATUS: Final = re.compile(
    r'^http_server_request_duration_seconds_count\{.*service="ingest".*status_code="(\d+)".*\} (\S+)$',
    re.MULTILINE,
)
LogKind = Literal["kafka", "embedded"]


@dataclass(frozen=True)
class Ground:
    """A running platform, and what takes its log away and gives it back."""

    platform: Running
    environment: Mapping[str, str]
    open_log: Callable[[], contextlib.AbstractAsyncContextManager[Log]]
    take_away: Callable[[], None]
    give_back: Callable[[], None]

    def command(self, *arguments: str) -> Answer:
        """Run a command beside the platform."""
        return leadmill(*arguments, environment=self.environment, seconds=300)

    def answers(self) -> Mapping[str, int]:
        """Return how often the front door gave which status."""
        metrics = httpx.get(f"{self.platform.admin}/metrics", timeout=10, trust_env=False).text
        counted: Counter[str] = Counter()
        for status, count in _STATUS.findall(metrics):
            counted[status] += int(float(count))
        return dict(sorted(counted.items()))

    async def outage(self, *, after: float, seconds: float) -> None:
        """Take the log away after a while, for so long."""
        await asyncio.sleep(after)
        await asyncio.to_thread(self.take_away)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.give_back)


@contextmanager
def run_platform(kind: LogKind) -> Iterator[Ground]:
    """Run a platform with a spill until the block ends; its data is thrown away."""
    folder = Path(tempfile.mkdtemp(prefix="leadmill-real-clients-run-"))
    folder.chmod(0o755)
    settings = {
        "LEADMILL_DATA_DIR": str(folder / "data"),
        "LEADMILL_INGEST_SPILL": "true",
        "LEADMILL_LOG_LEVEL": "warning",
    }
    try:
        with _on_kafka(settings) if kind == "kafka" else _on_postgres(settings, folder) as ground:
            yield ground
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _on_kafka(settings: Mapping[str, str]) -> Iterator[Ground]:
    with find_kafka(disposable=True) as broker:
        environment = {**settings, "LEADMILL_KAFKA": broker.address}

        @asynccontextmanager
        async def open_log() -> AsyncIterator[Log]:
            yield KafkaLog(broker.address)

        with _up("kafka", environment) as platform:
            yield Ground(platform, environment, open_log, broker.stop, broker.start)


@contextmanager
def _on_postgres(settings: Mapping[str, str], folder: Path) -> Iterator[Ground]:
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    try:
        environment = {**settings, "LEADMILL_POSTGRES": server.url}

        @asynccontextmanager
        async def open_log() -> AsyncIterator[Log]:
            database = Database(server.url, schema="log", application="real-clients")
            await database.start()
            try:
                yield EmbeddedLog(database)
            finally:
                await database.stop()

        with _up("embedded", environment) as platform:
            yield Ground(platform, environment, open_log, server.stop, server.start)
    finally:
        server.stop()


@contextmanager
def _up(kind: LogKind, environment: Mapping[str, str]) -> Iterator[Running]:
    said = Path(environment["LEADMILL_DATA_DIR"]).parent / "platform.log"
    with Running(["up", "--log", kind], environment, said) as platform:
        platform.until("/readyz", status=200, seconds=120)
        yield platform
        assert platform.terminate(seconds=60) == 0, platform.said()
