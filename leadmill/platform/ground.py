"""What the services stand on: a database, a log, the deployment's secrets; opened and closed together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from leadmill.embedded import DataDirInUse, EmbeddedPostgres, find_running
from leadmill.platform.deployment import settle
from leadmill.platform.settings import PlatformSettings
from shared.kernel.clock import Clock
from shared.log.embedded import EmbeddedLog
from shared.log.kafka.connection import Security
from shared.log.kafka.log import KafkaLog
from shared.log.port import Log
from shared.postgres.database import Database, DatabaseLimits
from shared.processor.loop import LoopSettings
from shared.runtime.blueprint import Resources
from shared.runtime.service import Activity, repeatedly, until_stopped
from shared.security.secrets import load_secrets

LOG_SCHEMA: Final = "log"

_TIDY_EVERY: Final = timedelta(minutes=5)
_LOOK_EVERY: Final = timedelta(seconds=1)
_LOG_CONNECTIONS: Final = 10
_BESIDE_TRIES: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """An open database and log. ``settings`` are those of the directory, ``data`` is its folder.

    ``server`` is the database that this process has started, if it has.
    """

    settings: PlatformSettings
    data: Path
    url: str
    log: Log
    server: EmbeddedPostgres | None = None

    def resources(
        self, *, clock: Clock, registry: CollectorRegistry | None = None, poll: timedelta | None = None
    ) -> Resources:
        """Return what services are built from.

        :raises Rejected: if the deployment's secrets cannot be had, see :mod:`shared.security.secrets`.
        """
        settings = self.settings
        loop = LoopSettings(partitions=settings.partitions)
        if poll is not None:
            loop = LoopSettings(partitions=settings.partitions, poll=poll)
        return Resources(
            log=self.log,
            clock=clock,
            database_url=self.url,
            registry=registry or CollectorRegistry(),
            secrets=load_secrets(
                self.data,
                identity_key=_reveal(settings.identity_key),
                pepper=_reveal(settings.pepper),
            ),
            config=settings.config,
            data=self.data,
            member=f"{socket.gethostname()}-{os.getpid()}",
            loop=loop,
        )

    def upkeep(self, clock: Clock, *, tidies: bool = True) -> list[Activity]:
        """Return what keeps the ground itself in order.

        A look at the database of our own, which ends the process when the server has ended, as that does
        when it has no room for what it must write; and if it ``tidies``, the embedded log's retention
        and compaction.
        """
        log, server = self.log, self.server
        activities: list[Activity] = []
        if server is not None:

            async def watch(stopping: asyncio.Event) -> None:
                while not stopping.is_set():
                    server.require()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_EVERY.total_seconds()):
                            await stopping.wait()

            activities.append(until_stopped("database-server", watch))
        if tidies and isinstance(log, EmbeddedLog):

            async def tidy() -> None:
                await log.tidy(clock.now() // 1000)

            activities.append(repeatedly("log-tidying", tidy, every=_TIDY_EVERY))
        return activities


@asynccontextmanager
async def open_ground(
    settings: PlatformSettings,
    *,
    is_owner: bool = False,
    postgres_settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Ground]:
    """Open what the settings name, starting the database that comes along where they name none.

    With ``is_owner`` a database that already runs in the directory is an error; without it that one is
    used, so that commands work beside a running ``up``.

    :raises DataDirInUse: if another process owns the directory.
    :raises PostgresUnusable: if this machine or directory cannot hold a database.
    :raises Unavailable: if the database or the embedded log does not answer.
    """
    async with AsyncExitStack() as stack:
        data = settings.data_folder
        if settings.uses_own_database:
            url, server = await _own_database(stack, data, is_owner=is_owner, settings=postgres_settings)
            settings = settle(settings, data)
        else:
            url, server = settings.postgres.get_secret_value(), None
        log = await _open_log(stack, settings, url)
        yield Ground(settings=settings, data=data, url=url, log=log, server=server)


async def _own_database(
    stack: AsyncExitStack, data: Path, *, is_owner: bool, settings: Mapping[str, str] | None
) -> tuple[str, EmbeddedPostgres | None]:
    for tries_left in range(_BESIDE_TRIES, -1, -1):
        running = None if is_owner else find_running(data)
        if running is not None:
            return running, None
        try:
            postgres = await stack.enter_async_context(EmbeddedPostgres(data, settings=settings))
        except DataDirInUse:
            # somebody is just starting it: there will be an address in a moment
            if is_owner or not tries_left:
                raise
            await asyncio.sleep(0.2)
        else:
            return postgres.url, postgres
    raise AssertionError("unreachable: the last try returns or raises")


async def _open_log(stack: AsyncExitStack, settings: PlatformSettings, url: str) -> Log:
    if settings.log == "kafka":
        return KafkaLog(
            settings.kafka,
            session_timeout=settings.kafka_session.total_seconds(),
            replication=settings.kafka_replication,
            security=_security_of(settings),
        )
    database = Database(
        url,
        schema=LOG_SCHEMA,
        application="leadmill/log",
        limits=DatabaseLimits(connections=_LOG_CONNECTIONS),
    )
    stack.push_async_callback(database.stop)
    await database.start()
    log = EmbeddedLog(database)
    await log.prepare()
    return log


def _security_of(settings: PlatformSettings) -> Security:
    tls = None
    if settings.kafka_protocol in {"SSL", "SASL_SSL"}:
        tls = ssl.create_default_context(cafile=None if settings.kafka_ca is None else str(settings.kafka_ca))
    return Security(
        protocol=settings.kafka_protocol,
        tls=tls,
        mechanism=settings.kafka_mechanism,
        username=settings.kafka_username or None,
        password=settings.kafka_password.get_secret_value() or None,
    )


def _reveal(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
