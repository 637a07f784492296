"""A deployment as a command sees it: its ground and its services, opened for a moment, beside what runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from leadmill.platform.access import Access, open_access
from leadmill.platform.composition import build_blueprints, start_blueprints
from leadmill.platform.ground import Ground, open_ground
from leadmill.platform.roster import entry_of
from leadmill.platform.schemas import migrate_schemas, require_schemas
from leadmill.platform.settings import PlatformSettings
from leadmill.platform.topics import apply_topics
from shared.runtime.blueprint import Blueprint, Resources
from shared.runtime.clock import SystemClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Everything that a command may ask or change; its services are started, and do not run."""

    ground: Ground
    resources: Resources
    blueprints: Sequence[Blueprint]
    access: Access

    def service(self, name: str) -> Blueprint:
        """Return one service. :raises ServiceUnknown: if there is none of this name."""
        entry_of(name)
        return next(blueprint for blueprint in self.blueprints if blueprint.name == name)


@asynccontextmanager
async def open_deployment(settings: PlatformSettings) -> AsyncIterator[Deployment]:
    """Open a deployment. With the database that comes along its schemas and topics are made on the way.

    :raises SchemaOutdated: if somebody else's database has a schema that is too old.
    :raises Unavailable: if something does not answer.
    """
    async with AsyncExitStack() as stack:
        ground = await stack.enter_async_context(open_ground(settings))
        resources = ground.resources(clock=SystemClock())
        blueprints = build_blueprints(resources)
        if settings.uses_own_database:
            await migrate_schemas(ground.url, blueprints)
            if ground.settings.log == "embedded":
                await apply_topics(ground.log, partitions=ground.settings.partitions)
        else:
            await require_schemas(ground.url, blueprints)
        await start_blueprints(blueprints, stack)
        access = await open_access(blueprints, resources)
        stack.push_async_callback(access.close)
        yield Deployment(ground=ground, resources=resources, blueprints=blueprints, access=access)
