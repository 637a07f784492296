"""Looks for erased people in what was kept as it came: quarantine and dead letters, a piece at a time.

Nothing tells whose such bytes are, so each is read. It may begin again after it was interrupted; when
it has been through, what it looked for is forgotten, too, and the erasure says how much went.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from services.ingest.domain.erasure import holds_any
from services.ingest.store import erasure
from services.ingest.store.desk.erasures import add_removed, close_purge
from services.ingest.store.erasure import Kept, Purge
from shared.kernel.clock import Clock
from shared.postgres.database import Database, Transaction

_PIECE: Final = 500


class _LoadPiece(Protocol):
    def __call__(self, transaction: Transaction, *, after: str, limit: int) -> Awaitable[list[Kept]]: ...


_Remove = Callable[[Transaction, Sequence[str]], Awaitable[None]]


class Purging:
    """Removes what names somebody who was erased."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def purge(self) -> None:
        """Look for everybody who was erased since the last time.

        :raises Unavailable: if the database does not answer; it begins again next time.
        """
        async with self._database.connection() as connection:
            wanted = await erasure.load_purges(connection)
        if not wanted:
            return
        await self._look_through(
            "quarantine", erasure.load_quarantined_bytes, erasure.delete_quarantined, wanted
        )
        await self._look_through(
            "dead_letter.record_value", erasure.load_dead_bytes, erasure.empty_dead_letters, wanted
        )
        async with self._database.transaction() as transaction:
            for purge in wanted:
                await erasure.forget_purge(transaction, purge)
                await close_purge(transaction, purge.lead, at=self._clock.now())

    async def _look_through(
        self, place: str, load: _LoadPiece, remove: _Remove, wanted: Sequence[Purge]
    ) -> None:
        """Remove what holds a needle of one of them; what is removed is counted with it, for the first."""
        after = ""
        while True:
            async with self._database.transaction() as transaction:
                piece = await load(transaction, after=after, limit=_PIECE)
                found = {one.id: lead for one in piece if (lead := _whose(one.content, wanted)) is not None}
                if found:
                    await remove(transaction, list(found))
                    counts = Counter(found.values())
                    await add_removed(transaction, {lead: {place: n} for lead, n in counts.items()})
            if len(piece) < _PIECE:
                return
            after = piece[-1].id


def _whose(content: bytes, wanted: Sequence[Purge]) -> str | None:
    return next((purge.lead for purge in wanted if holds_any(content, purge.needles)), None)
