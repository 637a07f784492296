"""Credentials of this deployment: write keys of sources, tokens of people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from leadmill.platform.roster import KEYS_OWNER
from leadmill.platform.schemas import ACCESS
from shared.kernel.clock import Clock
from shared.postgres.database import Database
from shared.runtime.blueprint import Blueprint, Resources
from shared.security.tokens import Token, add_token, load_tokens, revoke_token
from shared.security.write_keys import (
    WriteKey,
    add_write_key,
    load_write_keys,
    revoke_write_key,
    rotate_write_keys,
)


class Access:
    """Gives and takes credentials; :func:`open_access` opens one, :meth:`close` lets go of it."""

    def __init__(self, *, keys: Database, tokens: Database, pepper: bytes, clock: Clock) -> None:
        self._keys = keys
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

    async def add_key(self, source: str, *, brought: str | None = None) -> str:
        """Give a source a write key and return it; it can never be read again.

        :raises Rejected: if the source's name or the key brought along is of no use, or the key is taken.
        """
        async with self._keys.transaction() as transaction:
            key = await add_write_key(
                transaction, pepper=self._pepper, source=source, now=self._clock.now(), brought=brought
            )
        return key.reveal()

    async def rotate_keys(self, source: str, *, overlap: timedelta) -> str:
        """Give a source a new write key; those it has work on for ``overlap``."""
        async with self._keys.transaction() as transaction:
            key = await rotate_write_keys(
                transaction, pepper=self._pepper, source=source, now=self._clock.now(), overlap=overlap
            )
        return key.reveal()

    async def revoke_key(self, key_id: str) -> None:
        """Stop a write key for good. :raises WriteKeyUnknown: if no key has this id."""
        async with self._keys.transaction() as transaction:
            await revoke_write_key(transaction, key_id=key_id, now=self._clock.now())

    async def list_keys(self) -> Sequence[WriteKey]:
        """Return every write key there ever was."""
        async with self._keys.connection() as connection:
            return await load_write_keys(connection)

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
    )
    await access.open()
    return access
