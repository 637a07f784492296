"""Credentials of this deployment: write keys of sources, tokens of people and programs."""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from datetime import timedelta

from leadmill.platform.roster import KEYS_OWNER
from leadmill.platform.schemas import ACCESS
from shared.kernel.clock import Clock
from shared.postgres.database import Database
from shared.runtime.blueprint import Blueprint, Resources
from shared.security.key_ring import KeyRing
from shared.security.tokens import Token, add_token, load_tokens, revoke_token
from shared.security.write_keys import ANYTHING, KeyTerms, WriteKey


def who_runs_this() -> str:
    """Return who is at the command line, as the operating system knows them."""
    try:
        return f"command line ({getpass.getuser()})"
    except (OSError, KeyError):  # a container's user may have no name
        return f"command line (user {os.getuid()})"


class Access:
    """Gives and takes credentials; :func:`open_access` opens one, :meth:`close` lets go of it."""

    def __init__(self, *, keys: Database, tokens: Database, pepper: bytes, clock: Clock, by: str) -> None:
        self._keys = keys
        self._ring = KeyRing(keys, pepper=pepper, clock=clock)
        self._by = by
        self._tokens = tokens
        self._pepper = pepper
        self._clock = clock

    async def open(self) -> None:
        """Connect. :raises DatabaseUnavailable: if the database does not answer."""
        await self._keys.start()
        await self._tokens.start()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._keys.stop()
        await self._tokens.stop()

    async def add_key(self, source: str, *, brought: str | None = None, terms: KeyTerms = ANYTHING) -> str:
        """Give a source a write key and return it; it can never be read again.

        :raises Rejected: if the source's name or the key brought along is of no use, or the key is taken.
        """
        made = await self._ring.add(source, by=self._by, brought=brought, terms=terms)
        return made.key.reveal()

    async def rotate_keys(self, source: str, *, overlap: timedelta, key_id: str | None = None) -> str:
        """Give a source a new write key; those it has, or the one named, work on for ``overlap``.

        :raises WriteKeyUnknown: if the source has no key of this id that works.
        """
        made = await self._ring.rotate(source, by=self._by, overlap=overlap, key_id=key_id)
        return made.key.reveal()

    async def change_key(
        self, key_id: str, *, doors: frozenset[str] | None, rate: int | None, burst: int | None
    ) -> None:
        """Let a key open other doors, or be used faster or slower; None leaves things as they are.

        :raises Rejected: if no key has this id, or a door is none of ours.
        """
        await self._ring.change(key_id, doors=doors, rate=rate, burst=burst)

    async def revoke_key(self, key_id: str) -> None:
        """Stop a write key for good. :raises WriteKeyUnknown: if no key has this id."""
        await self._ring.revoke(key_id, by=self._by)

    async def list_keys(self, source: str | None = None) -> Sequence[WriteKey]:
        """Return every write key there ever was; of one source only, if it is named."""
        return await self._ring.list_keys(source)

    async def add_token(
        self, name: str, *, role: str, subject: str | None = None, lasts: timedelta | None = None
    ) -> str:
        """Make an access token and return it; it can never be read again.

        :raises Rejected: if there is no such role, or a token of this name.
        """
        async with self._tokens.transaction() as transaction:
            token = await add_token(
                transaction,
                pepper=self._pepper,
                name=name,
                role=role,
                now=self._clock.now(),
                subject=subject,
                lasts=lasts,
            )
        return token.reveal()

    async def revoke_token(self, name_or_id: str) -> None:
        """Stop a token for good. :raises TokenUnknown: if none that works has this name or id."""
        async with self._tokens.transaction() as transaction:
            await revoke_token(transaction, name_or_id=name_or_id, now=self._clock.now())

    async def list_tokens(self) -> Sequence[Token]:
        """Return every token there ever was."""
        async with self._tokens.connection() as connection:
            return await load_tokens(connection)


async def open_access(blueprints: Sequence[Blueprint], resources: Resources) -> Access:
    """Open the credentials of a deployment whose schemas are there.

    :raises DatabaseUnavailable: if the database does not answer.
    """
    owner = next(blueprint for blueprint in blueprints if blueprint.name == KEYS_OWNER)
    access = Access(
        keys=Database(resources.database_url, schema=owner.schema, application="leadmill/access"),
        tokens=Database(resources.database_url, schema=ACCESS, application="leadmill/access"),
        pepper=resources.secrets.pepper.reveal(),
        clock=resources.clock,
        by=who_runs_this(),
    )
    await access.open()
    return access
