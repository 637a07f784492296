"""The whole platform inside one program, under a simulated clock: for the demo and for tests.

Nothing else differs from a platform that ``leadmill up`` runs: the same services, the same log and
database, real HTTP on a port of loopback. Only time stands still until it is moved, and it is moved
only when everything that is known has had its effect.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from prometheus_client import CollectorRegistry

from leadmill.platform.composition import (
    build_blueprints,
    compose_service,
    open_authority,
    start_blueprints,
)
from leadmill.platform.ground import Ground
from leadmill.platform.roster import ROSTER
from leadmill.platform.schemas import migrate_schemas
from leadmill.platform.serving import addresses_of
from leadmill.platform.topics import apply_topics
from shared.http.serving import bind
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Unavailable
from shared.kernel.instants import Instant
from shared.kernel.release import VERSION
from shared.log.port import Admin, TopicPartition
from shared.processor.checks import Progress, compare_progress
from shared.processor.transaction import Journal, no_journal
from shared.runtime.blueprint import Blueprint, Resources
from shared.runtime.health import Health
from shared.runtime.http_servers import admin_server, api_server
from shared.runtime.process import Lifeline, StopPlan, supervise

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

_POLL: Final = timedelta(milliseconds=50)
_LOOK_SECONDS: Final = 0.005
_GRACE: Final = timedelta(seconds=10)


class NotDrained(Unavailable):
    """The platform did not come to rest in time; something is stuck, or there is too much to do."""

    code = "platform.not_drained"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    """What one look at the whole platform showed: per service, and the bounds of the log."""

    progress: Sequence[Progress]
    bounds: Mapping[TopicPartition, tuple[int, int]]
    has_jobs: bool
    has_heard_out: bool

    def is_still(self, now: Instant) -> bool:
        """True if nothing is left to do but to send."""
        return self.has_heard_out and all(
            part.is_drained and (part.next_due is None or part.next_due > now) for part in self.progress
        )

    def is_reached(self, now: Instant) -> bool:
        return not self.has_jobs and self.is_still(now)

    @property
    def next_due(self) -> Instant | None:
        return min((part.next_due for part in self.progress if part.next_due is not None), default=None)


class Platform:
    """A running platform; an asynchronous context manager.

    ``address`` and ``admin_address`` are where it answers; ``blueprints`` are its services, in order.
    """

    def __init__(
        self,
        ground: Ground,
        *,
        clock: SimulatedClock,
        services: Sequence[str] = tuple(ROSTER),
        exporter: SpanExporter | None = None,
        environment: Mapping[str, str] | None = None,
        journal_of: Callable[[str], Journal] = lambda _service: no_journal,
    ) -> None:
        """Prepare a platform on an open ground; nothing runs before it is entered.

        With an ``exporter`` the spans of requests are recorded. Services read their settings from
        ``environment``, by default that of the process, and write journals if ``journal_of`` gives any.
        """
        self.clock = clock
        self.ground = ground
        self.registry = CollectorRegistry()
        self.health = Health(version=VERSION)
        self.address = ""
        self.admin_address = ""
        self.blueprints: list[Blueprint] = []
        self.resources: Resources = replace(
            ground.resources(clock=clock, registry=self.registry, poll=_POLL),
            environment=environment,
            may_send=lambda: self._may_send,
            journal_of=journal_of,
        )
        self._may_send = False
        self._names = services
        self._exporter = exporter
        self._lifeline = Lifeline()
        self._admin: Admin | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Migrate, create topics, start everything, and return once it is ready.

        :raises Unavailable: if something that it stands on does not answer.
        """
        try:
            await self._start(self._stack)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # what went wrong outside is told as it is; the tasks in here are stopped, not cancelled
        await self._stack.aclose()

    async def _start(self, stack: AsyncExitStack) -> None:
        api, admin = bind("127.0.0.1", 0), bind("127.0.0.1", 0)
        stack.callback(api.close)
        stack.callback(admin.close)
        addresses = addresses_of([api], [admin])
        self.address, self.admin_address = addresses.api, addresses.admin
        self.resources = replace(self.resources, front_door=self.address)
        self.blueprints = build_blueprints(self.resources, self._names)
        await migrate_schemas(self.ground.url, self.blueprints)
        await apply_topics(self.ground.log, partitions=self.ground.settings.partitions)
        await start_blueprints(self.blueprints, stack)
        self._admin = await self.ground.log.admin()
        stack.push_async_callback(self._admin.stop)
        authority = await open_authority(self.resources, stack)
        services = [
            compose_service(
                blueprint,
                role="all",
                authority=authority,
                clock=self.clock,
                registry=self.registry,
                stopping=self._lifeline.stopping,
                exporter=self._exporter,
            )
            for blueprint in self.blueprints
        ]
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        stack.callback(self._lifeline.pull)
        running = tasks.create_task(
            supervise(
                services,
                health=self.health,
                lifeline=self._lifeline,
                around=[api_server(services, sockets=[api], grace=_GRACE)],
                admin=[admin_server(health=self.health, registry=self.registry, sockets=[admin])],
                plan=StopPlan(grace=_GRACE),
            ),
            name="platform",
        )
        await self._until_ready(running)

    async def _until_ready(self, running: asyncio.Task[None], *, within: float = 60.0) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not running.done():
                    if all(result.ok for result in await self.health.ready()):
                        return
                    await asyncio.sleep(_LOOK_SECONDS)
        waiting = [f"{result.name} {result.code}" for result in await self.health.ready() if not result.ok]
        raise NotDrained(f"the platform did not get ready: {', '.join(waiting)}")

    async def drained(self, *, within: float = 120.0) -> Instant | None:
        """Wait until everything that is known has had its effect; return when the next timer is due.

        Nothing is unread, nothing unpublished, no job has anything to do, and no timer is due by now.
        Mails go out while it waits, and only once all else is at rest. Call it when no request is under
        way.

        :raises NotDrained: if that takes longer than ``within`` seconds.
        """
        try:
            async with asyncio.timeout(within):
                before = await self._look()
                while True:
                    after = await self._look()
                    # at rest at both looks, and nothing was appended in between: it lasts. What a job did
                    # during the first look shows at the second
                    now = self.clock.now()
                    lasts = before.bounds == after.bounds
                    if lasts and before.is_reached(now) and after.is_reached(now):
                        return after.next_due
                    self._may_send = lasts and before.is_still(now) and after.is_still(now)
                    before = after
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise NotDrained from None
        finally:
            self._may_send = False

    async def advance_to(self, instant: Instant, *, grain: int = 0) -> None:
        """Move the clock forward, stopping wherever a timer is due, so that timers ring in order of time.

        Timers less than ``grain`` microseconds apart may ring at one stop: each still carries its own
        due time, only those of different leads may then swap places.

        :raises NotDrained: if the platform does not come to rest on the way.
        """
        while (due := await self.drained()) is not None and due <= instant:
            self.clock.advance_to(min(max(due + grain, self.clock.now()), instant))
        self.clock.advance_to(instant)
        await self.drained()

    async def _look(self) -> _Rest:
        """Look at the ends of the log first, then at how far every service is, and last at its jobs."""
        admin = self._admin
        assert admin is not None
        topics = {topic for blueprint in self.blueprints for topic in blueprint.topics}
        bounds = await admin.bounds(topics)
        progress = [
            await compare_progress(
                blueprint.database,
                group=blueprint.group,
                bounds={target: ends for target, ends in bounds.items() if target.topic in blueprint.topics},
            )
            for blueprint in self.blueprints
        ]
        resting = [await blueprint.is_at_rest() for blueprint in self.blueprints]
        heard_out = [await blueprint.has_heard_out() for blueprint in self.blueprints]
        return _Rest(
            progress=progress, bounds=bounds, has_jobs=not all(resting), has_heard_out=all(heard_out)
        )
