"""Keeps a sample of what came with a write key that nobody has, so that somebody can find out why.

Such a request is answered before the database is asked for anything, so the sample waits in memory and
is written by and by; nobody can make it large, whatever is sent: so many a minute are taken from each
process, so much of each, and so many are kept in all.
"""

from __future__ import annotations

from collections import deque
from hashlib import blake2b
from typing import Final, Protocol

from services.ingest.store.quarantine import Quarantined, keep_newest, save_quarantined
from shared.kernel.instants import MINUTE, Instant
from shared.postgres.database import Database

SAMPLE_BYTES: Final = 8 * 1024
"""How much of a request is kept."""

_MOST_WAITING: Final = 100


class TurnedAwayMeter(Protocol):
    """Counts what was turned away; never blocks, never raises."""

    def turned_away(self, *, is_kept: bool) -> None:
        """Count a request, and whether it is in the sample."""
        ...


class TurningAway:
    """The sample: ``note`` takes a request, ``keep`` writes what waits.

    ``per_minute`` bounds what one process takes, ``most`` what all of them keep.
    """

    def __init__(
        self, database: Database, *, meter: TurnedAwayMeter, per_minute: int, most: int = 1_000
    ) -> None:
        self._database = database
        self._meter = meter
        self._per_minute = per_minute
        self._most = most
        self._waiting: deque[Quarantined] = deque()
        self._minute = 0
        self._taken = 0

    def note(self, body: bytes, *, code: str, received: Instant) -> None:
        """Take a request into the sample if there is room; never waits."""
        minute = received // MINUTE
        if minute != self._minute:
            self._minute, self._taken = minute, 0
        is_kept = self._taken < self._per_minute and len(self._waiting) < _MOST_WAITING
        self._meter.turned_away(is_kept=is_kept)
        if is_kept:
            self._taken += 1
            record_id = blake2b(body, digest_size=16).hexdigest()
            self._waiting.append(Quarantined(record_id, "", code, received, None, body[:SAMPLE_BYTES]))

    async def keep(self) -> None:
        """Write what waits, and let go of the oldest beyond what may be kept.

        :raises Unavailable: if the database does not answer; what waits goes on waiting.
        """
        waiting = list(self._waiting)
        if not waiting:
            return
        async with self._database.transaction() as transaction:
            await save_quarantined(transaction, waiting)
            for code in sorted({one.code for one in waiting}):
                await keep_newest(transaction, code=code, most=self._most)
        for _ in waiting:
            self._waiting.popleft()
