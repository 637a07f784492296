"""Real servers that receive what is posted, and answer as a test says, each on an address of this machine."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

OK: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
NEVER: Final = b""
"""The answer of somebody who listens and says nothing."""


class Posted(NamedTuple):
    """One request: its headers by small name, its body."""

    headers: dict[str, str]
    body: bytes


Behaviour = Callable[[Posted], bytes]
"""What is answered to a request: the bytes on the wire. What ends in a short body ends the connection."""


@dataclass
class Receiver:
    """What one server got; ``behave`` may be changed at any time.

    ``asked`` is set by a request; with ``may_answer`` it is answered only once that is set.
    """

    port: int = 0
    host: str = "127.0.0.1"
    behave: Behaviour = lambda _: OK
    posted: list[Posted] = field(default_factory=list)
    connections: int = 0
    names: list[str | None] = field(default_factory=list)
    breaks_off: bool = False
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    serving: set[asyncio.Task[None] | None] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests on one connection."""
        self.connections += 1
        self.serving.add(asyncio.current_task())
        try:
            while (posted := await _read_request(reader)) is not None:
                self.posted.append(posted)
                answer = self.behave(posted)
                self.asked.set()
                if self.may_answer is not None:
                    await self.may_answer.wait()
                if answer == NEVER:
                    await self.stopping.wait()
                    return
                writer.write(answer)
                await writer.drain()
                if self.breaks_off:
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Posted | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    lines = head.decode().split("\r\n")[1:-2]
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return Posted(headers, await reader.readexactly(int(headers.get("content-length", 0))))


@asynccontextmanager
async def receiving(
    *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Open a server on an address of this machine."""
    receiver = Receiver(host=host)
    if tls is not None:

        def note(_socket: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
            receiver.names.append(name)

        tls.sni_callback = note
    server = await asyncio.start_server(receiver.serve, host, port, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        receiver.stopping.set()
        server.close()
        serving = [task for task in receiver.serving if task is not None]
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


def answering(status: str, *headers: str) -> Behaviour:
    """Answer everything with one status."""
    head = "\r\n".join((f"HTTP/1.1 {status}", "content-length: 0", *headers))
    return lambda _: f"{head}\r\n\r\n".encode()


class Names:
    """A name server whose answers change from one question to the next; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str, _port: int) -> Sequence[str]:
        """Answer the next question."""
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
