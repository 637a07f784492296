"""Sends parcels at full speed, and sends again what was not acknowledged, for as long as it takes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Iterator
from typing import Final

from tests.failure.on_door.messages import Message, Parcel

_ANSWER_SECONDS: Final = 5.0
_LONGEST_PAUSE: Final = 0.5
_SETTLED: Final = frozenset({b"200"})


class Sending:
    """Connections that share one supply of parcels; ``book`` holds every message that was ever sent.

    ``answers`` counts what was answered, by status, and ``cut off`` where no answer came.
    """

    def __init__(self, parcels: Iterator[Parcel], *, port: int, key: str, events: int, seed: int) -> None:
        self._parcels = parcels
        self._port = port
        self._key = key
        self._events = events
        self._pick = random.Random(seed)
        self._tasks: list[asyncio.Task[None]] = []
        self.book: list[Message] = []
        self.answers: Counter[str] = Counter()
        self.done = 0
        self._moved = asyncio.Event()

    def open(self, connections: int) -> None:
        """Add so many connections."""
        self._tasks += [asyncio.create_task(self._keep_sending()) for _ in range(connections)]

    async def until(self, share: float) -> None:
        """Return once so much is done: acknowledged, or given up."""
        while self.done < share * self._events:
            self._moved.clear()
            failed = [task for task in self._tasks if task.done() and task.exception() is not None]
            if failed:
                failed[0].result()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._moved.wait()

    async def finish(self) -> None:
        """Return once everything is done."""
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Let go of all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_sending(self) -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for parcel in self._parcels:
            self.book += parcel.messages
            pause = 0.05
            while True:
                status = b""
                for message in parcel.messages:
                    message.sent += 1
                try:
                    async with asyncio.timeout(_ANSWER_SECONDS):
                        if connection is None:
                            connection = await asyncio.open_connection("127.0.0.1", self._port)
                        status = await _exchange(connection, parcel.request(key=self._key))
                except (OSError, EOFError, TimeoutError):
                    if connection is not None:
                        connection[1].close()
                    connection = None
                self.answers[status.decode() or "cut off"] += 1
                if status in _SETTLED:
                    for message in parcel.messages:
                        message.acknowledged += 1
                    break
                if parcel.is_given_up:
                    break
                await asyncio.sleep(pause * self._pick.uniform(0.5, 1.5))
                pause = min(2 * pause, _LONGEST_PAUSE)
            self.done += len(parcel.messages)
            self._moved.set()
        if connection is not None:
            connection[1].close()


async def _exchange(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> bytes:
    """Return the status of the answer; the answer is read to its end."""
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(value)
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n"))
        if name.lower() == b"content-length"
    )
    await reader.readexactly(length)
    return head.split(b" ", 2)[1]
