"""A process that sends mail for nurture: ``python -m tests.failure.on_chain.sender '<plan as JSON>'``.

Two of the service's own senders, with a short lease, a journal of what they record, and the clock of the
run. SIGTERM stops it in order once it has said "ready"; it dies with the process that started it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry

from services.nurture.bootstrap import NAME
from services.nurture.domain.learnt import RecordResults
from services.nurture.domain.signing import signing_key
from services.nurture.jobs.letters import Layouts, Letterhead, Letters
from services.nurture.jobs.sending import Pace, Sending
from services.nurture.metrics import NurtureMetrics
from services.nurture.store.documents import FOLDER, read_rulebook
from services.nurture.store.sending import Patience
from shared.delivery.mail import MailLine, MailServer
from shared.kernel.instants import Instant
from shared.kernel.redacted import Redacted
from shared.postgres.database import Database, Transaction
from shared.processor.batch import Account
from shared.processor.commands import Commands
from shared.processor.fold import Announcer
from shared.processor.transaction import Bench, Journal
from shared.telemetry.logging import configure_logging
from shared.telemetry.metrics import ProcessorMetrics
from tests.engine.tally import PARTITIONS
from tests.failure.on_services.plants import plant
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.worker import CALENDAR, CONFIG, IDENTITY_KEY, stage_of
from tests.failure.oracle.journal import journal_of
from tests.failure.worker import die_with, open_database

SENDER_ADDRESS: Final = "news@mill.example"
LEASE: Final = timedelta(seconds=4)
_CONVERSATIONS: Final = 2
_STEP: Final = timedelta(seconds=1)
_HEAD: Final = Letterhead(SENDER_ADDRESS, "The Mill", "Mill Ltd", "1 Mill Lane", "https://mill.example")
_PACE: Final = Pace(
    batch=5,
    lease=LEASE,
    longest_send=timedelta(seconds=2),
    poll=timedelta(seconds=0.2),
    patience=Patience(timedelta(seconds=0.2), timedelta(seconds=1)),
)
_at_hand: ContextVar[RecordResults] = ContextVar("_at_hand")


class SenderPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender is told; ``clock`` is the file of the run's clock, ``post`` the mail server's port."""

    name: str
    database: str
    clock: str
    post: int
    parent: int
    plant: str = ""


class NotedCommands:
    """Commands whose content is at hand when their journal is written."""

    def __init__(self, commands: Commands[Any]) -> None:
        self._commands = commands

    async def run(self, *, key: str, command: object, received: Instant, idempotency_key: str) -> Any:
        """Carry a command out."""
        assert isinstance(command, RecordResults)
        at_hand = _at_hand.set(command)
        try:
            return await self._commands.run(
                key=key, command=command, received=received, idempotency_key=idempotency_key
            )
        finally:
            _at_hand.reset(at_hand)


def noting_journal(name: str) -> Journal:
    """Return a journal that also keeps what each command said."""
    write = journal_of(name)

    async def note(transaction: Transaction, account: Account) -> None:
        await write(transaction, account)
        said = msgspec.json.encode(_at_hand.get()).decode()
        await transaction.execute("INSERT INTO recorded VALUES ($1, $2)", account.command, said)

    return note


def _sendings(plan: SenderPlan, database: Database) -> list[Sending]:
    registry, clock = CollectorRegistry(), FastClock(Path(plan.clock))
    stage = stage_of(NAME, registry)
    bench = Bench(
        announcer=Announcer(source=f"/leadmill/{NAME}", partitions=PARTITIONS, max_record_bytes=900_000),
        database=database,
        clock=clock,
        metrics=ProcessorMetrics(registry, service=NAME, group=NAME),
        journal=noting_journal(plan.name),
    )
    contents = read_rulebook(CONFIG, calendar=CALENDAR).rules.contents
    key = Redacted(signing_key(IDENTITY_KEY))
    letters = Letters(contents, Layouts(CONFIG / FOLDER / "layouts"), _HEAD, signing_key=key)
    server = MailServer(
        host="127.0.0.1", port=plan.post, security="none", timeout=_STEP, name="sender.example"
    )
    metrics = NurtureMetrics(registry)
    return [
        Sending(
            database=database,
            clock=clock,
            commands=NotedCommands(Commands(stage, bench)),
            letters=letters,
            line=MailLine(server),
            sender=SENDER_ADDRESS,
            pace=_PACE,
            metrics=metrics,
        )
        for _ in range(_CONVERSATIONS)
    ]


async def send(plan: SenderPlan) -> None:
    """Send until SIGTERM."""
    database = await open_database(plan.database, application=plan.name, schema=NAME)
    sendings = _sendings(plan, database)

    def stop() -> None:
        for one in sendings:
            one.stop()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    print("ready", flush=True)
    await asyncio.gather(*(one.run() for one in sendings))
    await database.stop()


def main() -> None:
    """Read the plan and send."""
    plan = msgspec.json.decode(sys.argv[1], type=SenderPlan)
    die_with(plan.parent)
    configure_logging(service=NAME, version="test")
    plant(plan.plant)
    asyncio.run(send(plan))


if __name__ == "__main__":
    main()
