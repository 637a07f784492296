"""A process of the platform: all services on one port, or one in one role, until it is told to stop."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry

from leadmill.platform.composition import (
    Role,
    SchemaGate,
    build_blueprints,
    compose_service,
    open_authority,
    standings_of,
    start_blueprints,
)
from leadmill.platform.ground import Ground, open_ground
from leadmill.platform.roster import KEYS_OWNER, ROSTER
from leadmill.platform.schemas import migrate_schemas
from leadmill.platform.settings import PlatformSettings
from leadmill.platform.topics import apply_topics
from shared.http.serving import bind
from shared.kernel.clock import Clock
from shared.kernel.release import VERSION
from shared.processor.loop.watchdog import Watchdog
from shared.runtime.clock import SystemClock
from shared.runtime.health import Health
from shared.runtime.http_servers import admin_server, api_server
from shared.runtime.process import Lifeline, StopPlan, supervise
from shared.runtime.settings.environment import describe_settings
from shared.telemetry.metrics import publish_build_info

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

_GC_THRESHOLDS: Final = (200_000, 20, 50)
"""A batch makes some ten thousand objects that all die with it; the default looks at 700."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What one process is to run. ``prepares``: it migrates and creates topics first."""

    services: Sequence[str] = tuple(ROSTER)
    role: Role = "all"
    prepares: bool = False
    announces: Callable[[Addresses], None] = field(default=lambda _: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where a running process answers; ``api`` is empty where it answers no requests."""

    api: str
    admin: str


async def run_platform(settings: PlatformSettings, assignment: Assignment, *, lifeline: Lifeline) -> None:
    """Run what is assigned until the lifeline is pulled.

    A process that does not prepare its surroundings waits, not ready, for a schema that is too old and
    for topics that are missing or have another count.

    :raises PortTaken: before anything else is touched.
    :raises Unavailable: if the database or the embedded log does not answer.
    """
    async with AsyncExitStack() as stack:
        api = [_bind(stack, settings.host, settings.port)] if assignment.role != "worker" else []
        admin = [_bind(stack, settings.admin_host, settings.admin_port)]
        ground = await stack.enter_async_context(open_ground(settings, is_owner=assignment.prepares))
        await serve_ground(ground, assignment, api=api, admin=admin, clock=SystemClock(), lifeline=lifeline)


async def serve_ground(
    ground: Ground,
    assignment: Assignment,
    *,
    api: Sequence[socket.socket],
    admin: Sequence[socket.socket],
    clock: Clock,
    lifeline: Lifeline,
) -> None:
    """Build, prepare and run services on an open ground; lets go of them, and not of the ground."""
    settings = ground.settings
    registry = CollectorRegistry()
    async with AsyncExitStack() as stack:
        resources = ground.resources(clock=clock, registry=registry)
        if KEYS_OWNER in assignment.services and api:
            resources = replace(resources, front_door=addresses_of(api, admin).api)
        blueprints = build_blueprints(resources, assignment.services)
        if assignment.prepares:
            await migrate_schemas(ground.url, blueprints)
            await apply_topics(ground.log, partitions=settings.partitions)
        await start_blueprints(blueprints, stack)
        authority = await open_authority(resources, stack)
        exporter = _exporter_of(settings)
        services = [
            compose_service(
                blueprint,
                role=assignment.role,
                gate=None if assignment.prepares else SchemaGate(blueprint, ground.url),
                authority=authority,
                clock=clock,
                registry=registry,
                stopping=lifeline.stopping,
                exporter=exporter,
            )
            for blueprint in blueprints
        ]
        health = Health(version=VERSION, revision=settings.revision, settings=describe_settings(settings))
        around = ground.upkeep(clock, tidies=assignment.role != "api")
        if api:
            around.append(
                api_server(
                    services,
                    sockets=api,
                    grace=settings.grace_period,
                    trusted_proxies=settings.trusted_proxies,
                )
            )
        for service in services:
            publish_build_info(registry, service=service.name, version=VERSION, revision=settings.revision)
        settle_garbage()
        watchdog = Watchdog(standings_of(blueprints) if assignment.role != "api" else [])
        watchdog.start()
        stack.callback(watchdog.stop)
        assignment.announces(addresses_of(api, admin))
        await supervise(
            services,
            health=health,
            lifeline=lifeline,
            around=around,
            admin=[admin_server(health=health, registry=registry, sockets=admin)],
            plan=StopPlan(grace=settings.grace_period, linger=settings.linger),
        )


def settle_garbage() -> None:
    """Leave what start-up made out of every later collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def addresses_of(api: Sequence[socket.socket], admin: Sequence[socket.socket]) -> Addresses:
    """Return where bound sockets answer."""
    return Addresses(api=_address(api), admin=_address(admin))


def _exporter_of(settings: PlatformSettings) -> SpanExporter | None:
    """Return what sends spans, one for all services; OpenTelemetry is imported only where they are wanted."""
    if not settings.traces_endpoint:
        return None
    from shared.telemetry.span_export import OtlpExporter

    return OtlpExporter(settings.traces_endpoint)


def _bind(stack: AsyncExitStack, host: str, port: int) -> socket.socket:
    listener = bind(host, port)
    stack.callback(listener.close)
    return listener


def _address(sockets: Sequence[socket.socket]) -> str:
    if not sockets:
        return ""
    host, port = sockets[0].getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
