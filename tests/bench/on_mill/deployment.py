"""Services as an operator runs them: a process each, one Kafka, one PostgreSQL with durable commits."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leadmill.platform.roster import ROSTER
from shared.log.port import Admin
from shared.postgres.database import Database
from shared.processor.checks import compare_progress
from tests.bench.cost import family_seconds
from tests.bench.surroundings import Servers
from tests.operations.processes import CHECKOUT, Running, leadmill

SOURCE: Final = "website"
_SETTLE_SECONDS: Final = 300.0
_CAPACITY: Final = re.compile(r"capacity: \d+")


@dataclass(frozen=True)
class Mill:
    """A running deployment."""

    processes: Mapping[str, Running]
    databases: Mapping[str, Database]
    admin: Admin
    key: str

    @property
    def edge(self) -> str:
        """Where data is sent to."""
        return self.processes["ingest"].address

    def used(self) -> dict[str, float]:
        """Return the processor seconds that each service's process has used so far."""
        seconds = {}
        for name, running in self.processes.items():
            assert running.process is not None
            seconds[name] = family_seconds(running.process.pid)
        return seconds

    async def settle(self) -> None:
        """Wait until everything that lies in the log has had its effect in every service.

        :raises TimeoutError: if that takes longer than five minutes.
        """
        async with asyncio.timeout(_SETTLE_SECONDS):
            while not await self._is_settled():
                await asyncio.sleep(0.05)

    async def _is_settled(self) -> bool:
        for name, database in self.databases.items():
            async with database.connection() as connection:
                topics = await connection.fetch_value(
                    "SELECT array_agg(DISTINCT topic) FROM position WHERE consumer_group = $1", name
                )
            bounds = await self.admin.bounds(topics)
            if not (await compare_progress(database, group=name, bounds=bounds)).is_drained:
                return False
        return True


@contextlib.asynccontextmanager
async def open_mill(
    servers: Servers, folder: Path, *, services: Collection[str] = tuple(ROSTER)
) -> AsyncIterator[Mill]:
    """Migrate, create topics, start these services (else all), and stop them again.

    Reps have room for everybody, so that every lead finds an owner.
    """
    config = folder / "config"
    shutil.copytree(CHECKOUT / "config", config)
    people = config / "routing" / "people.yaml"
    people.write_text(_CAPACITY.sub("capacity: 100000", people.read_text()))
    environment = {
        "LEADMILL_POSTGRES": servers.postgres,
        "LEADMILL_LOG": "kafka",
        "LEADMILL_KAFKA": servers.kafka,
        "LEADMILL_CONFIG": str(config),
        "LEADMILL_DATA_DIR": str(folder),
        "LEADMILL_LOG_LEVEL": "warning",
    }
    key = await asyncio.to_thread(_prepare, environment)
    async with contextlib.AsyncExitStack() as stack:
        running = stack.enter_context(ExitStack())
        processes = {
            name: running.enter_context(Running(["run", name], environment, folder / f"{name}.log"))
            for name in services
        }
        for process in processes.values():
            await asyncio.to_thread(process.until, "/readyz", status=200)
        databases = {}
        for name in services:
            databases[name] = Database(servers.postgres, schema=name, application="bench")
            stack.push_async_callback(databases[name].stop)
            await databases[name].start()
        admin = await servers.log.admin()
        stack.push_async_callback(admin.stop)
        yield Mill(processes, databases, admin, key)
        codes = [await asyncio.to_thread(process.terminate) for process in processes.values()]
        assert codes == [0] * len(codes), [process.said() for process in processes.values()]


def _prepare(environment: Mapping[str, str]) -> str:
    for command in (["migrate"], ["topics", "apply"]):
        done = leadmill(*command, environment=environment)
        assert done.code == 0, done.err
    key: str = leadmill("key", "add", SOURCE, "--json", environment=environment).document["key"]
    return key
