"""Commands over HTTP, as an API process takes them: ``python -m tests.failure.commander '<plan>'``.

It says "ready" and its port. A trip strikes at one of two points: ``in_command``, when everything is
written and locked and nothing committed; ``after_command``, when all is committed and nothing
answered. SIGTERM ends it in order.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, NamedTuple

import msgspec
from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from shared.http.access import Authority
from shared.http.app import build_app
from shared.http.commands import CommandCall, CommandRunner
from shared.http.hot_routes import HotRoute
from shared.http.serving import bind, serve
from shared.kernel.clock import Clock
from shared.kernel.instants import Instant
from shared.postgres.database import Database, Transaction
from shared.processor.batch import Account
from shared.processor.commands import Commands
from shared.processor.fold import Announcer
from shared.processor.stage import SharedStage, Stage
from shared.processor.transaction import Bench
from shared.telemetry.logging import configure_logging
from shared.telemetry.metrics import ProcessorMetrics
from tests.engine.tally import PARTITIONS, Add, TallyStage
from tests.failure.oracle.journal import journal_of
from tests.failure.worker import Trip, WallClock, Wire, die_with, open_database

POINTS: Final = ("in_command", "after_command")
_GRACE: Final = timedelta(seconds=5)


class CommanderPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is told."""

    name: str
    group: str
    database: str
    parent: int
    trip: Trip | None = None


class Offered(NamedTuple):
    """What a process offers over HTTP."""

    routers: Sequence[APIRouter]
    hot_routes: Sequence[HotRoute] = ()


class AddIn(BaseModel):
    """How much to add."""

    amount: int


class AddOut(BaseModel):
    """How many facts the lead counts now."""

    count: int


def build_router(commands: CommandRunner, _database: Database, _wire: Wire) -> Offered:
    """Offer tally's one route."""
    router = APIRouter(prefix="/tally/v1")

    @router.post("/leads/{lead}/add")
    async def add(lead: str, body: AddIn, call: CommandCall) -> AddOut:
        return AddOut(count=await call.run(commands, lead, Add(body.amount)))

    return Offered([router])


class TrippedCommands:
    """Commands with a tripwire: inside the transaction, and between it and the answer."""

    def __init__(self, commands: Commands[Any], wire: Wire) -> None:
        self._commands = commands
        self._wire = wire

    async def run(self, *, key: str, command: object, received: Instant, idempotency_key: str) -> Any:
        """Carry a command out."""
        reply = await self._commands.run(
            key=key, command=command, received=received, idempotency_key=idempotency_key
        )
        self._wire("after_command")
        return reply


async def take_commands(
    stage: Stage[Any] | SharedStage,
    build: Callable[[CommandRunner, Database, Wire], Offered],
    *,
    name: str,
    url: str,
    clock: Clock,
    trip: Trip | None,
    authority: Authority | None = None,
    statuses: Mapping[str, int] | None = None,
) -> None:
    """Serve the routes of a stage's commands until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    listener = bind("127.0.0.1", 0)
    database = await open_database(url, application=name, schema=stage.name)
    wire, write = Wire(trip), journal_of(name)

    async def journal(transaction: Transaction, account: Account) -> None:
        await write(transaction, account)
        wire("in_command")

    registry = CollectorRegistry()
    bench = Bench(
        announcer=Announcer(
            source=f"/leadmill/{stage.name}", partitions=PARTITIONS, max_record_bytes=900_000
        ),
        database=database,
        clock=clock,
        metrics=ProcessorMetrics(registry, service=stage.name, group=stage.group),
        journal=journal,
    )
    offered = build(TrippedCommands(Commands(stage, bench), wire), database, wire)
    app = build_app(
        title=stage.name,
        service=stage.name,
        version="test",
        registry=registry,
        clock=clock,
        stopping=stopping,
        routers=offered.routers,
        hot_routes=offered.hot_routes,
        authority=authority,
        statuses=statuses,
    )
    print("ready", listener.getsockname()[1], flush=True)
    await serve(app, sockets=[listener], stopping=stopping, grace=_GRACE)
    await database.stop()


def main() -> None:
    """Read the plan and take commands."""
    plan = msgspec.json.decode(sys.argv[1], type=CommanderPlan)
    die_with(plan.parent)
    configure_logging(service="tally", version="test")
    with suppress(KeyboardInterrupt):
        asyncio.run(
            take_commands(
                TallyStage(with_timers=True, with_latest=True, group=plan.group),
                build_router,
                name=plan.name,
                url=plan.database,
                clock=WallClock(),
                trip=plan.trip,
            )
        )


if __name__ == "__main__":
    main()
