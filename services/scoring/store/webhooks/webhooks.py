"""Webhooks and their secrets, and the lease under which one process at a time serves each.

A lease goes by the clock of this database. Its epoch rises with every claim, and whatever its holder
writes is written only under its epoch: whoever was paused and comes back late changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

import msgspec

from services.scoring.domain.webhooks.webhook import Health, Wanted, Webhook
from shared.kernel.instants import Instant
from shared.kernel.redacted import Redacted
from shared.postgres.database import Row, Transaction
from shared.security.sealing import Sealing

CREATE: Final = """
CREATE TABLE webhook (
    id text PRIMARY KEY,
    url text NOT NULL,
    name text NOT NULL,
    wanted jsonb NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    reason text NOT NULL DEFAULT '',
    cursor text NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL,
    changed_at bigint NOT NULL,
    changed_by text NOT NULL,
    failures int NOT NULL DEFAULT 0,
    failing_since bigint,
    paused_until bigint NOT NULL DEFAULT 0,
    lease_holder text NOT NULL DEFAULT '',
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    lease_epoch bigint NOT NULL DEFAULT 0
);
CREATE TABLE webhook_secret (
    webhook text NOT NULL REFERENCES webhook ON DELETE CASCADE,
    id text NOT NULL,
    sealed bytea NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    PRIMARY KEY (webhook, id)
);
COMMENT ON TABLE webhook IS 'addresses of other systems that are told of tier changes and activations';
COMMENT ON COLUMN webhook.cursor IS 'the place in the stream up to which deliveries are written down';
COMMENT ON COLUMN webhook_secret.sealed IS 'what messages are signed with, sealed under the pepper';
"""

_CLAIM: Final = """
UPDATE webhook SET lease_holder = $1, lease_until = clock_timestamp() + $2::interval,
    lease_epoch = lease_epoch + 1
WHERE id = (
    SELECT id FROM webhook WHERE state = 'active' AND lease_until < clock_timestamp()
    ORDER BY lease_until, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id, lease_epoch
"""
_HOLD: Final = """
UPDATE webhook SET lease_until = clock_timestamp() + $3::interval
WHERE id = $1 AND lease_epoch = $2 AND state = 'active' RETURNING *
"""
_BUSY: Final = """
SELECT id FROM webhook w WHERE id = ANY($1::text[]) AND (state <> 'active' OR cursor <> $2
    OR (paused_until <= $3 AND EXISTS (
        SELECT FROM webhook_delivery WHERE webhook = w.id AND state = 'waiting'
        AND (next_attempt <= $3 OR w.failures >= $4))))
"""
_SAVE: Final = """
INSERT INTO webhook (id, url, name, wanted, cursor, created_at, created_by, changed_at, changed_by)
VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, $6, $7)
"""
_CHANGE: Final = """
UPDATE webhook SET url = $2, name = $3, wanted = $4::jsonb, changed_at = $5, changed_by = $6 WHERE id = $1
"""
_SWITCH: Final = """
UPDATE webhook SET state = $2, reason = $3, changed_at = $4, changed_by = $5, failures = 0,
    failing_since = NULL, paused_until = 0 WHERE id = $1 AND ($2 <> state OR $2 = 'active')
"""
_NOTE: Final = """
UPDATE webhook SET failures = $2, failing_since = $3, paused_until = $4,
    state = CASE WHEN $5 = '' THEN state ELSE 'disabled' END,
    reason = CASE WHEN $5 = '' THEN reason ELSE $5 END WHERE id = $1
"""

_read_wanted: Final = msgspec.json.Decoder(Wanted).decode


class Lease(NamedTuple):
    """A webhook that is ours to serve, under this epoch."""

    webhook: str
    epoch: int


class Secret(NamedTuple):
    """What messages are signed with; ``expires_at`` is None for the newest."""

    id: str
    created_at: Instant
    expires_at: Instant | None
    secret: Redacted[str]


def sealing_of_webhooks(pepper: bytes) -> Sealing:
    """Return what seals the secrets that messages are signed with."""
    return Sealing(pepper, purpose="webhook secrets")


async def save_webhook(transaction: Transaction, webhook: Webhook) -> None:
    """Write a new webhook down."""
    wanted = msgspec.json.encode(webhook.wanted).decode()
    await transaction.execute(
        _SAVE,
        *(webhook.id, webhook.url, webhook.name, wanted, webhook.cursor),
        *(webhook.created_at, webhook.created_by),
    )


async def save_changed(transaction: Transaction, webhook: Webhook) -> None:
    """Write down another address, name or filter; where it stands is left as it is."""
    wanted = msgspec.json.encode(webhook.wanted).decode()
    await transaction.execute(
        _CHANGE,
        *(webhook.id, webhook.url, webhook.name, wanted),
        *(webhook.changed_at, webhook.changed_by),
    )


async def save_state(
    transaction: Transaction, webhook_id: str, *, state: str, reason: str, at: Instant, by: str
) -> None:
    """Switch a webhook on or off; switched on, it begins with a clean record."""
    await transaction.execute(_SWITCH, webhook_id, state, reason, at, by)


async def save_health(
    transaction: Transaction, webhook_id: str, health: Health, *, disabled: str = ""
) -> None:
    """Write down how a webhook has answered; ``disabled`` is why it is switched off, if it is."""
    await transaction.execute(
        _NOTE, webhook_id, health.failures, health.failing_since, health.paused_until, disabled
    )


async def save_cursor(transaction: Transaction, webhook_id: str, cursor: str) -> None:
    """Write down how far the stream was turned into deliveries."""
    await transaction.execute("UPDATE webhook SET cursor = $2 WHERE id = $1", webhook_id, cursor)


async def delete_webhook(transaction: Transaction, webhook_id: str) -> None:
    """Forget a webhook with everything that belongs to it."""
    await transaction.execute("DELETE FROM webhook WHERE id = $1", webhook_id)


async def load_webhooks(transaction: Transaction) -> list[Webhook]:
    """Return every webhook, oldest first."""
    return [_webhook(row) for row in await transaction.fetch("SELECT * FROM webhook ORDER BY created_at, id")]


async def load_webhook(transaction: Transaction, webhook_id: str) -> Webhook | None:
    """Return a webhook, None if there is none."""
    row = await transaction.fetch_row("SELECT * FROM webhook WHERE id = $1", webhook_id)
    return None if row is None else _webhook(row)


async def lock_webhook(transaction: Transaction, webhook_id: str) -> Webhook | None:
    """Return a webhook that nobody else changes before the transaction ends, None if there is none."""
    row = await transaction.fetch_row("SELECT * FROM webhook WHERE id = $1 FOR UPDATE", webhook_id)
    return None if row is None else _webhook(row)


async def claim_webhook(transaction: Transaction, *, holder: str, lease: timedelta) -> Lease | None:
    """Take a webhook that nobody serves, None if there is none."""
    row = await transaction.fetch_row(_CLAIM, holder, lease)
    return None if row is None else Lease(row["id"], row["lease_epoch"])


async def hold_webhook(transaction: Transaction, held: Lease, *, lease: timedelta) -> Webhook | None:
    """Renew a lease and return the webhook; None if it is ours no more, is disabled, or is gone."""
    row = await transaction.fetch_row(_HOLD, held.webhook, held.epoch, lease)
    return None if row is None else _webhook(row)


async def load_busy(
    transaction: Transaction, webhook_ids: Sequence[str], *, end: str, now: Instant, doubtful: int
) -> list[str]:
    """Return which webhooks have something to do: to write down, to post, or to stop.

    After so many failures in a row as ``doubtful`` says, one is tried before its time.
    """
    rows = await transaction.fetch(_BUSY, list(webhook_ids), end, now, doubtful)
    return [row["id"] for row in rows]


async def lock_held(transaction: Transaction, held: Lease) -> Webhook | None:
    """Lock a webhook for writing under its lease; None if it is ours no more."""
    row = await transaction.fetch_row(
        "SELECT * FROM webhook WHERE id = $1 AND lease_epoch = $2 FOR UPDATE", held.webhook, held.epoch
    )
    return None if row is None else _webhook(row)


async def release_webhook(transaction: Transaction, held: Lease) -> None:
    """Give a lease back before it ends."""
    await transaction.execute(
        "UPDATE webhook SET lease_until = '-infinity', lease_holder = '' WHERE id = $1 AND lease_epoch = $2",
        *held,
    )


async def save_secret(transaction: Transaction, webhook_id: str, secret: Secret, *, sealing: Sealing) -> None:
    """Write a secret down, sealed."""
    sealed = sealing.seal(secret.secret.reveal().encode(), about=_about(webhook_id, secret.id))
    await transaction.execute(
        "INSERT INTO webhook_secret (webhook, id, sealed, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5)",
        *(webhook_id, secret.id, sealed, secret.created_at, secret.expires_at),
    )


async def retire_secrets(transaction: Transaction, webhook_id: str, *, now: Instant, until: Instant) -> None:
    """Let the newest secret end at ``until``, and those that were ending already at once."""
    await transaction.execute(
        "DELETE FROM webhook_secret WHERE webhook = $1 AND expires_at IS NOT NULL", webhook_id
    )
    await transaction.execute(
        "UPDATE webhook_secret SET expires_at = $2 WHERE webhook = $1", webhook_id, max(now, until)
    )


async def load_secrets(
    transaction: Transaction, webhook_id: str, *, now: Instant, sealing: Sealing
) -> list[Secret]:
    """Return the secrets that are live, newest first.

    :raises SealBroken: if one was sealed under another pepper.
    """
    rows = await transaction.fetch(
        "SELECT * FROM webhook_secret WHERE webhook = $1 AND (expires_at IS NULL OR expires_at > $2)"
        " ORDER BY expires_at DESC NULLS FIRST, id",
        *(webhook_id, now),
    )
    return [
        Secret(
            *(row["id"], row["created_at"], row["expires_at"]),
            Redacted(sealing.open(row["sealed"], about=_about(webhook_id, row["id"])).decode()),
        )
        for row in rows
    ]


async def load_secret_terms(
    transaction: Transaction, webhook_ids: Sequence[str], *, now: Instant
) -> dict[str, list[tuple[str, Instant, Instant | None]]]:
    """Return of the live secrets of webhooks what may be shown: id, since when, until when."""
    found: dict[str, list[tuple[str, Instant, Instant | None]]] = {name: [] for name in webhook_ids}
    rows = await transaction.fetch(
        "SELECT webhook, id, created_at, expires_at FROM webhook_secret WHERE webhook = ANY($1::text[])"
        " AND (expires_at IS NULL OR expires_at > $2) ORDER BY expires_at DESC NULLS FIRST, id",
        *(list(webhook_ids), now),
    )
    for row in rows:
        found[row["webhook"]].append((row["id"], row["created_at"], row["expires_at"]))
    return found


def _webhook(row: Row) -> Webhook:
    state: Any = row["state"]
    return Webhook(
        *(
            row["id"],
            row["url"],
            row["name"],
            _read_wanted(row["wanted"]),
            state,
            row["reason"],
            row["cursor"],
        ),
        Health(row["failures"], row["failing_since"], row["paused_until"]),
        *(row["created_at"], row["created_by"], row["changed_at"], row["changed_by"]),
    )


def _about(webhook_id: str, secret_id: str) -> str:
    return f"{webhook_id}\x1f{secret_id}"
