"""Commands to a service over HTTP: ``python -m tests.failure.on_services.commander '<plan>'``.

Its own routes (ingest's take merges back and forget people, routing's are the reps'), on what its
bootstrap builds, with a tripwire, a journal and the clock of the run. A token is the name of who asks.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from fastapi import APIRouter
from prometheus_client import CollectorRegistry

from services.ingest.api.erasures import PersonNaming, build_erasure_router
from services.ingest.api.merges import build_merge_router
from services.ingest.api.statuses import STATUSES
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.store.documents import read_rulebook
from services.routing import bootstrap as routing
from services.routing.api.commanding import commanding_router
from shared.http.commands import CommandRunner
from shared.kernel.instants import Instant
from shared.security.tokens import Principal, Role
from shared.telemetry.logging import configure_logging
from tests.failure.commander import take_commands
from tests.failure.on_services.plants import plant
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.worker import CONFIG, IDENTITY_KEY, stage_of
from tests.failure.worker import Trip, die_with


class ServiceCommanderPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is told; ``clock`` is the file of the run's clock."""

    service: str
    name: str
    database: str
    clock: str
    parent: int
    trip: Trip | None = None
    plant: str = ""


class Believing:
    """Takes a token for the name of who asks, in this role."""

    def __init__(self, role: Role) -> None:
        self._role = role

    async def principal_of(self, token: str, *, now: Instant) -> Principal | None:
        """Return who asks."""
        return Principal(id=token, name=token, role=self._role, subject=token)


class Counter(NamedTuple):
    """Where a service takes commands: its routes, who may use them, and how refusals are answered."""

    build: Callable[[CommandRunner], APIRouter]
    role: Role
    statuses: Mapping[str, int]


def _build_ingest_router(commands: CommandRunner) -> APIRouter:
    rules = read_rulebook(CONFIG / "ingest", default_region="CN").identity
    naming = PersonNaming(rules=rules, hash_identifier=identifier_hasher(IDENTITY_KEY))
    router = APIRouter()
    router.include_router(build_merge_router(commands))
    router.include_router(build_erasure_router(naming, commands))
    return router


_COUNTERS: Final = {
    "ingest": Counter(_build_ingest_router, "admin", STATUSES),
    "routing": Counter(commanding_router, "rep", routing.STATUSES),
}


def main() -> None:
    """Read the plan and take commands."""
    plan = msgspec.json.decode(sys.argv[1], type=ServiceCommanderPlan)
    die_with(plan.parent)
    configure_logging(service=plan.service, version="test")
    plant(plan.plant)
    counter = _COUNTERS[plan.service]
    with suppress(KeyboardInterrupt):
        asyncio.run(
            take_commands(
                stage_of(plan.service, CollectorRegistry()),
                counter.build,
                name=plan.name,
                url=plan.database,
                clock=FastClock(Path(plan.clock)),
                trip=plan.trip,
                authority=Believing(counter.role),
                statuses=counter.statuses,
            )
        )


if __name__ == "__main__":
    main()
