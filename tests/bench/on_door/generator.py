"""Who sends: raw requests over many connections, as fast as they are answered or at a steady rate.

It parses no more of an answer than its status and its length, so that it costs a fraction of what a
server does; :func:`tests.bench.on_door.measurement.measure_door` first measures it against a server that
does nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

_TICK: Final = 0.001
_MOST_READ: Final = 65_536
_ANSWER_SECONDS: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What came of it: seconds from when each request was due to its answer, in all and of the sender's core.

    ``refusals`` are the answers that are no success.
    """

    latencies: Sequence[float]
    refusals: Sequence[bytes]
    wall: float
    used: float

    @property
    def per_second(self) -> float:
        """Requests answered with success per second."""
        return (len(self.latencies) - len(self.refusals)) / self.wall

    @property
    def cores(self) -> float:
        """How much of a core the sender used."""
        return self.used / self.wall


@dataclass
class _Account:
    latencies: list[float] = field(default_factory=list)
    refusals: list[bytes] = field(default_factory=list)


class _Connection:
    """One request under way at a time; tells when it is answered.

    A socket without a transport: those of uvloop send at the end of a turn, so that a server whose answers
    come together would stand idle until the sender has looked at all of them.
    """

    def __init__(self, sender: _Sender, opened: socket.socket) -> None:
        self._sender = sender
        self._socket = opened
        self._loop = asyncio.get_running_loop()
        self._seen = b""
        self._usual = -1
        self._due = 0.0
        self._rest = memoryview(b"")
        self._loop.add_reader(opened, self._read)

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        sent = self._send(request)
        if sent < len(request):
            self._rest = memoryview(request)[sent:]
            self._loop.add_writer(self._socket, self._send_rest)

    def _send(self, data: bytes | memoryview) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._sender.lost(error)
            return len(data)

    def _send_rest(self) -> None:
        self._rest = self._rest[self._send(self._rest) :]
        if not self._rest:
            self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        try:
            data = self._socket.recv(_MOST_READ)
        except OSError as error:
            self._sender.lost(error)
            return
        if not data:
            self._loop.remove_reader(self._socket)
            self._sender.lost(ConnectionError("the server closed a connection"))
            return
        if self._seen:
            data = self._seen + data
            self._seen = b""
        if len(data) != self._usual:
            length = _length_of(data)
            if length is None or len(data) < length:
                self._seen = data
                return
            self._usual = length
        if data[9:10] != b"2":
            self._sender.account.refusals.append(data)
        self._sender.answered(self, self._due)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()


def _length_of(data: bytes) -> int | None:
    """Return how long the whole answer is, None while its head is not there."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return None
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(head) + len(end) + int(value)
    raise AssertionError(f"an answer without a length: {head!r}")


class _Sender(ABC):
    """Common to both ways of sending."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._requests: Iterator[bytes] = itertools.cycle(requests)
        self._clock = asyncio.get_running_loop().time
        self.account = _Account()
        self.is_over = False
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answered(self, connection: _Connection, due: float) -> None:
        self.account.latencies.append(self._clock() - due)
        self.go_on(connection)

    @abstractmethod
    def go_on(self, connection: _Connection) -> None:
        """Use a connection that has its answer."""

    def lost(self, error: Exception) -> None:
        if not self.is_over and not self.failure.done():
            self.failure.set_exception(error)


class _AtOnce(_Sender):
    """The next request as soon as the last one is answered; ``under_way`` ends with the time."""

    def __init__(self, requests: Sequence[bytes], *, until: float) -> None:
        super().__init__(requests)
        self._until = until
        self.under_way = 0
        self.done = asyncio.get_running_loop().create_future()

    def begin(self, connection: _Connection) -> None:
        self.under_way += 1
        connection.send(next(self._requests), self._clock())

    def go_on(self, connection: _Connection) -> None:
        now = self._clock()
        if now < self._until:
            connection.send(next(self._requests), now)
            return
        self.under_way -= 1
        if not self.under_way and not self.done.done():
            self.done.set_result(None)


class _AtARate(_Sender):
    """A request is due when it is due, and its time counts from then, also if all connections are busy."""

    def __init__(self, requests: Sequence[bytes], *, count: int) -> None:
        super().__init__(requests)
        self._free: deque[_Connection] = deque()
        self._waiting: deque[float] = deque()
        self._left = count
        self.done = asyncio.get_running_loop().create_future()

    def begin(self, connection: _Connection) -> None:
        self._free.append(connection)

    def go_on(self, connection: _Connection) -> None:
        self._left -= 1
        if not self._left and not self.done.done():
            self.done.set_result(None)
        if self._waiting:
            connection.send(next(self._requests), self._waiting.popleft())
        else:
            self._free.append(connection)

    def is_due(self, due: float) -> None:
        if self._free:
            self._free.popleft().send(next(self._requests), due)
        else:
            self._waiting.append(due)


async def send_at_once(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Sent:
    """Send over so many connections, each as soon as it is answered, for so many seconds."""
    loop = asyncio.get_running_loop()
    sender = _AtOnce(requests, until=loop.time() + seconds)
    opened = [await _open(port, sender) for _ in range(connections)]
    begun, used = loop.time(), time.process_time()
    try:
        for connection in opened:
            sender.begin(connection)
        async with asyncio.timeout(seconds + _ANSWER_SECONDS):
            await _first_of(sender.done, sender.failure)
        return _sent(sender, begun=begun, used=used)
    finally:
        _close(sender, opened)


async def send_at_rate(
    port: int, requests: Sequence[bytes], *, connections: int, per_second: float, seconds: float
) -> Sent:
    """Send so many requests a second, evenly, over so many connections."""
    loop = asyncio.get_running_loop()
    count = int(per_second * seconds)
    sender = _AtARate(requests, count=count)
    opened = [await _open(port, sender) for _ in range(connections)]
    for connection in opened:
        sender.begin(connection)
    begun, used = loop.time(), time.process_time()
    try:
        given = 0
        while given < count:
            now = loop.time()
            while given < count and begun + given / per_second <= now:
                sender.is_due(begun + given / per_second)
                given += 1
            await asyncio.sleep(_TICK)
        async with asyncio.timeout(_ANSWER_SECONDS):
            await _first_of(sender.done, sender.failure)
        return _sent(sender, begun=begun, used=used)
    finally:
        _close(sender, opened)


async def _open(port: int, sender: _Sender) -> _Connection:
    opened = socket.socket()
    opened.setblocking(False)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await asyncio.get_running_loop().sock_connect(opened, ("127.0.0.1", port))
    return _Connection(sender, opened)


async def _first_of(done: asyncio.Future[None], failure: asyncio.Future[None]) -> None:
    await asyncio.wait((done, failure), return_when=asyncio.FIRST_COMPLETED)
    (failure if failure.done() else done).result()


def _sent(sender: _Sender, *, begun: float, used: float) -> Sent:
    wall = asyncio.get_running_loop().time() - begun
    return Sent(
        latencies=sender.account.latencies,
        refusals=sender.account.refusals,
        wall=wall,
        used=time.process_time() - used,
    )


def _close(sender: _Sender, opened: Sequence[_Connection]) -> None:
    sender.is_over = True
    for connection in opened:
        connection.close()
    if not sender.failure.done():
        sender.failure.cancel()
