"""Routing's commands over HTTP as a process: ``python -m tests.failure.on_chain.commander '<plan>'``.

Its routes are routing's own; a token is the name of the rep whose it is. It says "ready" and its port.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry

from services.routing.api.commanding import commanding_router
from services.routing.bootstrap import NAME, STATUSES
from shared.http.app import build_app
from shared.http.serving import bind, serve
from shared.kernel.instants import Instant
from shared.processor.commands import Commands
from shared.processor.fold import Announcer
from shared.processor.transaction import Bench
from shared.security.tokens import Principal
from shared.telemetry.logging import configure_logging
from shared.telemetry.metrics import ProcessorMetrics
from tests.engine.tally import PARTITIONS
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.worker import stage_of
from tests.failure.oracle.journal import journal_of
from tests.failure.worker import die_with, open_database

_GRACE: Final = timedelta(seconds=5)


class DeskPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is told; ``clock`` is the file of the run's clock."""

    name: str
    database: str
    clock: str
    parent: int


class EveryRep:
    """Takes a token for the name of the rep whose it is."""

    async def principal_of(self, token: str, *, now: Instant) -> Principal | None:
        """Return the rep."""
        return Principal(id=token, name=token, role="rep", subject=token)


async def take_commands(plan: DeskPlan) -> None:
    """Serve until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    listener = bind("127.0.0.1", 0)
    database = await open_database(plan.database, application=plan.name, schema=NAME)
    registry, clock = CollectorRegistry(), FastClock(Path(plan.clock))
    bench = Bench(
        announcer=Announcer(source=f"/leadmill/{NAME}", partitions=PARTITIONS, max_record_bytes=900_000),
        database=database,
        clock=clock,
        metrics=ProcessorMetrics(registry, service=NAME, group=NAME),
        journal=journal_of(plan.name),
    )
    commands: Commands[Any] = Commands(stage_of(NAME, registry), bench)
    app = build_app(
        title=NAME,
        service=NAME,
        version="test",
        registry=registry,
        clock=clock,
        stopping=stopping,
        routers=[commanding_router(commands)],
        statuses=STATUSES,
        authority=EveryRep(),
    )
    print("ready", listener.getsockname()[1], flush=True)
    await serve(app, sockets=[listener], stopping=stopping, grace=_GRACE)
    await database.stop()


def main() -> None:
    """Read the plan and take commands."""
    plan = msgspec.json.decode(sys.argv[1], type=DeskPlan)
    die_with(plan.parent)
    configure_logging(service=NAME, version="test")
    with suppress(KeyboardInterrupt):
        asyncio.run(take_commands(plan))


if __name__ == "__main__":
    main()
