"""Takes steps of a pass in processes that are killed in the midst of them.

``python -m tests.services.scoring.life.dying_pass <database url> <instant>``. For each number on its standard
input it lets a new process take one step, which is killed once it has sent so many statements; COMMIT is the
last. It answers ``killed``, or ``done`` if the step came to its end before. The processes are forked from
this one, which has no connection and no thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence

from services.scoring.jobs.life.renewing import Renewing
from services.scoring.store.scoring_models.rulings import RegisteredRulings
from services.scoring.store.scoring_models.shelf import Shelf
from shared.kernel.clock import SimulatedClock
from shared.postgres.database import Database, Row, Transaction
from tests.services.surroundings.logs import PARTITIONS
from tests.unit.scoring.stories import CONFIG


class Fuse:
    """Kills this process once so many statements have been sent."""

    def __init__(self, statements: int) -> None:
        self._left = statements

    def burn(self) -> None:
        """Another statement is about to be sent."""
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


class Dying(Transaction):
    """A transaction on a fuse."""

    __slots__ = ("_fuse",)

    def __init__(self, plain: Transaction, fuse: Fuse) -> None:
        super().__init__(plain._connection)
        self._fuse = fuse

    async def fetch(self, sql: str, *arguments: object) -> Sequence[Row]:
        """Burn, then run it."""
        self._fuse.burn()
        return await super().fetch(sql, *arguments)

    async def fetch_row(self, sql: str, *arguments: object) -> Row | None:
        """Burn, then run it."""
        self._fuse.burn()
        return await super().fetch_row(sql, *arguments)

    async def fetch_value(self, sql: str, *arguments: object) -> object:
        """Burn, then run it."""
        self._fuse.burn()
        return await super().fetch_value(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> int:
        """Burn, then run it."""
        self._fuse.burn()
        return await super().execute(sql, *arguments)


class DyingDatabase(Database):
    """A database whose transactions are on a fuse, COMMIT included."""

    fuse: Fuse

    @contextlib.asynccontextmanager
    async def transaction(self, *, durable: bool = True) -> AsyncIterator[Transaction]:
        """Run the body, if it lives so long."""
        async with super().transaction(durable=durable) as plain:
            yield Dying(plain, self.fuse)
            self.fuse.burn()
        self.fuse.burn()


async def step(url: str, now: int, statements: int, rulings: RegisteredRulings) -> None:
    """Take one step with a fuse of so many statements."""
    database = DyingDatabase(url, schema="scoring", application="dying")
    database.fuse = Fuse(statements)
    await database.start()
    await Renewing(database, rulings, clock=SimulatedClock(now), partitions=PARTITIONS, portion=2).step()


async def warm(url: str, rulings: RegisteredRulings) -> None:
    """Compile what rules, once for all processes."""
    database = Database(url, schema="scoring", application="warm")
    await database.start()
    async with database.connection() as connection:
        await rulings.current(connection)
    await database.stop()


def main() -> None:
    """Answer each line."""
    url, now = sys.argv[1], int(sys.argv[2])
    rulings = RegisteredRulings(Shelf(CONFIG))
    asyncio.run(warm(url, rulings))
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(step(url, now, int(line), rulings))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not was_killed and status:
            raise SystemExit("a step failed by itself")
        print("killed" if was_killed else "done", flush=True)


if __name__ == "__main__":
    main()
