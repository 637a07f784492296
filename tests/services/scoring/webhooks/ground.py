"""Webhooks on a real database and against real servers, under a clock that a test moves."""

from __future__ import annotations

import hmac
import itertools
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx
from prometheus_client import CollectorRegistry

from services.scoring.bootstrap import MIGRATIONS
from services.scoring.domain.effects import TierChange
from services.scoring.domain.told_changes import TierChangeRow
from services.scoring.domain.webhooks.document import WebhooksDocument
from services.scoring.domain.webhooks.webhook import Direction, Wanted
from services.scoring.jobs.webhooks.desk import NewSecret, WebhookDesk
from services.scoring.jobs.webhooks.telling import Telling, WebhookTools
from services.scoring.metrics import ScoringMetrics
from services.scoring.queries.webhooks import ShownWebhook, WebhookQueries
from services.scoring.store.tier_changes import save_tier_changes
from services.scoring.store.webhooks.webhooks import Lease, sealing_of_webhooks
from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import deterministic_id
from shared.postgres.database import Database
from shared.postgres.migrations import migrate
from tests.unit.delivery.outbound.receivers import Names, Posted, Receiver
from tests.unit.scoring.stories import START
from tests.unit.scoring.webhooks.examples import RULES

HERE: Final = ("127.0.0.1",)
TIERS: Final = {"five_step": ["cold", "warm", "hot"], "mql": ["D", "C", "B", "A"]}


async def find_tiers() -> Mapping[str, Sequence[str]]:
    """Return the tiers of the models there are."""
    return TIERS


@dataclass
class Ground:
    """A database with webhooks, what serves them, and what people do about them."""

    tools: WebhookTools
    clock: SimulatedClock
    registry: CollectorRegistry
    told: list[tuple[str, str]] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def desk(self) -> WebhookDesk:
        """What people act with."""
        return WebhookDesk(self.tools, tiers=find_tiers)

    @property
    def queries(self) -> WebhookQueries:
        """What people ask."""
        return WebhookQueries(self.tools.database, clock=self.clock)

    def with_rules(self, rules: WebhooksDocument) -> None:
        """Serve by other rules from now on."""
        self.tools = replace(self.tools, rules=rules)

    async def tell(self, lead: str, *, model: str = "five_step", direction: Direction = "up") -> str:
        """Let scoring tell a change of a lead; returns the id of its event."""
        number = next(self.numbers)
        event = deterministic_id("told in a test", str(number))
        change = TierChange(
            model=model,
            version=1,
            direction=direction,
            from_tier="warm",
            to_tier="hot" if direction == "up" else "cold",
            points=number * 1000,
            at=self.clock.now(),
            restated=False,
            reasons=(),
        )
        row = TierChangeRow(lead, f"cause {number}", self.clock.now(), change, {"crm": f"LD-{lead}"}, event)
        async with self.tools.database.transaction() as transaction:
            await save_tier_changes(transaction, [row])
        self.told.append((lead, event))
        return event

    async def subscribe(self, receiver: Receiver | str, **wanted: Any) -> NewSecret:
        """Set a webhook up for a server, or for an address."""
        url = receiver if isinstance(receiver, str) else receiver.url
        return await self.desk.create(url, name="", wanted=Wanted(**wanted), by="a test")

    async def lease(self, webhook: str) -> Lease:
        """Take the lease of a webhook, whoever holds it."""
        async with self.tools.database.connection() as connection:
            epoch = await connection.fetch_value(
                "UPDATE webhook SET lease_epoch = lease_epoch + 1, lease_until = clock_timestamp() + '1h'"
                " WHERE id = $1 RETURNING lease_epoch",
                webhook,
            )
        return Lease(webhook, epoch)

    @asynccontextmanager
    async def telling(self, webhook: str) -> AsyncIterator[Telling]:
        """Serve a webhook by hand, turn by turn."""
        telling = Telling(await self.lease(webhook), self.tools)
        try:
            yield telling
        finally:
            await telling.close()

    async def work_off(self, webhook: str) -> None:
        """Serve a webhook until there is nothing to do at this instant."""
        async with self.telling(webhook) as telling:
            while await telling.turn():
                pass

    async def find_next(self, webhook: str) -> int | None:
        """Return the next instant at which something is due, None if nothing waits."""
        async with self.tools.database.connection() as connection:
            due: int | None = await connection.fetch_value(
                "SELECT greatest(CASE WHEN w.failures < 5 THEN min(next_attempt) END, w.paused_until)"
                " FROM webhook w JOIN ("
                " SELECT DISTINCT ON (lead) webhook, next_attempt FROM webhook_delivery"
                " WHERE webhook = $1 AND state = 'waiting' ORDER BY lead, number) d ON d.webhook = w.id"
                " WHERE w.state = 'active' GROUP BY w.id",
                webhook,
            )
        return due

    async def pass_to(self, webhook: str, until: int) -> None:
        """Let time pass and serve a webhook at each instant at which something is due."""
        await self.work_off(webhook)
        while (due := await self.find_next(webhook)) is not None and due <= until:
            self.clock.advance_to(max(due, self.clock.now()))
            await self.work_off(webhook)
        self.clock.advance_to(until)

    async def find(self, webhook: str) -> ShownWebhook:
        """Return how a webhook stands."""
        return await self.queries.find_webhook(webhook)

    async def states(self, webhook: str) -> list[str]:
        """Return the states of its deliveries, oldest first."""
        return [one.state for one in reversed(await self.queries.find_deliveries(webhook))]


@asynccontextmanager
async def open_ground(
    url: str, *, names: Names | None = None, loopback: bool = True
) -> AsyncIterator[Ground]:
    """Prepare a database; close it at the end."""
    await migrate(url, schema="scoring", scripts=MIGRATIONS)
    database = Database(url, schema="scoring", application="webhooks under test")
    await database.start()
    clock, registry = SimulatedClock(START), CollectorRegistry()
    tools = WebhookTools(
        database=database,
        clock=clock,
        rules=RULES,
        sealing=sealing_of_webhooks(b"p" * 32),
        metrics=ScoringMetrics(registry),
        resolve=(names or Names(HERE)).resolve,
        tls=httpx.create_ssl_context(trust_env=False),
        draw=lambda: 0.5,
        loopback=loopback,
    )
    try:
        yield Ground(tools, clock, registry)
    finally:
        await database.stop()


def events(posted: Sequence[Posted]) -> list[str]:
    """Return the ids of what was posted, as often as it came."""
    return [one.headers["webhook-id"] for one in posted]


def without_repeats(posted: Sequence[Posted]) -> list[tuple[str, str]]:
    """Return (lead, event id) of what was posted, in order, ids that came before dropped."""
    first = {one.headers["webhook-id"]: one for one in reversed(posted)}
    order = dict.fromkeys(events(posted))
    return [(json.loads(first[event].body)["data"]["lead"], event) for event in order]


def by_lead(told: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the event ids of each lead, in order."""
    found: dict[str, list[str]] = {}
    for lead, event in told:
        found.setdefault(lead, []).append(event)
    return found


def verify(posted: Posted, secret: str) -> bool:
    """Check a signature as a subscriber does, with nothing of ours."""
    key = b64decode(secret.removeprefix("whsec_"))
    head = f"{posted.headers['webhook-id']}.{posted.headers['webhook-timestamp']}.".encode()
    signature = "v1," + b64encode(hmac.digest(key, head + posted.body, "sha256")).decode()
    return any(hmac.compare_digest(signature, one) for one in posted.headers["webhook-signature"].split(" "))
