"""The key ring: what administrators do with write keys, each act in a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from shared.kernel.clock import Clock
from shared.kernel.redacted import Redacted
from shared.postgres.database import Database
from shared.security import write_keys
from shared.security.credentials import fingerprint, public_id
from shared.security.write_keys import ANYTHING, KeyTerms, WriteKey, WriteKeyUnknown


class NewKey(NamedTuple):
    """A key that was made just now: its id, and the key itself, which can never be read again."""

    id: str
    key: Redacted[str]


class KeyRing:
    """Write keys in the schema of ``database``; ``by`` says who does what, and stays on record."""

    def __init__(self, database: Database, *, pepper: bytes, clock: Clock) -> None:
        self._database = database
        self._pepper = pepper
        self._clock = clock

    async def add(
        self, source: str, *, by: str, brought: str | None = None, terms: KeyTerms = ANYTHING
    ) -> NewKey:
        """Give a source a new key, or the one brought along.

        :raises Rejected: as ``shared.security.write_keys.add_write_key``.
        """
        async with self._database.transaction() as transaction:
            key = await write_keys.add_write_key(
                transaction,
                pepper=self._pepper,
                source=source,
                now=self._clock.now(),
                brought=brought,
                terms=terms,
                by=by,
            )
        return self._named(key)

    async def rotate(self, source: str, *, by: str, overlap: timedelta, key_id: str | None = None) -> NewKey:
        """Give a source a new key; those it has, or the one named, work on for ``overlap``.

        :raises Rejected: as ``shared.security.write_keys.rotate_write_keys``.
        """
        async with self._database.transaction() as transaction:
            key = await write_keys.rotate_write_keys(
                transaction,
                pepper=self._pepper,
                source=source,
                now=self._clock.now(),
                overlap=overlap,
                key_id=key_id,
                by=by,
            )
        return self._named(key)

    async def change(
        self, key_id: str, *, doors: frozenset[str] | None, rate: int | None, burst: int | None
    ) -> None:
        """Let a key open other doors, or be used faster or slower; None leaves things as they are.

        :raises Rejected: as ``shared.security.write_keys.change_write_key``.
        """
        async with self._database.transaction() as transaction:
            await write_keys.change_write_key(transaction, key_id=key_id, doors=doors, rate=rate, burst=burst)

    async def revoke(self, key_id: str, *, by: str) -> None:
        """Stop a key for good. :raises WriteKeyUnknown: if no key has this id."""
        async with self._database.transaction() as transaction:
            await write_keys.revoke_write_key(transaction, key_id=key_id, now=self._clock.now(), by=by)

    async def list_keys(self, source: str | None = None) -> Sequence[WriteKey]:
        """Return every key there ever was, by source and age; of one source only, if it is named."""
        async with self._database.connection() as connection:
            keys = await write_keys.load_write_keys(connection)
        return keys if source is None else [key for key in keys if key.source == source]

    async def find(self, key_id: str) -> WriteKey:
        """Return one key. :raises WriteKeyUnknown: if none has this id."""
        for key in await self.list_keys():
            if key.id == key_id:
                return key
        raise WriteKeyUnknown

    def _named(self, key: Redacted[str]) -> NewKey:
        return NewKey(public_id(fingerprint(self._pepper, key.reveal())), key)
