"""Forgets seen messages, quarantine, named requests and recent acts in time, a piece at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from services.ingest.store.directory_rows import forget_messages
from services.ingest.store.idempotency import forget_named_requests
from services.ingest.store.identity.forms import forget_forms
from services.ingest.store.quarantine import forget_quarantined
from services.ingest.store.validity.recent_acts import forget_recent_acts
from shared.kernel.clock import Clock
from shared.kernel.instants import HOUR, MICROSECOND, Instant
from shared.postgres.database import Database

_PIECE: Final = 5_000
_FORMS: Final = HOUR
"""Much longer than the same form is the same; what comes later than that is a submission of its own."""
_KEEP_ACTS: Final = HOUR
"""For how long acts are kept that may turn out to be part of a burst."""


class Forgetting:
    """Deletes what is older than it may be, measured by business time."""

    def __init__(
        self, database: Database, *, clock: Clock, messages: timedelta, quarantine: timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._messages = _microseconds(messages)
        self._quarantine = _microseconds(quarantine)

    async def forget(self) -> None:
        """Delete everything that is too old, each piece in a transaction of its own.

        :raises Unavailable: if the database does not answer; the rest goes next time.
        """
        now = self._clock.now()
        while await self._forget_messages(now - self._messages) == _PIECE:
            continue
        while await self._forget_quarantined(now - self._quarantine) == _PIECE:
            continue
        while await self._forget_named_requests(now) == _PIECE:
            continue
        while await self._forget_forms(now - _FORMS) == _PIECE:
            continue
        while await self._forget_recent_acts(now - _KEEP_ACTS) == _PIECE:
            continue

    async def _forget_messages(self, before: int) -> int:
        async with self._database.transaction(durable=False) as transaction:
            return await forget_messages(transaction, received_before=before, limit=_PIECE)

    async def _forget_quarantined(self, before: int) -> int:
        async with self._database.transaction(durable=False) as transaction:
            return await forget_quarantined(transaction, received_before=before, limit=_PIECE)

    async def _forget_forms(self, before: Instant) -> int:
        async with self._database.transaction(durable=False) as transaction:
            return await forget_forms(transaction, received_before=before, limit=_PIECE)

    async def _forget_named_requests(self, now: Instant) -> int:
        async with self._database.transaction(durable=False) as transaction:
            return await forget_named_requests(transaction, now=now, limit=_PIECE)

    async def _forget_recent_acts(self, before: Instant) -> int:
        async with self._database.transaction(durable=False) as transaction:
            return await forget_recent_acts(transaction, before=before, limit=_PIECE)


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=MICROSECOND)
