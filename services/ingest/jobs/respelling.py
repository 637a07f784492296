"""Reads anew what was said before somebody added a spelling, a portion at a time."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any, Final, Protocol

from services.ingest.domain.respelling.adding import ReadAnew
from services.ingest.store.choices.unmatched import make_room
from services.ingest.store.respelling.anew import is_ready, load_pass
from shared.kernel.clock import Clock
from shared.kernel.instants import MICROSECOND, Instant
from shared.postgres.database import Database

_SUBJECT: Final = "choices"
_KEPT: Final = timedelta(days=180)


class RunsCommands(Protocol):
    """Runs commands of the resolver; ``shared.processor.commands.Commands`` does."""

    async def run(self, *, key: str, command: object, received: Instant, idempotency_key: str) -> Any:
        """Carry out ``command`` once for each ``idempotency_key`` and return its reply."""
        ...


class Respelling:
    """Brings what was said before to what spellings mean now; ends soon when told to stop."""

    def __init__(self, database: Database, *, commands: RunsCommands, clock: Clock) -> None:
        self._database = database
        self._commands = commands
        self._clock = clock

    async def work_off(self) -> None:
        """Read anew until nothing is left, or something that began earlier has not ended yet.

        Where it is lies in the database: whoever comes next goes on from there, and two at once wait for
        each other.

        :raises Unavailable: if the database does not answer; it goes on next time.
        """
        while await self._has_work():
            reply = await self._commands.run(
                key=_SUBJECT,
                command=ReadAnew(),
                received=self._clock.now(),
                idempotency_key=f"{_SUBJECT}-{secrets.token_hex(16)}",
            )
            if not reply["more"]:
                return

    async def tidy(self) -> None:
        """Make room for what is said now among the texts that stood for nothing."""
        before = self._clock.now() - _KEPT // timedelta(microseconds=MICROSECOND)
        async with self._database.transaction(durable=False) as transaction:
            await make_room(transaction, newest_before=before)

    async def _has_work(self) -> bool:
        async with self._database.connection() as connection:
            state = await load_pass(connection)
            if state.is_open:
                return await is_ready(connection, state.barrier)
        return not state.is_idle
