"""Access tokens: with one, a person or a program may use the service APIs, as far as its role goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, get_args

from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, from_datetime, to_datetime
from shared.kernel.redacted import Redacted
from shared.postgres.database import Database, Row, Transaction
from shared.security.credential_cache import CacheLimits, CredentialCache
from shared.security.credentials import fingerprint, is_well_formed, mint_credential, public_id

Role = Literal["admin", "marketer", "manager", "rep", "service", "read"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
PREFIX: Final = "lmt"


class RoleUnknown(Rejected):
    """A role is one of admin, marketer, manager, rep, service, read."""

    code = "token.role_unknown"


class TokenNameTaken(Rejected):
    """A token of this name exists; revoke it first, or take another name."""

    code = "token.name_taken"


class TokenUnknown(Rejected):
    """No token has this id or name; see `leadmill token list`."""

    code = "token.unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is asking. ``subject`` is whose data a role that sees only its own may see (a rep's id)."""

    id: str
    name: str
    role: Role
    subject: str | None = None
    expires_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known about a stored token."""

    principal: Principal
    created_at: Instant
    revoked_at: Instant | None


async def add_token(
    transaction: Transaction,
    *,
    pepper: bytes,
    name: str,
    role: str,
    now: Instant,
    subject: str | None = None,
    lasts: timedelta | None = None,
) -> Redacted[str]:
    """Make a token and return it once; it is stored as a keyed hash only.

    :raises RoleUnknown: if there is no such role.
    :raises TokenNameTaken: if a token that was not revoked has this name.
    """
    if role not in ROLES:
        raise RoleUnknown
    token = mint_credential(PREFIX)
    added = await transaction.execute(
        "INSERT INTO access.token (fingerprint, name, role, subject, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        *(fingerprint(pepper, token), name, role, subject),
        *(to_datetime(now), None if lasts is None else to_datetime(now) + lasts),
    )
    if not added:
        raise TokenNameTaken
    return Redacted(token)


async def revoke_token(transaction: Transaction, *, name_or_id: str, now: Instant) -> None:
    """Stop a token for good.

    :raises TokenUnknown: if no token that works has this name or id.
    """
    touched = await transaction.execute(
        "UPDATE access.token SET revoked_at = $2 WHERE revoked_at IS NULL"
        " AND (name = $1 OR left(encode(fingerprint, 'hex'), 12) = $1)",
        *(name_or_id, to_datetime(now)),
    )
    if not touched:
        raise TokenUnknown


async def load_tokens(transaction: Transaction) -> list[Token]:
    """Return every token there ever was, by name and age."""
    rows = await transaction.fetch("SELECT * FROM access.token ORDER BY name, created_at, fingerprint")
    return [
        Token(
            principal=_principal(row),
            created_at=from_datetime(row["created_at"]),
            revoked_at=None if row["revoked_at"] is None else from_datetime(row["revoked_at"]),
        )
        for row in rows
    ]


class Tokens:
    """Tells who a token belongs to, also while the database is away."""

    def __init__(self, database: Database, *, pepper: bytes, limits: CacheLimits | None = None) -> None:
        self._database = database
        self._pepper = pepper
        self._cache: CredentialCache[Principal] = CredentialCache(self._load, limits=limits)

    async def principal_of(self, token: str, *, now: Instant) -> Principal | None:
        """Return whose token it is, or None if there is no such token that works at ``now``.

        :raises CredentialStoreUnavailable: if it is not known here yet and the database is away.
        """
        if not is_well_formed(token, prefix=PREFIX):
            return None
        found = await self._cache.find(fingerprint(self._pepper, token))
        if found is None or (found.expires_at is not None and found.expires_at <= now):
            return None
        return found

    async def _load(self, stored: bytes) -> Principal | None:
        async with self._database.connection() as connection:
            row = await connection.fetch_row(
                "SELECT * FROM access.token WHERE fingerprint = $1 AND revoked_at IS NULL", stored
            )
        return None if row is None else _principal(row)


def _principal(row: Row) -> Principal:
    return Principal(
        id=public_id(row["fingerprint"]),
        name=row["name"],
        role=row["role"],
        subject=row["subject"],
        expires_at=None if row["expires_at"] is None else from_datetime(row["expires_at"]),
    )
