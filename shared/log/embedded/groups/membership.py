"""Keeps one member in its group: renews its lease, follows rebalances, calls its owner back.

Runs in a task of its own, so that a long batch does not cost the membership. A process that is
stopped (SIGSTOP), blocks its event loop or loses its database renews nothing: its lease runs out
and the others take over. When it comes back it holds nothing until its group has said otherwise.
A member whose owner has not fetched for long gives up its partitions of itself, as with Kafka's
``max.poll.interval``, and gets some again when it is asked for records.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from shared.log.embedded.arrivals import Arrivals, Bell, wait_for
from shared.log.embedded.groups.group import Group
from shared.log.port import AssignmentCallback, LogUnavailable, TopicPartition

_LOOK = 0.5
"""Seconds between two looks at the group's generation, for changes made by other processes."""
_FORMING = 0.1
"""The same while a new generation is forming."""
_RETRY = 0.5
"""Seconds before the next try when the database does not answer."""
_LEAVE = 2.0
"""Seconds within which to leave; after that the lease may run out instead."""


class Membership:
    """One member's lease and what it has been given.

    ``on_assigned`` and ``on_revoked`` get half a lease each. An ``on_revoked`` that takes longer is
    cancelled and the partitions are given up all the same; any other failure of a callback is a bug
    of its owner, ends the membership and is raised by :meth:`check`.
    """

    def __init__(
        self, group: Group, *, arrivals: Arrivals, bell: Bell, lease: float, idle_limit: float
    ) -> None:
        self._group = group
        self._arrivals = arrivals
        self._bell = bell
        self._lease = lease
        self._idle_limit = idle_limit
        self._generation = -1
        self._partitions: frozenset[TopicPartition] | None = None
        self._renewed_at = 0.0
        self._fetched_at = 0.0
        self._unavailable: LogUnavailable | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, on_assigned: AssignmentCallback, on_revoked: AssignmentCallback) -> None:
        """Enter the group; the callbacks come from then on. :raises LogUnavailable: if it cannot."""
        self._loop = asyncio.get_running_loop()
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._fetched_at = self._loop.time()
        self._arrivals.add(self._bell)
        await self._enter()
        self._task = self._loop.create_task(self._keep())

    @property
    def is_current(self) -> bool:
        """Whether there is an assignment and its lease cannot have run out unnoticed."""
        return self._partitions is not None and self._loop.time() - self._renewed_at < self._lease

    def check(self) -> None:
        """Note that the owner is alive, and raise what ended the membership, if something did.

        :raises LogUnavailable: if the lease may have run out because the database does not answer.
        """
        self._fetched_at = self._loop.time()
        if self._task is not None and self._task.done():
            self._task.result()
        if self._unavailable is not None and not self.is_current:
            raise self._unavailable

    async def stop(self) -> None:
        """Leave, within two seconds; nothing is called back any more.

        A failure of a callback that :meth:`check` has not raised yet is raised at the end.
        """
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        try:
            await self._leave()
        finally:
            if task is not None and not task.cancelled():
                task.result()

    async def _leave(self) -> None:
        self._arrivals.remove(self._bell)
        self._partitions = None
        try:
            async with asyncio.timeout(_LEAVE):
                await self._group.leave()
        except (LogUnavailable, TimeoutError):
            return  # the lease runs out by itself
        self._arrivals.announce_group(self._bell)

    async def _keep(self) -> None:
        while True:
            self._bell.membership.clear()
            change: Callable[[], Awaitable[None]] | None = None
            try:
                change, pause = await self._look()
                self._unavailable = None
            except LogUnavailable as error:
                pause, self._unavailable = _RETRY, error
            if change is None:
                await wait_for(self._bell.membership, pause)
            else:
                await change()

    async def _look(self) -> tuple[Callable[[], Awaitable[None]] | None, float]:
        """See where the group stands; return what is to change here, or the seconds until the next look."""
        if self._loop.time() - self._fetched_at > self._idle_limit:
            return await self._retire()
        if self._partitions is not None:
            return self._let_go if await self._is_overtaken() else None, min(_LOOK, self._lease / 6)
        partitions = await self._enter()
        if partitions is None:
            return None, min(_FORMING, self._lease / 6)
        return partial(self._take_up, partitions), 0.0

    async def _retire(self) -> tuple[Callable[[], Awaitable[None]] | None, float]:
        if self._partitions is not None:
            return self._let_go, 0.0
        await self._group.leave()
        self._arrivals.announce_group(self._bell)
        return None, _LOOK

    async def _take_up(self, partitions: frozenset[TopicPartition]) -> None:
        self._partitions = partitions
        async with asyncio.timeout(self._lease / 2):
            await self._on_assigned(partitions)

    async def _enter(self) -> frozenset[TopicPartition] | None:
        asked_at = self._loop.time()
        standing = await self._group.enter()
        self._renewed_at = asked_at
        if standing.generation != self._generation or standing.partitions is not None:
            self._arrivals.announce_group(self._bell)
        self._generation = standing.generation
        return standing.partitions

    async def _is_overtaken(self) -> bool:
        """Renew the lease if that is due; say whether the group has moved on."""
        asked_at = self._loop.time()
        if asked_at - self._renewed_at < self._lease / 3:
            return await self._group.generation() != self._generation
        renewal = await self._group.renew()
        if not renewal.is_member:
            return True
        self._renewed_at = asked_at
        if renewal.others_expired:
            await self._group.expel()
            self._arrivals.announce_group(self._bell)
            return True
        return renewal.generation != self._generation

    async def _let_go(self) -> None:
        partitions, self._partitions = self._partitions, None
        if partitions is None:
            return
        deadline = asyncio.timeout(self._lease / 2)
        try:
            async with deadline:
                await self._on_revoked(partitions)
        except TimeoutError:
            if not deadline.expired():
                raise
