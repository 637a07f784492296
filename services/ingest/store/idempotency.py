"""Requests that their senders named, so that one sent again is answered as the first time.

A name is claimed before anything is done under it, for as long as doing it may take. Whoever claimed it
and died leaves it to be claimed again by the same request: what that appends has the same ids, and takes
effect once. Names and bodies are here as keyed hashes only.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from shared.kernel.errors import Rejected, Unavailable
from shared.kernel.instants import MICROSECOND, Instant
from shared.postgres.database import Database, Transaction

CREATE: Final = """
CREATE TABLE named_request (
    name text COLLATE "C" PRIMARY KEY,
    body text NOT NULL,
    claimed_until timestamptz NOT NULL,
    answer bytea,
    expires bigint NOT NULL
);
CREATE INDEX named_request_expires ON named_request (expires);
COMMENT ON TABLE named_request IS 'requests with an Idempotency-Key; name and body are keyed hashes';
COMMENT ON COLUMN named_request.answer IS 'what was answered; null while the first one is under way';
"""

_CLAIM: Final = """
INSERT INTO named_request AS r (name, body, claimed_until, expires)
VALUES ($1, $2, clock_timestamp() + $3, $4)
ON CONFLICT (name) DO UPDATE
SET body = excluded.body, answer = NULL, claimed_until = excluded.claimed_until,
    expires = CASE WHEN r.expires <= $5 THEN excluded.expires ELSE r.expires END
WHERE r.expires <= $5
   OR (r.answer IS NULL AND r.body = excluded.body AND r.claimed_until <= clock_timestamp())
RETURNING name
"""
_LOOK: Final = """
SELECT body, answer, ceil(extract(epoch FROM claimed_until - clock_timestamp()))::int AS wait
FROM named_request WHERE name = $1
"""
_SETTLE: Final = "UPDATE named_request SET answer = $2 WHERE name = $1 AND answer IS NULL"
_RELEASE: Final = """
UPDATE named_request SET claimed_until = clock_timestamp() WHERE name = $1 AND answer IS NULL
"""
_TRIES: Final = 3


class KeyReused(Rejected):
    """This Idempotency-Key named another request before; give each a key of its own, such as a UUID."""

    code = "idempotency.key_reused"


class StillRunning(Rejected):
    """The first request with this Idempotency-Key is under way; ask again after Retry-After seconds."""

    code = "idempotency.in_flight"

    def __init__(self, *, retry_after: float) -> None:
        super().__init__()
        self.retry_after = retry_after


class NamesUnavailable(Unavailable):
    """Requests with an Idempotency-Key cannot be told apart now; send it again under the same key."""

    code = "idempotency.unavailable"


class NamedRequests:
    """Remembers named requests and their answers for ``keep``, counted from the first.

    A claim lasts for ``lease``; the database is waited for no longer than ``patience``.
    """

    def __init__(
        self,
        database: Database,
        *,
        keep: timedelta,
        lease: timedelta = timedelta(seconds=30),
        patience: timedelta = timedelta(seconds=5),
    ) -> None:
        self._database = database
        self._keep = keep // timedelta(microseconds=MICROSECOND)
        self._lease = lease
        self._patience = patience.total_seconds()

    async def claim(self, name: str, *, body: str, now: Instant) -> bytes | None:
        """Return what was answered before, or None to whoever has to carry the request out.

        :raises KeyReused: if the name belongs to another body.
        :raises StillRunning: if somebody else is at it.
        :raises NamesUnavailable: if the database does not answer.
        """
        try:
            async with asyncio.timeout(self._patience), self._database.connection() as connection:
                for _ in range(_TRIES):
                    claimed = await connection.fetch_value(
                        _CLAIM, *(name, body, self._lease, now + self._keep, now)
                    )
                    if claimed is not None:
                        return None
                    row = await connection.fetch_row(_LOOK, name)
                    if row is None:  # forgotten between the two statements
                        continue
                    if row["body"] != body:
                        raise KeyReused
                    if row["answer"] is not None:
                        return bytes(row["answer"])
                    raise StillRunning(retry_after=max(1, row["wait"]))
        except (Unavailable, TimeoutError) as error:
            raise NamesUnavailable from error
        raise NamesUnavailable

    async def settle(self, name: str, answer: bytes) -> None:
        """Keep the answer for whoever asks again.

        :raises Unavailable: if it cannot be kept; the request can be claimed again once its lease is over.
        """
        await self._write(_SETTLE, name, answer)

    async def release(self, name: str) -> None:
        """Let the request be claimed again at once; nothing was answered.

        :raises Unavailable: if that cannot be written; it can be claimed once its lease is over.
        """
        await self._write(_RELEASE, name)

    async def _write(self, statement: str, *values: object) -> None:
        try:
            async with asyncio.timeout(self._patience), self._database.connection() as connection:
                await connection.execute(statement, *values)
        except TimeoutError as error:
            raise NamesUnavailable from error


async def forget_named_requests(transaction: Transaction, *, now: Instant, limit: int) -> int:
    """Delete names whose time is over, ``limit`` rows at most; returns how many went."""
    return await transaction.execute(
        "DELETE FROM named_request WHERE name IN ("
        "SELECT name FROM named_request WHERE expires <= $1 ORDER BY expires LIMIT $2)",
        *(now, limit),
    )
