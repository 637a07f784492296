"""Keeps what comes back from mails: in the database, and while that is away on this machine's disk.

Whoever is answered has been kept: a reader is led on once the act is in the database or in the spill,
and told to try again if neither takes it. An unsubscription goes to the database or not at all, because
nothing else keeps a mail from being sent.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from services.nurture.domain.engagements import UNSUBSCRIBE, Engagement
from services.nurture.metrics import NurtureMetrics
from services.nurture.store.engagements import keep_engagements
from shared.kernel.errors import Unavailable
from shared.kernel.instants import MILLISECOND
from shared.log.port import NewRecord
from shared.log.spill import Spill
from shared.postgres.database import Database
from shared.telemetry.logging import get_logger

_PIECE: Final = 500
_PATIENCE_SECONDS: Final = 1.0

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Engagement).decode

logger = get_logger(__name__)


class NotKept(Unavailable):
    """It could not be kept now; try again."""

    code = "nurture.not_kept"


class Keeping:
    """Takes acts in; :meth:`flush` brings those from the spill to the database, also an earlier process's.

    Without a ``spill``, nothing is kept while the database is away.
    """

    def __init__(self, database: Database, *, spill: Spill | None, metrics: NurtureMetrics) -> None:
        self._database = database
        self._spill = spill
        self._metrics = metrics
        self._lock = asyncio.Lock()
        self._is_open = False
        self._has_complained = False
        self.is_spilling = False
        """True while acts wait on the disk."""

    async def keep(self, act: Engagement) -> None:
        """Keep an act; seen already, it changes nothing.

        :raises NotKept: if it could not be kept now.
        """
        # while the database is known to be away, nobody is to wait for that again
        if act.kind == UNSUBSCRIBE or not self.is_spilling:
            try:
                await self._write([act])
            except Unavailable as error:
                if act.kind == UNSUBSCRIBE:
                    raise NotKept from error
            else:
                self._metrics.engaged(act.kind, "kept")
                return
        await self._put_off(act)

    async def flush(self) -> None:
        """Write what waits. :raises Unavailable: if the database does not answer; it waits on."""
        spill = self._spill
        if spill is None or not await self._open(spill):
            return
        while self.is_spilling:
            async with self._lock:
                records = await asyncio.to_thread(spill.read, limit=_PIECE)
                if not records:
                    self.is_spilling = False
                    return
            acts = [_decode(record.value or b"") for record in records]
            await self._write(acts)
            spill.forget()
            for act in acts:
                self._metrics.engaged(act.kind, "kept")

    async def close(self) -> None:
        """Let go of the spill; what waits in it is for the next process."""
        if self._spill is not None and self._is_open:
            await asyncio.to_thread(self._spill.close)
            self._is_open = False

    async def _open(self, spill: Spill) -> bool:
        async with self._lock:
            if self._is_open:
                return True
            try:
                await asyncio.to_thread(spill.open)
            except Unavailable as error:
                if not self._has_complained:  # a read-only root is a choice; it is told once
                    logger.warning("spill_unusable", code=error.reason)
                    self._has_complained = True
                return False
            self._is_open = True
            self.is_spilling = not spill.is_empty
            return True

    async def _write(self, acts: list[Engagement]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._database.connection() as connection:
                await keep_engagements(connection, acts)
        except TimeoutError:
            raise NotKept from None

    async def _put_off(self, act: Engagement) -> None:
        spill = self._spill
        if spill is None or not await self._open(spill):
            self._metrics.engaged(act.kind, "refused")
            raise NotKept
        record = NewRecord(None, _encode(act), [], act.at // MILLISECOND)
        try:
            async with self._lock:
                await asyncio.to_thread(spill.append, [record])
                self.is_spilling = True
        except Unavailable as error:
            self._metrics.engaged(act.kind, "refused")
            raise NotKept from error
        self._metrics.engaged(act.kind, "spilled")
