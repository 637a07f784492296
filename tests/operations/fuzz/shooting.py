"""Raw sockets that shoot: pipelined where the framing holds, else alone; and some that dawdle."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.operations.fuzz.shots import Shot

_ANSWER_SECONDS: Final = 30.0
_UNFINISHED_SECONDS: Final = 0.05
_TOGETHER: Final = 16
_MOST_TOGETHER_BYTES: Final = 100_000
_DAWDLERS: Final = 20
_LINGER_SECONDS: Final = 2.0


@dataclass
class Score:
    """What came of all shots: answers by status, codes of 503, and every answer that must not be."""

    fired: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    unavailable: Counter[str] = field(default_factory=Counter)
    hung_up: int = 0
    silent: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def note(self, shot: Shot, status: int, body: bytes) -> None:
        """Look at one answer."""
        self.answers[status] += 1
        if status == 503:
            self.unavailable[_code_of(body)] += 1
        elif status >= 500:
            self.failures.append(f"{status} to shot {shot.number} at {shot.target}: {body[:200]!r}")


def _code_of(body: bytes) -> str:
    _, found, rest = body.partition(b'"code":"')
    return rest.partition(b'"')[0].decode("latin-1") if found else "none"


class Supply:
    """Shots in order of their numbers, a handful at a time."""

    def __init__(self, numbers: Iterator[int], make: Callable[[int], Shot]) -> None:
        self._numbers = numbers
        self._make = make
        self._put_off: deque[Shot] = deque()

    def take(self) -> list[Shot]:
        """Return some that go together; one alone if it breaks the framing; none at the end."""
        together: list[Shot] = []
        size = 0
        while len(together) < _TOGETHER and size < _MOST_TOGETHER_BYTES:
            shot = self._put_off.popleft() if self._put_off else self._next()
            if shot is None:
                break
            if shot.breaks and together:
                self._put_off.append(shot)
                break
            together.append(shot)
            size += len(shot.wire)
            if shot.breaks:
                break
        return together

    def _next(self) -> Shot | None:
        number = next(self._numbers, None)
        return None if number is None else self._make(number)


async def shoot(supply: Supply, score: Score, *, port: int) -> None:
    """Fire over one connection after the other until there is nothing left.

    What was pipelined behind an answer that ends the connection is fired again by itself.
    """
    while True:
        shots = supply.take()
        if not shots:
            return
        score.fired += len(shots)
        while shots:
            answered = await _volley(shots, score, port=port)
            if answered == 0 and len(shots) > 1:
                answered = await _volley(shots[:1], score, port=port) or 1
            shots = shots[max(answered, 1) :]


async def _volley(shots: Sequence[Shot], score: Score, *, port: int) -> int:
    """Send these over a connection of their own and return how many were answered."""
    answered = 0
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    except OSError as error:
        score.failures.append(f"no connection at shot {shots[0].number}: {type(error).__name__}")
        await asyncio.sleep(0.5)
        return 0
    sending = asyncio.create_task(_send(writer, shots))
    is_unfinished = shots[-1].unfinished
    try:
        async with asyncio.timeout(_UNFINISHED_SECONDS if is_unfinished else _ANSWER_SECONDS):
            for shot in shots:
                status, body = await _read_answer(reader)
                score.note(shot, status, body)
                answered += 1
    except TimeoutError:
        if not is_unfinished:
            score.silent.append(f"no answer to shot {shots[answered].number} at {shots[answered].target}")
    except (OSError, EOFError, ValueError):
        score.hung_up += 1
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await sending
        writer.close()
    return answered


async def _send(writer: asyncio.StreamWriter, shots: Sequence[Shot]) -> None:
    for shot in shots:
        writer.write(shot.wire)
        await writer.drain()


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    status = 100
    head = b""
    while status < 200:  # 100 Continue comes first
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head.split(b" ", 2)[1])
    if status in {204, 304}:
        return status, b""
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    if length:
        return status, await reader.readexactly(int(length))
    if b"transfer-encoding: chunked" not in head:
        return status, await reader.read()
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return status, body


async def dawdle(port: int, score: Score, *, key: str) -> None:
    """Hold many connections that send a byte now and then, or half a request and nothing more."""
    beginnings = (
        b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nX-Write-Key: "
        + key.encode()
        + b"\r\n\r\n{",
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"GET / HTTP/1.1\r\nX-",
        b"P",
        b"",
    )
    while True:
        held = []
        for number in range(_DAWDLERS):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(beginnings[number % len(beginnings)])
                held.append(writer)
        try:
            for _ in range(4):
                await asyncio.sleep(_LINGER_SECONDS / 4)
                for writer in held:
                    with contextlib.suppress(OSError):
                        writer.write(b"a")
        finally:
            for number, writer in enumerate(held):
                transport = writer.transport
                transport.abort() if number % 2 else transport.close()
            score.answers[0] += len(held)
