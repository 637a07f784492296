"""Keeps a sample of what was turned away, so that somebody can find out why, and send it round again.

Such a request is answered before the database is asked for anything, so the sample waits in memory and
is written by and by; nobody can make it large, whatever is sent: so many a minute are taken of each source
and reason, so much of each request, and so many are kept in all.
"""

from __future__ import annotations

from collections import Counter, deque
from hashlib import blake2b
from typing import Final, Protocol

from services.ingest.domain.admission.quarantine import Quarantined
from services.ingest.domain.admission.samples import TurnedAway, encode_sample
from services.ingest.store.quarantine import keep_newest, save_quarantined
from shared.kernel.instants import MINUTE
from shared.postgres.database import Database

_MOST_WAITING: Final = 100


class TurnedAwayMeter(Protocol):
    """Counts what was turned away; never blocks, never raises."""

    def turned_away(self, *, is_kept: bool) -> None:
        """Count a request, and whether it is in the sample."""
        ...


class TurningAway:
    """The sample: ``note`` takes a request, ``keep`` writes what waits.

    ``per_minute`` bounds what one process takes of a source and reason, ``most`` what all of them keep of
    a reason.
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
        self._taken: Counter[tuple[str, str]] = Counter()

    def note(self, request: TurnedAway) -> None:
        """Take a request into the sample if there is room; never waits."""
        minute = request.received // MINUTE
        if minute != self._minute:
            self._minute = minute
            self._taken.clear()
        of = (request.source, request.code)
        is_kept = self._taken[of] < self._per_minute and len(self._waiting) < _MOST_WAITING
        self._meter.turned_away(is_kept=is_kept)
        if is_kept:
            self._taken[of] += 1
            self._waiting.append(
                Quarantined(
                    *(_id_of(request), request.source, request.code, request.received),
                    *(None, encode_sample(request)),
                )
            )

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


def _id_of(request: TurnedAway) -> str:
    """Return an id by which the same request is recognised when it comes again."""
    digest = blake2b(request.body, digest_size=16)
    for part in (request.source, request.method, request.path):
        digest.update(b"\0" + part.encode("utf-8", "replace"))
    digest.update(b"\0" + request.query)
    return digest.hexdigest()
