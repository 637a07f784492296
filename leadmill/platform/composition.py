"""Turns blueprints into services that a process can run: workers, applications, what readiness asks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from prometheus_client import CollectorRegistry

from leadmill.platform.roster import ROSTER, entry_of
from leadmill.platform.schemas import ACCESS
from shared.http.access import Authority
from shared.http.app import build_app
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable, Verdict
from shared.kernel.release import VERSION
from shared.postgres.database import Database
from shared.postgres.migrations import require_schema
from shared.processor.loop import Standing, Worker
from shared.runtime.blueprint import Blueprint, Resources
from shared.runtime.service import Activity, Check, Service
from shared.runtime.workers import worker_activity, worker_check
from shared.security.tokens import Tokens
from shared.telemetry.logging import get_logger
from shared.telemetry.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

logger = get_logger(__name__)

_GATE_SECONDS: Final = 2.0

Role = Literal["api", "worker", "all"]


class PartitionHalted(Unavailable):
    """A partition waits for a person; see `leadmill dlq list`, then `leadmill dlq resume`."""

    code = "worker.halted"


def build_blueprints(resources: Resources, names: Sequence[str] = tuple(ROSTER)) -> list[Blueprint]:
    """Return these services, built and not started.

    :raises ServiceUnknown: if one of the names is no service's.
    :raises Rejected: if a business document has faults; each is named.
    """
    return [entry_of(name).build(resources) for name in names]


async def start_blueprints(blueprints: Sequence[Blueprint], stack: AsyncExitStack) -> None:
    """Start them; ``stack`` lets go of them in the end. :raises Unavailable: if something does not answer."""
    for blueprint in blueprints:
        stack.push_async_callback(blueprint.stop)
        await blueprint.start()


async def open_authority(resources: Resources, stack: AsyncExitStack) -> Tokens:
    """Return who knows access tokens. :raises DatabaseUnavailable: if the database does not answer."""
    database = Database(resources.database_url, schema=ACCESS, application="leadmill/access")
    stack.push_async_callback(database.stop)
    await database.start()
    return Tokens(database, pepper=resources.secrets.pepper.reveal())


class SchemaGate:
    """Holds a service's work back until its schema is what the code needs."""

    def __init__(self, blueprint: Blueprint, url: str) -> None:
        self._blueprint = blueprint
        self._url = url

    async def check(self) -> None:
        """Return if the schema will do. :raises SchemaOutdated: if not; readiness shows it."""
        await require_schema(self._url, schema=self._blueprint.schema, scripts=self._blueprint.migrations)

    def hold(self, activity: Activity) -> Activity:
        """Return the activity, which begins once the schema will do."""
        stopping = asyncio.Event()

        async def run() -> None:
            while not stopping.is_set():
                try:
                    await self.check()
                except Verdict as error:
                    logger.warning("held_back", activity=activity.name, code=error.reason)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_GATE_SECONDS):
                            await stopping.wait()
                else:
                    await activity.run()
                    return

        def stop() -> None:
            stopping.set()
            activity.stop()

        return replace(activity, run=run, stop=stop)


def compose_service(
    blueprint: Blueprint,
    *,
    role: Role,
    gate: SchemaGate | None = None,
    authority: Authority,
    clock: Clock,
    registry: CollectorRegistry,
    stopping: asyncio.Event,
    exporter: SpanExporter | None = None,
) -> Service:
    """Return one service as a process runs it in ``role``; whoever started it lets go of it.

    With a ``gate`` nothing of it works, and it is not ready, until its schema is new enough. With an
    ``exporter`` the spans of its requests are recorded.
    """
    activities: list[Activity] = []
    checks: dict[str, Check] = {}
    tracing = Tracing(exporter, service=blueprint.name, version=VERSION)
    app = None
    if role != "api":
        for number, worker in enumerate(blueprint.workers):
            worker.trace_with(tracing)
            name = f"worker-{number}" if number else "worker"
            activities.append(worker_activity(f"{blueprint.name}-{name}", worker))
            checks[name] = worker_check(name, worker)
            checks[f"{name}-partitions"] = _partitions_check(worker)
        activities += blueprint.activities
    if role != "worker":
        activities += blueprint.edge_activities
        checks |= blueprint.edge_checks
        if blueprint.routers and not blueprint.edge_activities:
            # an edge takes data in without its database; whoever is asked questions does not
            checks["database"] = _database_check(blueprint.database)
        path = entry_of(blueprint.name).path
        app = build_app(
            title=f"Leadmill {blueprint.name}",
            service=blueprint.name,
            version=VERSION,
            registry=registry,
            clock=clock,
            stopping=stopping,
            routers=blueprint.routers,
            hot_routes=blueprint.hot_routes,
            authority=authority,
            tracing=tracing,
            statuses=blueprint.statuses,
            docs_prefix=path,
        )
    if gate is not None:
        checks["schema"] = gate.check
        activities = [gate.hold(activity) for activity in activities]

    async def export_rest() -> None:
        await asyncio.to_thread(tracing.stop)

    return Service(
        name=blueprint.name,
        prefix=entry_of(blueprint.name).path,
        also=entry_of(blueprint.name).also,
        app=app,
        activities=activities,
        checks=checks,
        release=export_rest if tracing.is_on else None,
    )


def standings_of(blueprints: Sequence[Blueprint]) -> list[Standing]:
    """Return what the workers tell about themselves, for the watchdog."""
    return [worker.standing for blueprint in blueprints for worker in blueprint.workers]


def _partitions_check(worker: Worker[Any]) -> Check:
    async def check() -> None:
        halted = {target: halt for target, halt in worker.standing.halted.items() if not halt.resumed}
        if halted:
            raise PartitionHalted(f"{_name(halted)}; see `leadmill dlq list`, then `leadmill dlq resume`")

    return check


def _name(halted: Mapping[Any, Any]) -> str:
    return ", ".join(
        f"{target.topic}/{target.partition} waits at {halt.offset} ({halt.code})"
        for target, halt in sorted(halted.items())
    )


def _database_check(database: Database) -> Check:
    async def check() -> None:
        async with database.connection() as connection:
            await connection.fetch_value("SELECT 1")

    return check
