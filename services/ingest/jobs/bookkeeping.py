"""Counts what each source sends and what it is refused, in memory, and writes it down every few seconds.

No request waits for it. What a process that is killed had not written down is missing in these counts, and
only there: what became of each message is counted by the resolver, in its transaction.
"""

from __future__ import annotations

from services.ingest.store.sources import Accepted, Refused, add_accepted, add_refused
from shared.kernel.instants import Instant
from shared.postgres.database import Database
from shared.security.write_keys import Entrance, note_uses


class Bookkeeping:
    """The book of one process; its pages are as many as sources and reasons, whatever is sent."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._accepted: dict[str, Accepted] = {}
        self._refused: dict[tuple[str, str], Refused] = {}
        self._used: dict[str, Instant] = {}

    def entered(self, entrance: Entrance, *, at: Instant) -> None:
        """Note that a key opened a door."""
        if entrance.key_id:
            self._used[entrance.key_id] = at

    def accepted(self, source: str, count: int, *, at: Instant) -> None:
        """Count messages that were kept."""
        page = self._accepted.get(source)
        if page is None:
            page = self._accepted[source] = Accepted(source)
        page.messages += count
        page.newest = max(page.newest, at)

    def refused(self, source: str, code: str, *, at: Instant) -> None:
        """Count a request that was refused."""
        page = self._refused.get((source, code))
        if page is None:
            page = self._refused[source, code] = Refused(source, code)
        page.requests += 1
        page.newest = max(page.newest, at)

    async def write(self) -> None:
        """Write down what was counted since the last time.

        :raises Unavailable: if the database does not answer; it is written the next time.
        """
        accepted, self._accepted = self._accepted, {}
        refused, self._refused = self._refused, {}
        used, self._used = self._used, {}
        if not (accepted or refused or used):
            return
        is_written = False
        try:
            async with self._database.transaction() as transaction:
                await add_accepted(transaction, list(accepted.values()))
                await add_refused(transaction, list(refused.values()))
                await note_uses(transaction, used)
            is_written = True
        finally:
            if not is_written:
                self._take_back(accepted, refused, used)

    def _take_back(
        self,
        accepted: dict[str, Accepted],
        refused: dict[tuple[str, str], Refused],
        used: dict[str, Instant],
    ) -> None:
        for page in accepted.values():
            self.accepted(page.source, page.messages, at=page.newest)
        for kept in refused.values():
            self.refused(kept.source, kept.code, at=kept.newest)
            self._refused[kept.source, kept.code].requests += kept.requests - 1
        for key_id, at in used.items():
            self._used[key_id] = max(at, self._used.get(key_id, at))
