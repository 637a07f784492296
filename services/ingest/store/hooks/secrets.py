"""What sources have set for providers, sealed in the table and remembered while it is away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, to_datetime
from shared.kernel.redacted import Redacted
from shared.postgres.database import Database, Transaction
from shared.security.credential_cache import CacheLimits, CredentialCache
from shared.security.sealing import Sealing

_read_values: Final = msgspec.json.Decoder(dict[str, str]).decode

_SAVE: Final = """
INSERT INTO hook (source, provider, sealed, added, updated) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (source, provider) DO UPDATE SET sealed = excluded.sealed, updated = excluded.updated,
    next_look = clock_timestamp(), last_fault = NULL
"""


class HookUnset(Rejected):
    """This source has nothing set for this provider; see `leadmill hook list`."""

    code = "hook.unknown"


class HookRow(NamedTuple):
    """What is known of a hook without opening it."""

    source: str
    provider: str
    added: datetime
    updated: datetime
    looked: datetime | None
    last_fault: str | None


Values = Redacted[Mapping[str, str]]


def sealing_of_hooks(pepper: bytes) -> Sealing:
    """Return what seals the secrets that sources set for providers."""
    return Sealing(pepper, purpose="hook secrets")


class StoredSecrets:
    """Finds what a source has set for a provider, also while the database is away."""

    def __init__(self, database: Database, *, sealing: Sealing, limits: CacheLimits | None = None) -> None:
        self._database = database
        self._sealing = sealing
        self._cache: CredentialCache[Values] = CredentialCache(self._load, limits=limits)

    async def find(self, source: str, provider: str) -> Values | None:
        """Return what is set, None if nothing is.

        :raises CredentialStoreUnavailable: if it is not known here yet and the database is away.
        :raises SealBroken: if it was sealed under another pepper.
        """
        return await self._cache.find(_about(source, provider).encode())

    async def _load(self, key: bytes) -> Values | None:
        source, _, provider = key.decode().partition("\x1f")
        async with self._database.connection() as connection:
            return await load_hook(connection, source, provider, sealing=self._sealing)


async def load_hook(
    transaction: Transaction, source: str, provider: str, *, sealing: Sealing
) -> Values | None:
    """Return what a source has set for a provider, None if nothing is.

    :raises SealBroken: if it was sealed under another pepper.
    """
    sealed = await transaction.fetch_value(
        "SELECT sealed FROM hook WHERE source = $1 AND provider = $2", source, provider
    )
    if sealed is None:
        return None
    return Redacted(_read_values(sealing.open(sealed, about=_about(source, provider))))


async def save_hook(
    transaction: Transaction,
    source: str,
    provider: str,
    values: Mapping[str, str],
    *,
    sealing: Sealing,
    now: Instant,
) -> None:
    """Set everything that a source has for a provider; what was set before and is not named goes."""
    sealed = sealing.seal(msgspec.json.encode(dict(values)), about=_about(source, provider))
    await transaction.execute(_SAVE, source, provider, sealed, to_datetime(now))


async def load_hooks(transaction: Transaction) -> Sequence[HookRow]:
    """Return every hook there is, by source and provider."""
    rows = await transaction.fetch(
        "SELECT source, provider, added, updated, looked, last_fault FROM hook ORDER BY source, provider"
    )
    return [HookRow(*row) for row in rows]


async def remove_hook(transaction: Transaction, source: str, provider: str) -> None:
    """Forget what a source has set for a provider. :raises HookUnset: if nothing is."""
    gone = await transaction.execute("DELETE FROM hook WHERE source = $1 AND provider = $2", source, provider)
    if not gone:
        raise HookUnset


def _about(source: str, provider: str) -> str:
    return f"{source}\x1f{provider}"
