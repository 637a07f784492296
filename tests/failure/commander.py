"""Commands over HTTP, as an API process takes them: ``python -m tests.failure.commander '<plan>'``.

It says "ready" and its port. A trip strikes at one of two points: ``in_command``, when everything is
written and locked and nothing committed; ``after_command``, when all is committed and nothing
answered. SIGTERM ends it in order.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import msgspec
from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from shared.http.app import build_app
from shared.http.commands import CommandCall
from shared.http.serving import bind, serve
from shared.postgres.database import Transaction
from shared.processor.batch import Account
from shared.processor.commands import Commands
from shared.processor.fold import Announcer
from shared.processor.transaction import Bench
from shared.telemetry.logging import configure_logging
from shared.telemetry.metrics import ProcessorMetrics
from tests.engine.tally import PARTITIONS, Add, TallyStage, TallyState
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


class AddIn(BaseModel):
    """How much to add."""

    amount: int


class AddOut(BaseModel):
    """How many facts the lead counts now."""

    count: int


def build_router(commands: Commands[TallyState], passed: Callable[[str], None]) -> APIRouter:
    """Return tally's one route; ``passed`` is called at ``after_command``."""
    router = APIRouter(prefix="/tally/v1")

    @router.post("/leads/{lead}/add")
    async def add(lead: str, body: AddIn, call: CommandCall) -> AddOut:
        count: int = await call.run(commands, lead, Add(body.amount))
        passed("after_command")
        return AddOut(count=count)

    return router


async def take_commands(plan: CommanderPlan) -> None:
    """Serve until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    listener = bind("127.0.0.1", 0)
    database = await open_database(plan.database, application=plan.name)
    wire, write = Wire(plan.trip), journal_of(plan.name)

    async def journal(transaction: Transaction, account: Account) -> None:
        await write(transaction, account)
        wire("in_command")

    registry, clock = CollectorRegistry(), WallClock()
    bench = Bench(
        announcer=Announcer(source="/leadmill/tally", partitions=PARTITIONS, max_record_bytes=900_000),
        database=database,
        clock=clock,
        metrics=ProcessorMetrics(registry, service="tally", group=plan.group),
        journal=journal,
    )
    stage = TallyStage(with_timers=True, with_latest=True, group=plan.group)
    app = build_app(
        title="Tally",
        service="tally",
        version="test",
        registry=registry,
        clock=clock,
        stopping=stopping,
        routers=[build_router(Commands(stage, bench), wire)],
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
        asyncio.run(take_commands(plan))


if __name__ == "__main__":
    main()
