"""Wipes the contacts of erased people again, some hours later and for some weeks, so that no bytes lie on.

Kafka compacts closed segments only, and only an append closes one. A tombstone in a partition where nothing
follows would lie in the open segment, and what it wipes before it, for as long as nobody's contact comes
there. So it is said again: every seven hours for two days, which is more than the six hours after which we
have segments closed, and then once a day for four weeks, should a deployment have them closed later.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from services.ingest.domain.erasure import WipeAgain
from services.ingest.store.desk.erasures import load_asked
from shared.kernel.clock import Clock
from shared.kernel.instants import DAY, HOUR, Instant
from shared.postgres.database import Database

_EVERY: Final = 7 * HOUR
_FIRST: Final = 2 * DAY
_LONGEST: Final = 28 * DAY


class RunsCommands(Protocol):
    """Runs commands of the resolver; ``shared.processor.commands.Commands`` does."""

    async def run(self, *, key: str, command: object, received: Instant, idempotency_key: str) -> Any:
        """Carry out ``command`` once for each ``idempotency_key`` and return its reply."""
        ...


def beat_of(age: Instant) -> str:
    """Return the name of the time that an erasure of this age is wiped again for, empty if it is for none."""
    if not _EVERY <= age <= _LONGEST:
        return ""
    return f"h{age // _EVERY * 7}" if age < _FIRST else f"d{age // DAY}"


class Wiping:
    """Says the tombstones of erased people again, each time once, whoever runs it and how often."""

    def __init__(self, database: Database, *, commands: RunsCommands, clock: Clock) -> None:
        self._database = database
        self._commands = commands
        self._clock = clock

    async def wipe(self) -> None:
        """Say again what is due.

        :raises Unavailable: if the database does not answer; it is said next time.
        """
        now = self._clock.now()
        async with self._database.connection() as connection:
            due = await load_asked(connection, after=now - _LONGEST, until=now - _EVERY)
        for one in due:
            await self._commands.run(
                key=one.lead,
                command=WipeAgain(one.lead, tuple(one.profiles)),
                received=now,
                idempotency_key=f"wipe-{one.lead}-{beat_of(now - one.asked)}",
            )
