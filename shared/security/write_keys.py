"""Write keys: with one, a source may send data in, and nothing else.

A key can be brought along from the system that clients spoke to before, so that they change only
the address. Several keys of a source live side by side, so that a rotation interrupts nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, NamedTuple, get_args

from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, from_datetime, to_datetime
from shared.kernel.redacted import Redacted
from shared.postgres.database import Database, Transaction
from shared.security import internal_keys
from shared.security.credential_cache import CacheLimits, CredentialCache
from shared.security.credentials import (
    fingerprint,
    is_well_formed,
    mint_credential,
    public_id,
)

PREFIX: Final = "lmw"
_SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_BROUGHT: Final = re.compile(r"[!-~]{8,200}")

Door = Literal["events", "leads", "forms", "reports", "hooks", "links"]
DOORS: Final[tuple[Door, ...]] = get_args(Door)
"""What a write key may open: acts, leads, forms, outcomes with costs, others' webhooks, tracking links."""


INTERNAL_SOURCES: Final = ("routing", "nurture")
"""Services whose own words come in at the front door like anybody's: opens, clicks, opportunities."""


class SourceReserved(Rejected):
    """The platform itself speaks under this name; choose another for the source."""

    code = "source.reserved"


class WriteKeyMalformed(Rejected):
    """A write key has 8 to 200 visible ASCII characters; one that begins with lmw_ must be unchanged."""

    code = "write_key.malformed"


class WriteKeyTaken(Rejected):
    """This write key exists already, for this source or another; see `leadmill key list`."""

    code = "write_key.taken"


class WriteKeyUnknown(Rejected):
    """No write key has this id; see `leadmill key list`."""

    code = "write_key.unknown"


class SourceMalformed(Rejected):
    """A source is named by up to 64 lower-case letters, digits, - and _, for example website."""

    code = "source.malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteKey:
    """What is known about a stored key. ``id`` names it to people; ``hint`` is its end."""

    id: str
    source: str
    hint: str
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None


async def add_write_key(
    transaction: Transaction, *, pepper: bytes, source: str, now: Instant, brought: str | None = None
) -> Redacted[str]:
    """Give ``source`` a new write key, making the source if there is none, and return the key once.

    With ``brought`` that key is taken as it is. Adding one again that the source has already and
    that works changes nothing.

    :raises SourceMalformed: if the source's name is not one.
    :raises SourceReserved: if it is a name of the platform's own.
    :raises WriteKeyMalformed: if the key brought along cannot be a key.
    :raises WriteKeyTaken: if the key belongs to another source, or was revoked.
    """
    if not _SOURCE.fullmatch(source):
        raise SourceMalformed
    if source in INTERNAL_SOURCES:
        raise SourceReserved
    if brought is not None and not _could_be_a_key(brought):
        raise WriteKeyMalformed
    key = brought if brought is not None else mint_credential(PREFIX)
    stored = fingerprint(pepper, key)
    await transaction.execute(
        "INSERT INTO source (id, created_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        source,
        to_datetime(now),
    )
    added = await transaction.execute(
        "INSERT INTO write_key (fingerprint, source, hint, created_at)"
        " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        *(stored, source, "…" + key[-4:], to_datetime(now)),
    )
    if not added:
        row = await transaction.fetch_row(
            "SELECT source, coalesce(revoked_at, expires_at) AS ended FROM write_key WHERE fingerprint = $1",
            stored,
        )
        if row is None or row["source"] != source or row["ended"] is not None:
            raise WriteKeyTaken
    return Redacted(key)


async def rotate_write_keys(
    transaction: Transaction, *, pepper: bytes, source: str, now: Instant, overlap: timedelta
) -> Redacted[str]:
    """Give ``source`` a new key; those it has go on working for ``overlap`` and then stop.

    :raises SourceMalformed: if the source's name is not one.
    """
    ends = to_datetime(now) + overlap
    await transaction.execute(
        "UPDATE write_key SET expires_at = least(expires_at, $2) WHERE source = $1 AND revoked_at IS NULL",
        source,
        ends,
    )
    return await add_write_key(transaction, pepper=pepper, source=source, now=now)


async def revoke_write_key(transaction: Transaction, *, key_id: str, now: Instant) -> None:
    """Stop a key for good, by its id.

    :raises WriteKeyUnknown: if no key has this id.
    """
    touched = await transaction.execute(
        "UPDATE write_key SET revoked_at = coalesce(revoked_at, $2)"
        " WHERE left(encode(fingerprint, 'hex'), 12) = $1",
        *(key_id, to_datetime(now)),
    )
    if not touched:
        raise WriteKeyUnknown


async def load_write_keys(transaction: Transaction) -> list[WriteKey]:
    """Return every key there ever was, by source and age."""
    rows = await transaction.fetch("SELECT * FROM write_key ORDER BY source, created_at, fingerprint")
    return [
        WriteKey(
            id=public_id(row["fingerprint"]),
            source=row["source"],
            hint=row["hint"],
            created_at=from_datetime(row["created_at"]),
            expires_at=None if row["expires_at"] is None else from_datetime(row["expires_at"]),
            revoked_at=None if row["revoked_at"] is None else from_datetime(row["revoked_at"]),
        )
        for row in rows
    ]


class Entrance(NamedTuple):
    """What a write key opens; ``is_internal`` sources are the platform's own, and may name leads by id.

    No ``doors`` named means all of them. ``key_id`` names the key to people; ``rate`` (requests a second)
    and ``burst`` are its own, None where the settings' hold.
    """

    source: str
    is_internal: bool = False
    doors: frozenset[str] = frozenset()
    key_id: str = ""
    rate: int | None = None
    burst: int | None = None

    def opens(self, door: Door) -> bool:
        """Say whether this door is one of those that the key opens."""
        return not self.doors or door in self.doors


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

    async def entrance_of(self, key: str, *, now: Instant) -> Entrance | None:
        """Return what ``key`` opens, or None if there is no such key that works at ``now``.

        :raises CredentialStoreUnavailable: if the key is not known here yet and the database is
            away; never answer that with "unknown key".
        """
        if key.startswith(f"{internal_keys.PREFIX}_"):
            own = internal_keys.service_of(self._pepper, key, services=INTERNAL_SOURCES)
            return None if own is None else Entrance(own, is_internal=True)
        if not _could_be_a_key(key):
            return None
        found = await self._cache.find(fingerprint(self._pepper, key))
        if found is None or (found.expires_at is not None and found.expires_at <= now):
            return None
        return found.entrance

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
                "SELECT source, doors, rate, burst, expires_at FROM write_key"
                " WHERE fingerprint = $1 AND revoked_at IS NULL",
                stored,
            )
        if row is None:
            return None
        entrance = Entrance(
            row["source"],
            doors=frozenset(row["doors"]),
            key_id=public_id(stored),
            rate=row["rate"],
            burst=row["burst"],
        )
        return _Stored(entrance, None if row["expires_at"] is None else from_datetime(row["expires_at"]))


def _could_be_a_key(text: str) -> bool:
    if not _BROUGHT.fullmatch(text):
        return False
    return not text.startswith(f"{PREFIX}_") or is_well_formed(text, prefix=PREFIX)
