"""Looks for erased people in what was kept as it came: quarantine and dead letters, a piece at a time.

Nothing tells whose such bytes are, so each is read. It may begin again after it was interrupted; when
it has been through, what it looked for is forgotten, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from services.ingest.domain.erasure import holds_any
from services.ingest.store import erasure
from services.ingest.store.erasure import Kept
from shared.postgres.database import Database, Transaction

_PIECE: Final = 500


class _LoadPiece(Protocol):
    def __call__(self, transaction: Transaction, *, after: str, limit: int) -> Awaitable[list[Kept]]: ...


_Remove = Callable[[Transaction, Sequence[str]], Awaitable[None]]


class Purging:
    """Removes what names somebody who was erased."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def purge(self) -> None:
        """Look for everybody who was erased since the last time.

        :raises Unavailable: if the database does not answer; it begins again next time.
        """
        async with self._database.connection() as connection:
            wanted = await erasure.load_purges(connection)
        if not wanted:
            return
        needles = [needle for purge in wanted for needle in purge.needles]
        await self._look_through(erasure.load_quarantined_bytes, erasure.delete_quarantined, needles)
        await self._look_through(erasure.load_dead_bytes, erasure.empty_dead_letters, needles)
        async with self._database.transaction() as transaction:
            for purge in wanted:
                await erasure.forget_purge(transaction, purge)

    async def _look_through(self, load: _LoadPiece, remove: _Remove, needles: Sequence[str]) -> None:
        after = ""
        while True:
            async with self._database.transaction() as transaction:
                piece = await load(transaction, after=after, limit=_PIECE)
                found = [one.id for one in piece if holds_any(one.content, needles)]
                if found:
                    await remove(transaction, found)
            if len(piece) < _PIECE:
                return
            after = piece[-1].id
