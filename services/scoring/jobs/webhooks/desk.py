"""What people do about webhooks: set them up, change them, switch them, give them new secrets, send again."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from services.scoring.domain.webhooks.signing import KEY_BYTES, secret_of
from services.scoring.domain.webhooks.webhook import (
    WEBHOOK_ID,
    Health,
    Wanted,
    Webhook,
    find_unknown,
    is_webhook_id,
)
from services.scoring.jobs.webhooks.telling import WebhookTools
from services.scoring.queries.tier_stream import BEGINNING, TierStream
from services.scoring.queries.webhooks import WebhookUnknown
from services.scoring.store.webhooks.deliveries import hasten, retry_deliveries
from services.scoring.store.webhooks.webhooks import (
    Secret,
    delete_webhook,
    lock_webhook,
    retire_secrets,
    save_changed,
    save_secret,
    save_state,
    save_webhook,
)
from shared.delivery.outbound.posting import AddressUnresolved
from shared.kernel.errors import Rejected
from shared.kernel.instants import HOUR
from shared.kernel.redacted import Redacted
from shared.postgres.database import Transaction

FindTiers = Callable[[], Awaitable[Mapping[str, Sequence[str]]]]


class FilterUnknown(Rejected):
    """The filter names what no live model has, so that nothing would ever be told."""

    code = "webhook.filter_unknown"


class HostUnknown(Rejected):
    """The host of this address has no address of its own; look at its spelling, or wait for its name."""

    code = "webhook.host_unknown"


class DeliveryUnknown(Rejected):
    """This webhook has no such delivery; GET …/deliveries lists those there are."""

    code = "webhook.delivery_unknown"


class NewSecret(NamedTuple):
    """A secret that was made just now; it can never be read again."""

    webhook: str
    secret: Redacted[str]


class WebhookDesk:
    """Acts on webhooks, each act in a transaction of its own; ``by`` says who, and stays on record.

    ``tiers`` returns the tiers of the live models, by model.
    """

    def __init__(self, tools: WebhookTools, *, tiers: FindTiers) -> None:
        self._tools = tools
        self._tiers = tiers
        self._stream = TierStream(tools.database)

    async def create(
        self, url: str, *, name: str, wanted: Wanted, from_the_first: bool = False, by: str
    ) -> NewSecret:
        """Set a webhook up; it is told what is told from now on, or everything from the first change.

        :raises AddressRefused: if the address may not be posted to.
        :raises HostUnknown: if its host has no address.
        :raises FilterUnknown: if the filter can match nothing.
        """
        await self._check_filter(wanted)
        await self._check_url(url)
        now = self._tools.clock.now()
        cursor = BEGINNING if from_the_first else await self._stream.find_end()
        made = Webhook(
            *(WEBHOOK_ID + secrets.token_hex(8), url, name, wanted, "active", "", cursor, Health()),
            *(now, by, now, by),
        )
        async with self._tools.database.transaction() as transaction:
            await save_webhook(transaction, made)
            return await self._add_secret(transaction, made.id)

    async def change(
        self,
        webhook_id: str,
        *,
        url: str | None = None,
        name: str | None = None,
        wanted: Mapping[str, Sequence[str]] | None = None,
        by: str,
    ) -> None:
        """Give a webhook another address or name, or parts of a filter; None leaves things as they are.

        What is written down already is delivered; what comes next is looked at with the new filter.

        :raises WebhookUnknown: if there is no such webhook.
        :raises Rejected: as :meth:`create`.
        """
        parts = {part: tuple(values) for part, values in (wanted or {}).items()}
        await self._check_url(url)
        await self._check_filter(msgspec.structs.replace(await self._find_wanted(webhook_id), **parts))
        async with self._tools.database.transaction() as transaction:
            found = await _lock(transaction, webhook_id)
            merged = msgspec.structs.replace(found.wanted, **parts)
            await save_changed(
                transaction,
                found._replace(
                    url=found.url if url is None else url,
                    name=found.name if name is None else name,
                    wanted=merged,
                    changed_at=self._tools.clock.now(),
                    changed_by=by,
                ),
            )

    async def disable(self, webhook_id: str, *, reason: str, by: str) -> None:
        """Switch a webhook off; it keeps its place. :raises WebhookUnknown: if there is none."""
        async with self._tools.database.transaction() as transaction:
            await _lock(transaction, webhook_id)
            now = self._tools.clock.now()
            await save_state(transaction, webhook_id, state="disabled", reason=reason, at=now, by=by)

    async def enable(self, webhook_id: str, *, by: str) -> None:
        """Switch a webhook on: it goes on where it was, and what waits is due at once.

        :raises WebhookUnknown: if there is none.
        """
        async with self._tools.database.transaction() as transaction:
            await _lock(transaction, webhook_id)
            now = self._tools.clock.now()
            await save_state(transaction, webhook_id, state="active", reason="", at=now, by=by)
            await hasten(transaction, webhook_id, now=now)

    async def delete(self, webhook_id: str) -> None:
        """Forget a webhook, its deliveries and attempts. :raises WebhookUnknown: if there is none."""
        async with self._tools.database.transaction() as transaction:
            await _lock(transaction, webhook_id)
            await delete_webhook(transaction, webhook_id)

    async def rotate(self, webhook_id: str) -> NewSecret:
        """Give a webhook a new secret; the one before signs beside it for a while, older ones no more.

        :raises WebhookUnknown: if there is none.
        """
        now = self._tools.clock.now()
        until = now + self._tools.rules.secret_overlap_hours * HOUR
        async with self._tools.database.transaction() as transaction:
            await _lock(transaction, webhook_id)
            await retire_secrets(transaction, webhook_id, now=now, until=until)
            return await self._add_secret(transaction, webhook_id)

    async def retry(self, webhook_id: str, *, number: int | None = None) -> int:
        """Send again at once: one delivery, even if it was delivered, or all that are not; returns how many.

        What was delivered goes out under the id that it had. Of a lead, later ones wait for it again.

        :raises WebhookUnknown: if there is no such webhook.
        :raises DeliveryUnknown: if it has no such delivery.
        """
        async with self._tools.database.transaction() as transaction:
            await _lock(transaction, webhook_id)
            now = self._tools.clock.now()
            count = await retry_deliveries(transaction, webhook_id, now=now, number=number)
        if number is not None and not count:
            raise DeliveryUnknown
        return count

    async def _find_wanted(self, webhook_id: str) -> Wanted:
        async with self._tools.database.transaction() as transaction:
            return (await _lock(transaction, webhook_id)).wanted

    async def _check_filter(self, wanted: Wanted) -> None:
        faults = find_unknown(wanted, await self._tiers())
        if faults:
            raise FilterUnknown("; ".join(faults))

    async def _check_url(self, url: str | None) -> None:
        if url is None:
            return
        poster = self._tools.poster(url)
        try:
            await poster.check()
        except AddressUnresolved:
            raise HostUnknown from None
        finally:
            await poster.close()

    async def _add_secret(self, transaction: Transaction, webhook_id: str) -> NewSecret:
        secret = Redacted(secret_of(secrets.token_bytes(KEY_BYTES)))
        row = Secret(secrets.token_hex(4), self._tools.clock.now(), None, secret)
        await save_secret(transaction, webhook_id, row, sealing=self._tools.sealing)
        return NewSecret(webhook_id, secret)


async def _lock(transaction: Transaction, webhook_id: str) -> Webhook:
    found = await lock_webhook(transaction, webhook_id) if is_webhook_id(webhook_id) else None
    if found is None:
        raise WebhookUnknown
    return found
