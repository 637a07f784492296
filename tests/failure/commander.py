"""Commands beside the workers, as an API process runs them: ``python -m tests.failure.commander '<plan>'``.

Every command is repeated under its key until it is answered, one in five once more after that. What
was answered is written to standard output as ``<idempotency key> <reply>``. A trip strikes at the point
``in_command``: everything is written and locked, nothing is committed.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from contextlib import suppress

import msgspec
from prometheus_client import CollectorRegistry

from shared.kernel.errors import Rejected, Unavailable
from shared.postgres.database import Transaction
from shared.processor.batch import Account
from shared.processor.commands import Commands
from shared.processor.fold import Announcer
from shared.processor.transaction import Bench
from shared.telemetry.logging import configure_logging
from shared.telemetry.metrics import ProcessorMetrics
from tests.engine.tally import PARTITIONS, Add, TallyStage, TallyState
from tests.failure.oracle.journal import journal_of
from tests.failure.surroundings.load import choose_key
from tests.failure.worker import Trip, WallClock, Wire, die_with, open_database


class CommanderPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is told; ``rate`` in commands a second, all callers together."""

    name: str
    group: str
    database: str
    parent: int
    seed: int
    rate: float
    callers: int = 4
    trip: Trip | None = None


class Commander:
    """Several callers at once."""

    def __init__(self, plan: CommanderPlan, commands: Commands[TallyState]) -> None:
        self._plan = plan
        self._commands = commands
        self._random = random.Random(f"{plan.seed}-{plan.name}")
        self._clock = WallClock()
        self._count = 0
        self.is_stopping = False

    async def call(self) -> None:
        """Give one command after the other until it is time to stop."""
        pick = self._random
        pause = self._plan.callers / self._plan.rate
        while not self.is_stopping:
            self._count += 1
            key, amount = choose_key(pick), 13 if pick.random() < 0.02 else pick.randrange(20, 30)
            name = f"{self._plan.name}.{self._count}:{key}:{amount}"
            received = self._clock.now()
            replies = [await self._ask(name, key, amount, received)]
            if pick.random() < 0.2:
                both = [self._ask(name, key, amount, received) for _ in range(2)]
                replies += await asyncio.gather(*both)
            if replies[0] is not None:
                print(name, *replies, flush=True)
            await asyncio.sleep(pick.uniform(0, 2 * pause))

    async def _ask(self, name: str, key: str, amount: int, received: int) -> object:
        while True:
            try:
                return await self._commands.run(
                    key=key, command=Add(amount), received=received, idempotency_key=name
                )
            except Unavailable:
                await asyncio.sleep(0.1)
            except Rejected as refused:
                if refused.reason != "tally.thirteen":
                    raise
                return None


async def command(plan: CommanderPlan) -> None:
    """Run until SIGTERM."""
    database = await open_database(plan.database, application=plan.name)
    wire, write = Wire(plan.trip), journal_of(plan.name)

    async def journal(transaction: Transaction, account: Account) -> None:
        await write(transaction, account)
        wire("in_command")

    bench = Bench(
        announcer=Announcer(source="/leadmill/tally", partitions=PARTITIONS, max_record_bytes=900_000),
        database=database,
        clock=WallClock(),
        metrics=ProcessorMetrics(CollectorRegistry(), service="tally", group=plan.group),
        journal=journal,
    )
    stage = TallyStage(with_timers=True, with_latest=True, group=plan.group)
    commander = Commander(plan, Commands(stage, bench))

    def stop() -> None:
        commander.is_stopping = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    print("ready", flush=True)
    async with asyncio.TaskGroup() as callers:
        for _ in range(plan.callers):
            callers.create_task(commander.call())
    await database.stop()


def main() -> None:
    """Read the plan and give commands."""
    plan = msgspec.json.decode(sys.argv[1], type=CommanderPlan)
    die_with(plan.parent)
    configure_logging(service="tally", version="test")
    with suppress(KeyboardInterrupt):
        asyncio.run(command(plan))


if __name__ == "__main__":
    main()
