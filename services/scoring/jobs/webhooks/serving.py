"""Serves webhooks: each on a task and under a lease of its own, so that none waits for another.

Any number of processes share them. One that stops gives its leases back; one that dies loses them
when they end, and another goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from services.scoring.domain.webhooks.attempts import DeliveryState
from services.scoring.jobs.webhooks.telling import NotOurs, Telling, WebhookTools
from services.scoring.queries.tier_stream import TierStream
from services.scoring.store.webhooks.deliveries import (
    count_deliveries,
    forget_deliveries,
    load_oldest_waiting,
)
from services.scoring.store.webhooks.webhooks import Lease, claim_webhook, load_busy
from shared.kernel.errors import Unavailable
from shared.kernel.instants import DAY, SECOND
from shared.telemetry.logging import get_logger

_CLAIMS_PER_TURN: Final = 4
_GOODBYE: Final = timedelta(seconds=2)
_FORGET_AT_ONCE: Final = 5_000

logger = get_logger(__name__)


class Serving:
    """Claims webhooks and serves them until it is told to stop.

    Every ``idle`` one look tells which of them have something to do, however many there are.
    """

    def __init__(self, tools: WebhookTools, *, idle: timedelta = timedelta(milliseconds=500)) -> None:
        self._tools = tools
        self._idle = idle
        self._stream = TierStream(tools.database)
        self._bells: dict[str, asyncio.Event] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until ``stopping`` is set; an attempt that is under way then is broken off and repeated."""
        tasks: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as group:
            try:
                while not stopping.is_set():
                    try:
                        tasks = [task for task in tasks if not task.done()]
                        tasks += [
                            group.create_task(self._serve(lease), name=f"webhook-{lease.webhook}")
                            for lease in await self._claim()
                        ]
                        await self._ring()
                    except Unavailable as error:
                        logger.warning("job_put_off", job="scoring-webhooks", code=error.reason)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._idle.total_seconds()):
                            await stopping.wait()
            finally:
                for task in tasks:
                    task.cancel()

    async def measure(self) -> None:
        """Tell how much waits, and since when.

        :raises Unavailable: if the database does not answer.
        """
        async with self._tools.database.connection() as connection:
            counts = await count_deliveries(connection)
            oldest = await load_oldest_waiting(connection)
        age = 0.0 if oldest is None else (self._tools.clock.now() - oldest) / SECOND
        self._tools.metrics.waits(sum(one.waiting for one in counts.values()), oldest_seconds=age)

    async def forget(self) -> None:
        """Forget what ended long ago.

        :raises Unavailable: if the database does not answer; it goes on next time.
        """
        keep = self._tools.rules.keep
        await self._forget("delivered", days=keep.delivered_days)
        await self._forget("dead", days=keep.dead_days)

    async def _forget(self, state: DeliveryState, *, days: int) -> None:
        before, gone = self._tools.clock.now() - days * DAY, _FORGET_AT_ONCE
        while gone == _FORGET_AT_ONCE:
            async with self._tools.database.transaction() as transaction:
                gone = await forget_deliveries(transaction, state=state, before=before, limit=_FORGET_AT_ONCE)

    async def _claim(self) -> list[Lease]:
        """Take what nobody serves, a few at a time, so that processes that start together share."""
        tools, claimed = self._tools, list[Lease]()
        async with tools.database.transaction() as transaction:
            while len(claimed) < _CLAIMS_PER_TURN:
                lease = await claim_webhook(transaction, holder=tools.holder, lease=tools.lease)
                if lease is None:
                    break
                claimed.append(lease)
        return claimed

    async def is_at_rest(self) -> bool:
        """Return whether nothing is to be told at this instant to those whom this process serves.

        Simulated time waits for that. What is tried again later is no reason to wait.

        :raises Unavailable: if the database does not answer.
        """
        return not await self._find_busy()

    async def _ring(self) -> None:
        """Wake those that have something to do."""
        for webhook in await self._find_busy():
            if webhook in self._bells:
                self._bells[webhook].set()

    async def _find_busy(self) -> Sequence[str]:
        if not self._bells:
            return ()
        end = await self._stream.find_end()
        async with self._tools.database.connection() as connection:
            return await load_busy(
                connection,
                list(self._bells),
                end=end,
                now=self._tools.clock.now(),
                doubtful=self._tools.rules.pause.after_failures,
            )

    async def _serve(self, lease: Lease) -> None:
        """Serve one webhook; whatever goes wrong with it stays with it."""
        telling, bell = Telling(lease, self._tools), asyncio.Event()
        self._bells[lease.webhook] = bell
        self._tools.metrics.serves(len(self._bells))
        try:
            while True:
                bell.clear()
                rest = self._tools.lease / 4  # in time to hold it for longer
                try:
                    if await telling.turn():
                        continue
                except Unavailable as error:
                    logger.warning("job_put_off", job="scoring-webhooks", code=error.reason)
                    rest = self._idle
                except NotOurs:
                    return
                except Exception:  # a bug of ours with one webhook; the others must go on
                    logger.exception("webhook_failed")
                    await asyncio.sleep(rest.total_seconds())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(rest.total_seconds()):
                        await bell.wait()
        finally:
            if self._bells.get(lease.webhook) is bell:
                del self._bells[lease.webhook]
            self._tools.metrics.serves(len(self._bells))
            await _say_goodbye(telling)


async def _say_goodbye(telling: Telling) -> None:
    """Close connections and give the lease back, within a deadline; it ends by itself otherwise."""
    with contextlib.suppress(Unavailable, TimeoutError):
        async with asyncio.timeout(_GOODBYE.total_seconds()):
            await telling.close()
            await telling.release()
