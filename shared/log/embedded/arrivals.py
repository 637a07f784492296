"""Wake-ups between producers and consumers of one process.

Only a shortcut: whoever waits here also looks again after :data:`POLL`, because other processes
ring no bell of ours, and a signal that is lost must not matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

POLL = 0.25
"""Seconds after which a consumer looks again without having been woken."""


class Bell:
    """What one consumer waits for: something to read, or a change in its group."""

    __slots__ = ("group", "membership", "records", "topics")

    def __init__(self, *, group: str, topics: Collection[str]) -> None:
        self.group = group
        self.topics = frozenset(topics)
        self.records = asyncio.Event()
        self.membership = asyncio.Event()


class Arrivals:
    """Knows the bells of this process."""

    def __init__(self) -> None:
        self._bells: set[Bell] = set()

    def add(self, bell: Bell) -> None:
        """Ring this bell from now on."""
        self._bells.add(bell)

    def remove(self, bell: Bell) -> None:
        """Ring this bell no more; one that is not known is passed over."""
        self._bells.discard(bell)

    def announce_records(self, topics: Collection[str]) -> None:
        """Wake those who read one of these topics."""
        for bell in self._bells:
            if not bell.topics.isdisjoint(topics):
                bell.records.set()

    def announce_group(self, caller: Bell) -> None:
        """Wake the other members of the caller's group: it has changed."""
        for bell in self._bells:
            if bell.group == caller.group and bell is not caller:
                bell.membership.set()

    def announce_topics(self, topics: Collection[str]) -> None:
        """Wake the members of every group that reads one of these topics: they exist now."""
        for bell in self._bells:
            if not bell.topics.isdisjoint(topics):
                bell.membership.set()


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set, at most so many seconds; say whether it was."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
