"""Keeps what comes back from mails, at once if the database answers, else as soon as it does.

While it is away a bounded number of opens and clicks waits in memory, and what does not fit is counted as
dropped; a reader is led on all the same. An unsubscription is never only promised: it is kept, or the
answer is that it was not.
"""

from __future__ import annotations

import asyncio
from typing import Final

from services.nurture.domain.engagements import UNSUBSCRIBE, Engagement
from services.nurture.metrics import NurtureMetrics
from services.nurture.store.engagements import keep_engagements
from shared.kernel.errors import Unavailable
from shared.postgres.database import Database
from shared.telemetry.logging import get_logger

_MOST_WAITING: Final = 10_000
_PIECE: Final = 500
_PATIENCE_SECONDS: Final = 1.0

logger = get_logger(__name__)


class TooSlow(Unavailable):
    """It could not be kept in time; try again."""

    code = "nurture.not_kept"


class Keeping:
    """Takes acts in; :meth:`flush` writes those that wait."""

    def __init__(self, database: Database, *, metrics: NurtureMetrics) -> None:
        self._database = database
        self._metrics = metrics
        self._waiting: dict[str, Engagement] = {}

    async def keep(self, act: Engagement) -> None:
        """Keep an act; seen already, it changes nothing.

        :raises Unavailable: if an unsubscription could not be kept now.
        """
        try:
            if self._waiting and act.kind != UNSUBSCRIBE:
                self._put_off(act)  # the database is known to be away; nobody is to wait for that again
            else:
                await self._write([act])
                self._metrics.engaged(act.kind, "kept")
        except Unavailable:
            if act.kind == UNSUBSCRIBE:
                raise
            self._put_off(act)

    async def flush(self) -> None:
        """Write what waits. :raises Unavailable: if the database does not answer; it waits on."""
        while self._waiting:
            piece = list(self._waiting.values())[:_PIECE]
            await self._write(piece)
            for act in piece:
                del self._waiting[act.id]
                self._metrics.engaged(act.kind, "kept")

    async def _write(self, acts: list[Engagement]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._database.connection() as connection:
                await keep_engagements(connection, acts)
        except TimeoutError:
            raise TooSlow from None

    def _put_off(self, act: Engagement) -> None:
        if len(self._waiting) < _MOST_WAITING:
            self._waiting[act.id] = act
        else:
            logger.warning("engagement_dropped", kind=act.kind)
            self._metrics.engaged(act.kind, "dropped")
