"""One webhook, served: the stream is written down as deliveries, and what is due is posted.

::

    stream ─cursor─► waiting ─post─► delivered
                      ▲   │
                      └───┤ later, and later still
                          └─ after the last attempt ──► dead, until somebody sends it again

What is told of one lead goes one after the other; leads do not wait for each other. Whoever dies in
between loses nothing: the lease ends, and the next one posts again what was not written down as
answered, under the id that it had.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.scoring.domain.webhooks.attempts import Attempt, code_of_status, course_after
from services.scoring.domain.webhooks.document import WebhooksDocument
from services.scoring.domain.webhooks.signing import sign
from services.scoring.domain.webhooks.webhook import FAILING, GONE, Health, Said, Webhook
from services.scoring.metrics import ScoringMetrics
from services.scoring.queries.telling import CONTENT_TYPE, event_of, kind_of, write_event
from services.scoring.queries.tier_stream import TierStream, number_of
from services.scoring.store.webhooks.deliveries import (
    Delivery,
    hasten,
    is_full,
    load_due,
    load_next,
    save_attempts,
    save_deliveries,
)
from services.scoring.store.webhooks.webhooks import (
    Lease,
    Secret,
    hold_webhook,
    load_secrets,
    lock_held,
    release_webhook,
    save_cursor,
    save_health,
)
from shared.delivery.outbound.posting import Poster, PostLimits
from shared.delivery.outbound.resolving import Resolve
from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected, Unavailable
from shared.postgres.database import Database
from shared.security.sealing import Sealing
from shared.telemetry.logging import get_logger

_AGENT: Final = "Leadmill-Webhooks/1"

logger = get_logger(__name__)


class NotOurs(Exception):
    """The webhook is disabled, gone, or served by another process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTools:
    """What webhooks are served with. ``draw`` gives lots from 0 to 1; ``lease`` outlasts every attempt."""

    database: Database
    clock: Clock
    rules: WebhooksDocument
    sealing: Sealing
    metrics: ScoringMetrics
    resolve: Resolve
    tls: ssl.SSLContext
    draw: Callable[[], float]
    loopback: bool = False
    may_send: Callable[[], bool] = lambda: True
    holder: str = ""
    lease: timedelta = timedelta(seconds=60)

    def poster(self, url: str) -> Poster:
        """Return what posts to an address."""
        rules = self.rules.attempt
        limits = PostLimits(
            timedelta(seconds=rules.connect_seconds),
            timedelta(seconds=rules.whole_seconds),
            rules.answer_bytes,
        )
        return Poster(url, resolve=self.resolve, tls=self.tls, limits=limits, loopback=self.loopback)


class Telling:
    """Tells one webhook what it wants to be told, for as long as its lease is ours."""

    def __init__(self, lease: Lease, tools: WebhookTools) -> None:
        self._lease = lease
        self._tools = tools
        self._stream = TierStream(tools.database)
        self._poster: tuple[str, Poster] | None = None

    async def turn(self) -> bool:
        """Write down what is new, try what is due; returns whether there was anything.

        :raises NotOurs: if there is nothing left to do for us.
        :raises Unavailable: if the database does not answer; nothing is lost, the turn is taken again.
        """
        async with self._tools.database.transaction(durable=False) as transaction:
            webhook = await hold_webhook(transaction, self._lease, lease=self._tools.lease)
        if webhook is None:
            raise NotOurs
        is_new = await self._write_down(webhook)
        return await self._post_due(webhook) or is_new

    async def close(self) -> None:
        """Let go of connections."""
        if self._poster is not None:
            await self._poster[1].close()

    async def release(self) -> None:
        """Give the lease back, so that another process can go on at once."""
        async with self._tools.database.transaction() as transaction:
            await release_webhook(transaction, self._lease)

    async def _write_down(self, webhook: Webhook) -> bool:
        tools = self._tools
        async with tools.database.connection() as connection:
            if await is_full(connection, webhook.id, at_most=tools.rules.waiting_at_most):
                return False
        said = await self._stream.find_changes(webhook.cursor)
        if not said:
            return False
        async with tools.database.transaction() as transaction:
            held = await lock_held(transaction, self._lease)
            if held is None:
                raise NotOurs
            wanted = [
                (number_of(one), kind_of(one), one.lead, event_of(one))
                for one in said
                if held.wanted.takes(one)
            ]
            await save_deliveries(transaction, webhook.id, wanted, now=tools.clock.now())
            await save_cursor(transaction, webhook.id, said[-1].cursor)
        return True

    async def _post_due(self, webhook: Webhook) -> bool:
        tools, now = self._tools, self._tools.clock.now()
        if webhook.health.is_resting(now) or not tools.may_send():
            return False
        is_doubtful = webhook.health.is_doubtful(tools.rules)
        limit = 1 if is_doubtful else tools.rules.at_once
        async with tools.database.connection() as connection:
            due = await load_due(connection, webhook.id, now=now, limit=limit)
            if is_doubtful and not due:  # whether it is back is not left to a wait of hours
                due = await load_next(connection, webhook.id)
            if not due:
                return False
            secrets = await load_secrets(connection, webhook.id, now=now, sealing=tools.sealing)
        said = await self._stream.find_numbered([one.number for one in due])
        poster = await self._poster_of(webhook.url)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._attempt(poster, said[one.number], secrets)) for one in due]
        attempts = [task.result() for task in tasks]
        await self._record(list(zip(due, attempts, strict=True)))
        return True

    async def _attempt(self, poster: Poster, said: Said, secrets: Sequence[Secret]) -> Attempt:
        at, body = self._tools.clock.now(), write_event(said)
        signed = sign(
            [secret.secret.reveal() for secret in secrets], message=event_of(said), at=at, body=body
        )
        headers = {"content-type": CONTENT_TYPE, "user-agent": _AGENT, **signed}
        try:
            answer = await poster.post(headers=headers, body=body)
        except (Rejected, Unavailable) as failure:
            return Attempt(at, None, failure.reason)
        return Attempt(at, answer.status, code_of_status(answer.status), answer.retry_after)

    async def _record(self, tried: Sequence[tuple[Delivery, Attempt]]) -> None:
        """Write down what came of attempts, if the webhook is still ours."""
        tools, rules, dead = self._tools, self._tools.rules, 0
        async with tools.database.transaction() as transaction:
            held = await lock_held(transaction, self._lease)
            if held is None:
                raise NotOurs
            health, now = held.health, tools.clock.now()
            if health.is_doubtful(rules) and any(attempt.is_delivered for _, attempt in tried):
                await hasten(transaction, held.id, now=now)
            written = []
            for delivery, attempt in tried:
                course = course_after(attempt, before=delivery.course, rules=rules, draw=tools.draw())
                written.append((delivery, attempt, course))
                dead += course.state == "dead"
                if attempt.is_delivered:
                    health = Health()
                else:
                    health = health.after_failure(
                        rules, now=now, draw=tools.draw(), asked=attempt.retry_after
                    )
            await save_attempts(transaction, held.id, written)
            reason = ""
            if any(attempt.is_gone for _, attempt in tried):
                reason = GONE
            elif health.is_hopeless(rules, now):
                reason = FAILING
            await save_health(transaction, held.id, health, disabled=reason)
        self._note(held, [attempt for _, attempt in tried], dead=dead, disabled=reason)

    def _note(self, webhook: Webhook, attempts: Sequence[Attempt], *, dead: int, disabled: str) -> None:
        metrics = self._tools.metrics
        for attempt in attempts:
            metrics.attempted(attempt.code)
        for _ in range(dead):
            metrics.died()
        failed = sorted({attempt.code for attempt in attempts if attempt.code})
        if failed:
            logger.warning("webhook_put_off", webhook=webhook.id, codes=failed, dead=dead)
        if disabled:
            metrics.disabled(disabled)
            logger.warning("webhook_disabled", webhook=webhook.id, code=disabled)

    async def _poster_of(self, url: str) -> Poster:
        if self._poster is None or self._poster[0] != url:
            await self.close()
            self._poster = (url, self._tools.poster(url))
        return self._poster[1]
