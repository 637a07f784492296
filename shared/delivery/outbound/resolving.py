"""Names to addresses, on threads of their own: a name server that is silent delays its own names only."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host, none if it has none."""

LookUp = Callable[[str, int], Sequence[str]]
"""Asks and waits for the addresses of a host."""

THREADS: Final = 512
"""So many hosts may have a silent name server at once; each holds one thread, made when it is needed."""


class SystemResolver:
    """Asks as this machine is set up to. Whoever asks for a host that is being asked for shares the answer.

    An answer is for those who were waiting for it and is not kept.
    """

    def __init__(self, look_up: LookUp | None = None) -> None:
        self._look_up = look_up or _look_up
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolving")
        self._under_way: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = {}

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host, none if it has none."""
        asked = (host, port)
        answer = self._under_way.get(asked)
        if answer is None:
            loop = asyncio.get_running_loop()
            answer = self._under_way[asked] = loop.run_in_executor(self._threads, self._look_up, host, port)
            answer.add_done_callback(lambda _: self._under_way.pop(asked, None))
        return await asyncio.shield(answer)

    def close(self) -> None:
        """Wait for nobody; threads that still wait for a name server end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
