"""When timers may ring: once everything the log held at their due time has been read.

The proof costs no request: each turn notes what time it was for the business and for the event
loop; a fetch answer that came after such a note, and whose end has been reached, shows that
nothing received before the noted time is still unread. It is enough that the batch in hand reaches
that end, for its timers ring after its facts (ADR 32). How many ring in one batch follows from how
long batches take, so that what comes in meanwhile never waits long.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from shared.kernel.clock import Clock
from shared.kernel.instants import Instant
from shared.log.port import TopicPartition, Watermark
from shared.postgres.database import Database
from shared.processor.tables.timers import DueTimer, find_due

_NOTES_KEPT: Final = 64
_POLL_SECONDS: Final = 0.25

BUDGET_SECONDS: Final = 0.2
"""How long a batch in which timers ring may take before fewer ring in the next."""

LIVE_BUDGET_SECONDS: Final = 0.02
"""The same where records have come in within the last second: what comes next waits for as long."""

_LIVE_FOR_SECONDS: Final = 1.0

FIRST: Final = 200
FEWEST: Final = 20
"""How many timers may ring in the first batch, and in any, however slow the machine is."""


def next_limit(limit: int, *, rung: int, seconds: float, most: int, budget: float = BUDGET_SECONDS) -> int:
    """Return how many timers may ring in the next batch, after one with ``rung`` took ``seconds``.

    Half as many after a batch over the budget, twice as many after a full one that took less than half.
    """
    if rung and seconds > budget:
        return max(min(FEWEST, most), limit // 2)
    if rung >= limit and seconds < budget / 2:
        return min(most, limit * 2)
    return limit


class Ringing:
    """Finds timers that may ring now."""

    def __init__(self, database: Database, clock: Clock, *, limit: int) -> None:
        self._database = database
        self._clock = clock
        self._most = limit
        self._limit = min(FIRST, limit)
        self._live_until = 0.0
        self._notes: deque[tuple[float, Instant]] = deque(maxlen=_NOTES_KEPT)
        self._next_due: Instant | None = None
        self._is_known = False
        self._looked = 0.0

    def sample(self) -> None:
        """Note what time it is, before a fetch."""
        self._notes.append((asyncio.get_running_loop().time(), self._clock.now()))

    def forget(self) -> None:
        """Know nothing about the next due time; the owned partitions have changed."""
        self._is_known = False

    def learn(self, due: Instant | None) -> None:
        """A timer was set; the next look must not come too late for it."""
        if due is not None and (self._next_due is None or due < self._next_due):
            self._next_due = due

    def measure(self, rung: int, seconds: float, *, records: int) -> None:
        """A batch of so many records is committed in which so many rang; it says how many may in the next."""
        time = asyncio.get_running_loop().time()
        if records:
            self._live_until = time + _LIVE_FOR_SECONDS
        budget = LIVE_BUDGET_SECONDS if time < self._live_until else BUDGET_SECONDS
        self._limit = next_limit(self._limit, rung=rung, seconds=seconds, most=self._most, budget=budget)

    def until(
        self, watermarks: Mapping[TopicPartition, Watermark], positions: Mapping[TopicPartition, int]
    ) -> dict[int, Instant]:
        """Return, per partition number that is read to its end, up to when timers may ring.

        ``positions`` are those after the batch in which they ring.
        """
        answered: dict[int, float] = {}
        for tp, position in positions.items():
            mark = watermarks.get(tp)
            is_read = mark is not None and position >= mark.end
            at = mark.answered_at if mark is not None and is_read else -1.0
            answered[tp.partition] = min(answered.get(tp.partition, at), at)
        until: dict[int, Instant] = {}
        for number, at in answered.items():
            noted = next((instant for noted_at, instant in reversed(self._notes) if noted_at <= at), None)
            if noted is not None:
                until[number] = noted
        return until

    async def find(self, until: Mapping[int, Instant]) -> Sequence[DueTimer]:
        """Return timers that may ring, earliest first."""
        if not until:
            return ()
        time = asyncio.get_running_loop().time()
        horizon = max(until.values())
        is_due = not self._is_known or (self._next_due is not None and self._next_due <= horizon)
        if not is_due and time - self._looked < _POLL_SECONDS:
            return ()
        self._looked = time
        async with self._database.connection() as connection:
            due, self._next_due = await find_due(connection, until=until, limit=self._limit)
        self._is_known = len(due) < self._limit
        return due
