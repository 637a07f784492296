"""Scoring's jobs as the matrix has them: small portions, short leases, and points at which a process dies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
from prometheus_client import CollectorRegistry

from services.scoring.domain.life.ruling import Ruling
from services.scoring.domain.webhooks.document import WebhooksDocument
from services.scoring.jobs.life.previewing import Previewing
from services.scoring.jobs.life.renewing import Renewing
from services.scoring.jobs.life.shadowing import Shadowing
from services.scoring.jobs.webhooks import serving, telling
from services.scoring.jobs.webhooks.serving import Serving
from services.scoring.jobs.webhooks.telling import WebhookTools
from services.scoring.metrics import ScoringMetrics
from services.scoring.store import renewing, shadowing
from services.scoring.store.scoring_models.rulings import RegisteredRulings
from services.scoring.store.scoring_models.shelf import Shelf
from services.scoring.store.webhooks.documents import read_webhook_rules
from services.scoring.store.webhooks.webhooks import sealing_of_webhooks
from shared.postgres.database import Database, Transaction
from tests.engine.tally import PARTITIONS
from tests.failure.on_models.receiver import WHOLE_SECONDS
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.worker import CONFIG, IDENTITY_KEY, Bench
from tests.failure.worker import Wire, open_database

PASS_POINTS: Final = ("pass_before_commit", "pass_after_commit", "shadow_before_commit")
"""A portion's timers set and not committed; committed; shadows cast and not committed."""
WEBHOOK_POINTS: Final = (
    "webhook_before_cursor",
    "webhook_before_post",
    "webhook_before_record",
    "webhook_recorded",
)
"""Deliveries written down and their place not; before a post; answered and not written down; written down.

Before these comes ``webhook_claimed``: a lease taken and not committed.
"""
LEASE: Final = timedelta(seconds=4)
DDL: Final = """
CREATE TABLE ruled (
    transaction bigint PRIMARY KEY,
    number bigint NOT NULL,
    begun timestamptz NOT NULL DEFAULT transaction_timestamp(),
    noted timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE to_renew (lead text NOT NULL, due bigint NOT NULL);
CREATE FUNCTION note_renewal() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO to_renew VALUES (NEW.key, NEW.due); RETURN NEW; END';
CREATE TRIGGER note_renewal AFTER INSERT OR UPDATE ON timer FOR EACH ROW WHEN (NEW.name = 'renewal')
    EXECUTE FUNCTION note_renewal();
"""
"""What is noted besides the journal: by which ruling a transaction saved leads, and who was to be renewed."""
_PORTION: Final = 60
_NOTE: Final = """
INSERT INTO ruled (transaction, number) VALUES (pg_current_xact_id()::text::bigint, $1)
ON CONFLICT (transaction) DO NOTHING
"""


def webhook_rules() -> WebhooksDocument:
    """Return the shipped rules with little patience for one attempt, and much for the receiver.

    A second is a day here: it would be given up at once otherwise.
    """
    shipped = read_webhook_rules(CONFIG / "scoring")
    return msgspec.structs.replace(
        shipped,
        wait_seconds=(*shipped.wait_seconds, *[shipped.wait_seconds[-1]] * 40),
        at_once=32,
        attempt=msgspec.structs.replace(shipped.attempt, connect_seconds=1, whole_seconds=WHOLE_SECONDS),
        disable_after_days=3_000,
    )


class NotingRulings:
    """What rules, noted beside each transaction that saves leads."""

    def __init__(self, rulings: RegisteredRulings) -> None:
        self._rulings = rulings

    @property
    def newest(self) -> Ruling:
        """The ruling that this process looked at last."""
        return self._rulings.newest

    async def current(self, transaction: Transaction) -> Ruling:
        """Return the ruling as this transaction sees it."""
        return await self._rulings.current(transaction)

    async def holds(self, transaction: Transaction, numbers: Collection[int]) -> bool:
        """Return whether these rule as this transaction sees it, and note it."""
        held = await self._rulings.holds(transaction, numbers)
        for number in numbers if held else ():
            await transaction.execute(_NOTE, number)
        return held


def set_wires(wire: Wire) -> None:
    """Put the tripwire at the points of this module, in this process."""
    for module, name, point in (
        (renewing, "advance_pass", "pass_before_commit"),
        (shadowing, "save_casts", "shadow_before_commit"),
        (telling, "save_cursor", "webhook_before_cursor"),
        (serving, "claim_webhook", "webhook_claimed"),
    ):
        vars(module)[name] = _then(vars(module)[name], wire, point)


def _then(act: Callable[..., Awaitable[Any]], wire: Wire, point: str) -> Callable[..., Awaitable[Any]]:
    async def act_and_trip(*arguments: Any, **named: Any) -> Any:
        result = await act(*arguments, **named)
        if result is not None or point != "webhook_claimed":
            wire(point)
        return result

    return act_and_trip


class _Metrics(ScoringMetrics):
    """Metrics that tell when an attempt has been written down."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(CollectorRegistry())
        self._wire = wire

    def attempted(self, code: str) -> None:
        super().attempted(code)
        self._wire("webhook_recorded")


class _Renewing(Renewing):
    """A pass that tells when a portion has been committed."""

    wire: Wire

    async def step(self) -> bool:
        is_more = await super().step()
        if is_more:
            self.wire("pass_after_commit")
        return is_more


def tools_of(database: Database, clock: FastClock, *, holder: str, wire: Wire | None = None) -> WebhookTools:
    """Return what webhooks are served with; they go to this machine."""
    wire = wire or Wire(None)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        wire("webhook_before_post")
        return ("127.0.0.1",)

    def draw() -> float:
        wire("webhook_before_record")
        return random.random()

    return WebhookTools(
        database=database,
        clock=clock,
        rules=webhook_rules(),
        sealing=sealing_of_webhooks(IDENTITY_KEY),
        metrics=_Metrics(wire),
        resolve=resolve,
        tls=httpx.create_ssl_context(trust_env=False),
        draw=draw,
        loopback=True,
        holder=holder,
        lease=LEASE,
    )


def rulings_of(config: Path) -> NotingRulings:
    """Return what rules by documents and steps."""
    return NotingRulings(RegisteredRulings(Shelf(config / "scoring")))


def jobs_of(bench: Bench, rulings: NotingRulings) -> Sequence[Callable[[asyncio.Event], Awaitable[None]]]:
    """Return what runs beside a worker, as in its process in production."""
    plan, clock, database = bench.plan, bench.clock, bench.database
    set_wires(bench.wire)
    renewer = _Renewing(database, rulings, clock=clock, partitions=PARTITIONS, portion=_PORTION)
    renewer.wire = bench.wire

    async def serve(stopping: asyncio.Event) -> None:
        apart = await open_database(plan.database, application=f"{plan.name}/webhooks", schema=plan.service)
        tools = tools_of(apart, clock, holder=plan.name, wire=bench.wire)
        await Serving(tools, idle=timedelta(milliseconds=200)).run(stopping)
        await apart.stop()

    return (
        renewer.run,
        Shadowing(database, rulings, clock=clock, portion=_PORTION).run,
        Previewing(database, Shelf(CONFIG / "scoring"), clock=clock, portion=_PORTION).run,
        serve,
    )
