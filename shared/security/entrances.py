"""Who comes in with a write key: looked up in memory, also while the database is away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.kernel.instants import Instant, from_datetime
from shared.postgres.database import Database, Row
from shared.security import internal_keys
from shared.security.credential_cache import CacheLimits, CredentialCache, CredentialStoreUnavailable
from shared.security.credentials import fingerprint, public_id
from shared.security.write_keys import INTERNAL_SOURCES, Entrance, could_be_a_key

_MOST_PRINTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Stored:
    entrance: Entrance
    expires_at: Instant | None


class WriteKeys:
    """Tells which source a write key belongs to, also while the database is away."""

    def __init__(self, database: Database, *, pepper: bytes, limits: CacheLimits | None = None) -> None:
        self._database = database
        self._pepper = pepper
        self._cache: CredentialCache[_Stored] = CredentialCache(self._load, limits=limits)
        self._prints: dict[str, bytes] = {}
        self._are_read = False

    async def read_all(self) -> None:
        """Know every key that works, those used last first, as many as fit; do it now and again.

        Who reads them at the start answers from memory also those who come first, should the database be
        slow or away by then.

        :raises Unavailable: if the database does not answer.
        """
        asked_at = self._cache.now()
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT fingerprint, source, doors, rate, burst, expires_at FROM write_key"
                " WHERE revoked_at IS NULL ORDER BY last_used_at DESC NULLS LAST, created_at DESC LIMIT $1",
                self._cache.most_known,
            )
        self._cache.learn({row["fingerprint"]: _stored_of(row) for row in rows}, asked_at=asked_at)
        self._are_read = True

    async def check(self) -> None:
        """Return if keys were read once; from then on nobody needs the database to be let in.

        :raises CredentialStoreUnavailable: if they were not.
        """
        if not self._are_read:
            raise CredentialStoreUnavailable

    async def entrance_of(self, key: str, *, now: Instant) -> Entrance | None:
        """Return what ``key`` opens, or None if there is no such key that works at ``now``.

        :raises CredentialStoreUnavailable: if the key is not known here yet and the database is
            away; never answer that with "unknown key".
        """
        if key.startswith(f"{internal_keys.PREFIX}_"):
            own = internal_keys.service_of(self._pepper, key, services=INTERNAL_SOURCES)
            return None if own is None else Entrance(own, is_internal=True)
        stored = self._prints.get(key)
        if stored is None:
            if not could_be_a_key(key):
                return None
            stored = fingerprint(self._pepper, key)
        found = await self._cache.find(stored)
        if found is None or (found.expires_at is not None and found.expires_at <= now):
            self._prints.pop(key, None)
            return None
        self._note(key, stored)
        return found.entrance

    def _note(self, key: str, stored: bytes) -> None:
        """Keep a key's fingerprint while it works: it costs each request what reading its event does."""
        if key not in self._prints:
            if len(self._prints) >= _MOST_PRINTS:
                self._prints.clear()
            self._prints[key] = stored

    async def source_of(self, key: str, *, now: Instant) -> str | None:
        """Return the source of ``key``, or None; as :meth:`entrance_of`."""
        found = await self.entrance_of(key, now=now)
        return None if found is None else found.source

    def forget(self, key: str) -> None:
        """Look this key up anew; for a key that was changed in this process."""
        self._cache.forget(fingerprint(self._pepper, key))

    async def _load(self, stored: bytes) -> _Stored | None:
        async with self._database.connection() as connection:
            row = await connection.fetch_row(
                "SELECT fingerprint, source, doors, rate, burst, expires_at FROM write_key"
                " WHERE fingerprint = $1 AND revoked_at IS NULL",
                stored,
            )
        return None if row is None else _stored_of(row)


def _stored_of(row: Row) -> _Stored:
    entrance = Entrance(
        row["source"],
        doors=frozenset(row["doors"]),
        key_id=public_id(row["fingerprint"]),
        rate=row["rate"],
        burst=row["burst"],
    )
    return _Stored(entrance, None if row["expires_at"] is None else from_datetime(row["expires_at"]))
