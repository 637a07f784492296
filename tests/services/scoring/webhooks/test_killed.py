"""Scoring and what serves webhooks die again and again; whoever records everything notices nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from prometheus_client import CollectorRegistry

from services.scoring.domain.webhooks.webhook import Wanted
from services.scoring.jobs.webhooks.desk import WebhookDesk
from services.scoring.jobs.webhooks.serving import Serving
from services.scoring.jobs.webhooks.telling import WebhookTools
from services.scoring.metrics import ScoringMetrics
from services.scoring.store.webhooks.webhooks import sealing_of_webhooks
from shared.contracts.events.tier_changes import LeadActivated, TierChanged
from shared.contracts.topics import TIER_CHANGES
from shared.kernel.instants import MINUTE
from shared.postgres.database import Database
from tests.services.scoring.deeds import Deed, Deeds
from tests.services.scoring.stand import Stand
from tests.services.scoring.webhooks.ground import HERE, by_lead, events, find_tiers, without_repeats
from tests.unit.delivery.outbound.receivers import NEVER, OK, Names, Posted, Receiver
from tests.unit.scoring.stories import START, day
from tests.unit.scoring.webhooks.examples import RULES

pytestmark = pytest.mark.lasts(20)

PEOPLE = ("ada", "ben", "cem")


class Subscriber:
    """Takes so many messages, then the process that sends them is to be killed; its last answer is lost."""

    def __init__(self, receiver: Receiver) -> None:
        self.enough = asyncio.Event()
        self._left = 0
        receiver.behave = self._take

    def take(self, count: int) -> None:
        """Take so many and no more; 0 for all."""
        self.enough.clear()
        self._left = count or 1_000_000

    def _take(self, _: Posted) -> bytes:
        self._left -= 1
        if self._left <= 0:
            self.enough.set()
            return NEVER
        return OK


@asynccontextmanager
async def process(tools: WebhookTools, url: str) -> AsyncIterator[None]:
    """Serve webhooks, and be killed at the end: nothing more is written down, no lease is given back."""
    database = Database(url, schema="scoring", application="webhooks under test")
    await database.start()
    # its predecessor has been dead for as long as a lease lasts
    async with database.connection() as connection:
        await connection.execute("UPDATE webhook SET lease_until = '-infinity'")
    job = Serving(replace(tools, database=database), idle=timedelta(milliseconds=20))
    task = asyncio.create_task(job.run(asyncio.Event()))
    try:
        yield
    finally:
        database._pool.terminate()
        database._pool = None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def chapters(deeds: Deeds) -> dict[str, list[Deed]]:
    """What happens, and where the worker dies that learns of it."""
    return {
        "before_commit": [
            deeds.is_known_as(who, START, industry="pharma", title_level="director", size="500_plus")
            for who in PEOPLE
        ],
        "after_commit": [deeds.asked_for_demo(who, START + MINUTE) for who in PEOPLE]
        + [deeds.viewed(who, START + 2 * MINUTE) for who in PEOPLE],
        "before_publish": [deeds.viewed(who, day(100)) for who in PEOPLE],
    }


async def test_each_change_is_seen_once_and_in_order_per_lead_though_everything_is_killed_in_between(
    small_stand: Stand, deeds: Deeds, database_url: str, receiver: Receiver
) -> None:
    stand, subscriber = small_stand, Subscriber(receiver)
    tools = WebhookTools(
        database=stand.database,
        clock=stand.clock,
        rules=RULES,
        sealing=sealing_of_webhooks(b"p" * 32),
        metrics=ScoringMetrics(CollectorRegistry()),
        resolve=Names(HERE).resolve,
        tls=httpx.create_ssl_context(trust_env=False),
        draw=lambda: 0.5,
        loopback=True,
    )
    await WebhookDesk(tools, tiers=find_tiers).create(receiver.url, name="", wanted=Wanted(), by="a test")
    for place, words in chapters(deeds).items():
        if place == "before_publish":
            stand.clock.advance_to(day(100))
        await stand.learn_and_die(place, *words)
        for count in (1, 5):
            subscriber.take(count)
            async with process(tools, database_url):
                async with asyncio.timeout(90):
                    await subscriber.enough.wait()
    told = await stand.rows(
        "SELECT lead, number FROM tier_change UNION ALL SELECT lead, number FROM activation"
    )
    subscriber.take(0)
    async with process(tools, database_url), asyncio.timeout(90):
        while await stand.value("SELECT count(*) FROM webhook_delivery WHERE state = 'delivered'") < len(
            told
        ):
            await asyncio.sleep(0.02)

    seen = without_repeats(receiver.posted)
    said = [
        *await stand.said(TIER_CHANGES.name, TierChanged),
        *await stand.said(TIER_CHANGES.name, LeadActivated),
    ]
    assert len(seen) == len(said) == len(told)
    assert {event for _, event in seen} == {envelope.id for envelope, _ in said}
    numbers = {row["number"]: row["lead"] for row in told}
    rows = await stand.rows("SELECT number, lead, event FROM webhook_delivery ORDER BY number")
    assert {row["number"]: row["lead"] for row in rows} == numbers
    assert by_lead(seen) == by_lead([(row["lead"], row["event"]) for row in rows])
    assert len(events(receiver.posted)) > len(seen)  # some came twice, as they may
    assert await stand.breaches() == []
