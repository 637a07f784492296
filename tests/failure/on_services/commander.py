"""Commands to a service over HTTP: ``python -m tests.failure.on_services.commander '<plan>'``.

Its own routes (ingest's take merges back, forget people, put leads right and take tables in, routing's are
the reps'), on what its bootstrap builds, with a tripwire, a journal and the clock of the run. A token is the
name of who asks.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import msgspec
from prometheus_client import CollectorRegistry

from services.ingest.api.erasures import PersonNaming, build_erasure_router
from services.ingest.api.imports.routes import build_import_router
from services.ingest.api.imports.uploading import Uploading, upload_routes
from services.ingest.api.merges import build_merge_router
from services.ingest.api.statuses import STATUSES
from services.ingest.bootstrap.desk import build_desk
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.store.documents import read_rulebook
from services.routing import bootstrap as routing
from services.routing.api.commanding import commanding_router
from shared.http.commands import CommandRunner
from shared.kernel.instants import Instant
from shared.postgres.database import Database
from shared.security.tokens import Principal, Role
from shared.telemetry.logging import configure_logging
from tests.failure.commander import Offered, take_commands
from tests.failure.on_services.importing import desk_of, hurry
from tests.failure.on_services.plants import plant
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.worker import CONFIG, IDENTITY_KEY, stage_of
from tests.failure.worker import Trip, Wire, die_with, log_on


class ServiceCommanderPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is told; ``clock`` is the file of the run's clock."""

    service: str
    name: str
    database: str
    kafka: str
    clock: str
    parent: int
    trip: Trip | None = None
    plant: str = ""


class Believing:
    """Takes a token for the name of who asks, in this role; a name of a rep for a rep."""

    def __init__(self, role: Role) -> None:
        self._role = role

    async def principal_of(self, token: str, *, now: Instant) -> Principal | None:
        """Return who asks."""
        role: Role = "rep" if token.startswith("rep-") else self._role
        return Principal(id=token, name=token, role=role, subject=token)


class Counter(NamedTuple):
    """Where a service takes commands: its routes, who may use them, and how refusals are answered."""

    build: Callable[[ServiceCommanderPlan, CommandRunner, Database, Wire], Offered]
    role: Role
    statuses: Mapping[str, int]


def _offer_ingest(
    plan: ServiceCommanderPlan, commands: CommandRunner, database: Database, wire: Wire
) -> Offered:
    rulebook = read_rulebook(CONFIG / "ingest", default_region="CN")
    hasher = identifier_hasher(IDENTITY_KEY)
    naming = PersonNaming(rules=rulebook.identity, hash_identifier=hasher)
    clock = FastClock(Path(plan.clock))
    imports = desk_of(
        log=log_on(plan.kafka),
        database=database,
        clock=clock,
        config=CONFIG,
        identity_key=IDENTITY_KEY,
        wire=wire,
    )
    edge: Any = SimpleNamespace(clock=clock)  # of the edge only write keys need more, and here come tokens
    uploading = Uploading(edge=edge, desk=imports, authority=Believing("marketer"))
    return Offered(
        [
            build_merge_router(commands),
            build_erasure_router(naming, commands),
            build_import_router(imports),
            build_desk(rulebook, database, commands, hash_identifier=hasher),
        ],
        upload_routes(uploading),
    )


def _offer_routing(
    _plan: ServiceCommanderPlan, commands: CommandRunner, _database: Database, _wire: Wire
) -> Offered:
    return Offered([commanding_router(commands)])


_COUNTERS: Final = {
    "ingest": Counter(_offer_ingest, "admin", STATUSES),
    "routing": Counter(_offer_routing, "rep", routing.STATUSES),
}


def main() -> None:
    """Read the plan and take commands."""
    plan = msgspec.json.decode(sys.argv[1], type=ServiceCommanderPlan)
    die_with(plan.parent)
    configure_logging(service=plan.service, version="test")
    hurry()
    plant(plan.plant)
    counter = _COUNTERS[plan.service]
    with suppress(KeyboardInterrupt):
        asyncio.run(
            take_commands(
                stage_of(plan.service, CollectorRegistry()),
                partial(counter.build, plan),
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
