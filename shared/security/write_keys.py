"""Write keys: with one, a source may send data in, and nothing else.

A key can be brought along from the system that clients spoke to before, so that they change only
the address. Several keys of a source live side by side, so that a rotation interrupts nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, get_args

from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, from_datetime, to_datetime
from shared.kernel.redacted import Redacted
from shared.postgres.database import Transaction
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


class DoorUnknown(Rejected):
    """A door is one of events, leads, forms, reports, hooks, links; none named stands for all."""

    code = "write_key.door"


class SourceMalformed(Rejected):
    """A source is named by up to 64 lower-case letters, digits, - and _, for example website."""

    code = "source.malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTerms:
    """What a key may do: ``doors`` (none named: all), how long it ``lasts`` (None: for good), how fast.

    ``rate`` is in requests a second and ``burst`` in requests, in each process that takes them; None is
    what the settings say.
    """

    doors: frozenset[str] = frozenset()
    lasts: timedelta | None = None
    rate: int | None = None
    burst: int | None = None


ANYTHING: Final = KeyTerms()
"""Every door, for good, as fast as the settings say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteKey:
    """What is known about a stored key. ``id`` names it to people; ``hint`` is its end.

    ``created_by`` and ``revoked_by`` say who did it, ``last_used_at`` roughly when it opened a door last.
    """

    id: str
    source: str
    hint: str
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    doors: tuple[str, ...] = ()
    rate: int | None = None
    burst: int | None = None
    created_by: str = ""
    revoked_by: str = ""
    last_used_at: Instant | None = None

    def state(self, now: Instant) -> Literal["works", "expires", "expired", "revoked"]:
        """Say whether it works; ``expires`` works, until its end."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None:
            return "expired" if self.expires_at <= now else "expires"
        return "works"


async def add_write_key(
    transaction: Transaction,
    *,
    pepper: bytes,
    source: str,
    now: Instant,
    brought: str | None = None,
    terms: KeyTerms = ANYTHING,
    by: str = "",
) -> Redacted[str]:
    """Give ``source`` a new write key, making the source if there is none, and return the key once.

    With ``brought`` that key is taken as it is. Adding one again that the source has already and
    that works for good changes nothing. ``by`` is who does it.

    :raises DoorUnknown: if a door is none of ours.
    :raises SourceMalformed: if the source's name is not one.
    :raises SourceReserved: if it is a name of the platform's own.
    :raises WriteKeyMalformed: if the key brought along cannot be a key.
    :raises WriteKeyTaken: if the key belongs to another source, was revoked, or is there on other terms.
    """
    if not _SOURCE.fullmatch(source):
        raise SourceMalformed
    if source in INTERNAL_SOURCES:
        raise SourceReserved
    if brought is not None and not could_be_a_key(brought):
        raise WriteKeyMalformed
    if not terms.doors.issubset(DOORS):
        raise DoorUnknown
    key = brought if brought is not None else mint_credential(PREFIX)
    stored = fingerprint(pepper, key)
    await transaction.execute(
        "INSERT INTO source (id, created_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        source,
        to_datetime(now),
    )
    added = await transaction.execute(
        "INSERT INTO write_key (fingerprint, source, hint, created_at, created_by, doors, rate, burst,"
        " expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        *(stored, source, "…" + key[-4:], to_datetime(now), by, sorted(terms.doors)),
        *(terms.rate, terms.burst, None if terms.lasts is None else to_datetime(now) + terms.lasts),
    )
    if not added:
        row = await transaction.fetch_row(
            "SELECT source, coalesce(revoked_at, expires_at) AS ended, doors, rate, burst FROM write_key"
            " WHERE fingerprint = $1",
            stored,
        )
        if row is None or row["source"] != source or row["ended"] is not None:
            raise WriteKeyTaken
        there = KeyTerms(doors=frozenset(row["doors"]), rate=row["rate"], burst=row["burst"])
        if terms not in (ANYTHING, there):
            raise WriteKeyTaken("the source has this key on other terms; `leadmill key change` changes them")
    return Redacted(key)


async def rotate_write_keys(
    transaction: Transaction,
    *,
    pepper: bytes,
    source: str,
    now: Instant,
    overlap: timedelta,
    key_id: str | None = None,
    by: str = "",
) -> Redacted[str]:
    """Give ``source`` a new key; those it has go on working for ``overlap`` and then stop.

    With ``key_id`` only that key is replaced. The new one opens what the old ones opened together, as
    fast as the fastest, for good.

    :raises SourceMalformed: if the source's name is not one.
    :raises WriteKeyUnknown: if the source has no key of this id that works.
    """
    old = await transaction.fetch(
        "UPDATE write_key SET expires_at = least(expires_at, $2) WHERE source = $1 AND revoked_at IS NULL"
        " AND coalesce(expires_at > $3, true)"
        " AND ($4::text IS NULL OR left(encode(fingerprint, 'hex'), 12) = $4)"
        " RETURNING doors, rate, burst",
        *(source, to_datetime(now) + overlap, to_datetime(now), key_id),
    )
    if key_id is not None and not old:
        raise WriteKeyUnknown
    terms = KeyTerms(
        doors=_united([row["doors"] for row in old]),
        rate=_highest([row["rate"] for row in old]),
        burst=_highest([row["burst"] for row in old]),
    )
    return await add_write_key(transaction, pepper=pepper, source=source, now=now, terms=terms, by=by)


def _united(doors: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return all doors that any of these keys opens; a key that names none opens all."""
    return frozenset().union(*doors) if all(doors) else frozenset()


def _highest(limits: Sequence[int | None]) -> int | None:
    """Return the highest of some limits; None, what the settings say, if one of them is that."""
    own = [limit for limit in limits if limit is not None]
    return max(own) if own and len(own) == len(limits) else None


async def change_write_key(
    transaction: Transaction,
    *,
    key_id: str,
    doors: frozenset[str] | None = None,
    rate: int | None = None,
    burst: int | None = None,
) -> None:
    """Let a key open other doors, or be used faster or slower; None leaves things as they are.

    :raises DoorUnknown: if a door is none of ours.
    :raises WriteKeyUnknown: if no key that was not revoked has this id.
    """
    if doors is not None and not doors.issubset(DOORS):
        raise DoorUnknown
    touched = await transaction.execute(
        "UPDATE write_key SET doors = coalesce($2, doors), rate = coalesce($3, rate),"
        " burst = coalesce($4, burst) WHERE left(encode(fingerprint, 'hex'), 12) = $1 AND revoked_at IS NULL",
        *(key_id, None if doors is None else sorted(doors), rate, burst),
    )
    if not touched:
        raise WriteKeyUnknown


async def revoke_write_key(transaction: Transaction, *, key_id: str, now: Instant, by: str = "") -> None:
    """Stop a key for good, by its id; ``by`` is who does it, and the first who did stays so.

    :raises WriteKeyUnknown: if no key has this id.
    """
    touched = await transaction.execute(
        "UPDATE write_key SET revoked_by = CASE WHEN revoked_at IS NULL THEN $3 ELSE revoked_by END,"
        " revoked_at = coalesce(revoked_at, $2) WHERE left(encode(fingerprint, 'hex'), 12) = $1",
        *(key_id, to_datetime(now), by),
    )
    if not touched:
        raise WriteKeyUnknown


async def note_uses(transaction: Transaction, uses: Mapping[str, Instant]) -> None:
    """Note when keys, by their ids, opened a door last; what is newer already stays."""
    await transaction.execute(
        "UPDATE write_key SET last_used_at = greatest(last_used_at, u.at)"
        " FROM unnest($1::text[], $2::timestamptz[]) AS u(id, at)"
        " WHERE left(encode(fingerprint, 'hex'), 12) = u.id",
        *(list(uses), [to_datetime(at) for at in uses.values()]),
    )


async def load_write_keys(transaction: Transaction) -> list[WriteKey]:
    """Return every key there ever was, by source and age."""
    rows = await transaction.fetch("SELECT * FROM write_key ORDER BY source, created_at, fingerprint")
    return [
        WriteKey(
            id=public_id(row["fingerprint"]),
            source=row["source"],
            hint=row["hint"],
            created_at=from_datetime(row["created_at"]),
            expires_at=_instant(row["expires_at"]),
            revoked_at=_instant(row["revoked_at"]),
            doors=tuple(door for door in DOORS if door in row["doors"]),
            rate=row["rate"],
            burst=row["burst"],
            created_by=row["created_by"],
            revoked_by=row["revoked_by"],
            last_used_at=_instant(row["last_used_at"]),
        )
        for row in rows
    ]


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)


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


def could_be_a_key(text: str) -> bool:
    """Say whether a text looks like a key, minted here or brought along."""
    if not _BROUGHT.fullmatch(text):
        return False
    return not text.startswith(f"{PREFIX}_") or is_well_formed(text, prefix=PREFIX)
