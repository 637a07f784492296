"""Which webhooks there are, how they stand, and what became of each delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.scoring.domain.webhooks.webhook import Webhook, is_webhook_id
from services.scoring.store.webhooks.deliveries import (
    Counts,
    Delivery,
    Tried,
    count_deliveries,
    load_attempts,
    load_deliveries,
)
from services.scoring.store.webhooks.webhooks import load_secret_terms, load_webhook, load_webhooks
from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.postgres.database import Database, Transaction
from shared.postgres.snapshots import snapshot


class WebhookUnknown(Rejected):
    """There is no such webhook; `leadmill webhooks list` shows those there are."""

    code = "webhook.unknown"


class SecretTerms(NamedTuple):
    """A secret that is live: since when, and until when it still signs (None: for good)."""

    id: str
    created_at: Instant
    expires_at: Instant | None


class ShownWebhook(NamedTuple):
    """A webhook with its live secrets, never their text, and how many deliveries wait and are dead."""

    webhook: Webhook
    secrets: Sequence[SecretTerms]
    counts: Counts


class WebhookQueries:
    """Answers questions about webhooks; ``database`` is scoring's."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def find_webhooks(self) -> Sequence[ShownWebhook]:
        """Return every webhook, oldest first."""
        async with snapshot(self._database) as transaction:
            found = await load_webhooks(transaction)
            terms = await load_secret_terms(transaction, [one.id for one in found], now=self._clock.now())
            counts = await count_deliveries(transaction)
        return [
            ShownWebhook(
                one, [SecretTerms(*term) for term in terms[one.id]], counts.get(one.id, Counts(0, 0))
            )
            for one in found
        ]

    async def find_webhook(self, webhook_id: str) -> ShownWebhook:
        """Return one webhook. :raises WebhookUnknown: if there is none of this id."""
        for shown in await self.find_webhooks():
            if shown.webhook.id == webhook_id:
                return shown
        raise WebhookUnknown

    async def find_deliveries(
        self, webhook_id: str, *, state: str | None = None, before: int | None = None, limit: int = 100
    ) -> Sequence[Delivery]:
        """Return deliveries, newest first. :raises WebhookUnknown: if there is no such webhook."""
        async with self._database.connection() as connection:
            await _find(connection, webhook_id)
            return await load_deliveries(connection, webhook_id, state=state, before=before, limit=limit)

    async def find_attempts(
        self,
        webhook_id: str,
        *,
        number: int | None = None,
        after: tuple[int, int, int] | None = None,
        limit: int = 100,
    ) -> Sequence[Tried]:
        """Return attempts, newest first, of one delivery or of all; ``after`` is (at, number, attempt).

        :raises WebhookUnknown: if there is no such webhook.
        """
        async with self._database.connection() as connection:
            await _find(connection, webhook_id)
            return await load_attempts(connection, webhook_id, number=number, after=after, limit=limit)


async def _find(transaction: Transaction, webhook_id: str) -> Webhook:
    found = await load_webhook(transaction, webhook_id) if is_webhook_id(webhook_id) else None
    if found is None:
        raise WebhookUnknown
    return found
