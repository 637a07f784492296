"""Who is told by webhooks: ``python -m tests.failure.on_models.receiver '<plan as JSON>'``.

A server that writes down everything it takes before it answers, and answers badly: now with 500, now late,
now not at all, now a byte at a time; now and then it turns a message away before it has taken it. After
SIGUSR1 it behaves well. It says "ready" and its port; what it has taken survives its death.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path
from typing import Final

import msgspec

from tests.failure.worker import die_with

WHOLE_SECONDS: Final = 2
"""How long an attempt may take in these runs."""
_OK: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_FAILED: Final = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"
_AWAY: Final = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
_DRIPPED_BODY: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n"


class ReceiverPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What it is told; with port 0 it takes any."""

    records: str
    seed: int
    parent: int
    port: int = 0


class Heard(msgspec.Struct, frozen=True):
    """One message as it was taken: where, its three headers, its body, and what was answered."""

    path: str
    id: str
    timestamp: str
    signature: str
    body: str
    answer: str


_WAYS: Final = {
    "ok": 0.66,
    "failed": 0.12,
    "turned away": 0.06,
    "late": 0.06,
    "lost": 0.06,
    "drips its answer": 0.02,
    "too late": 0.01,
    "drips its head": 0.01,
}


class Receiver:
    """Takes messages and answers them."""

    def __init__(self, plan: ReceiverPlan) -> None:
        self._file = os.open(plan.records, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._pick = random.Random(f"{plan.seed}-{os.getpid()}")
        self._behaves = False

    def behave(self) -> None:
        """Answer everything well from now on."""
        self._behaves = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take what comes over one connection."""
        try:
            while await self._take(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:-2])}
        body = await reader.readexactly(int(headers["content-length"]))
        way = "ok" if self._behaves else self._pick.choices([*_WAYS], [*_WAYS.values()])[0]
        if way == "turned away":
            writer.write(_AWAY)
            return True
        heard = Heard(
            head[0].split(" ")[1],
            headers["webhook-id"],
            headers["webhook-timestamp"],
            headers["webhook-signature"],
            body.decode(),
            way,
        )
        os.write(self._file, msgspec.json.encode(heard) + b"\n")
        return await self._answer(way, writer)

    async def _answer(self, way: str, writer: asyncio.StreamWriter) -> bool:
        """Answer in one way; False ends the connection."""
        if way == "lost":
            return False
        if way == "too late":
            await asyncio.sleep(WHOLE_SECONDS + 1)
            return False
        if way == "late":
            await asyncio.sleep(self._pick.uniform(0.1, 0.8))
        if way.startswith("drips"):
            text = b"x" * 60 if way == "drips its answer" else _OK
            writer.write(_DRIPPED_BODY if way == "drips its answer" else b"")
            for place in range(len(text)):
                writer.write(text[place : place + 1])
                await writer.drain()
                await asyncio.sleep(0.2)
            return False
        writer.write(_FAILED if way == "failed" else _OK)
        await writer.drain()
        return True


async def receive(plan: ReceiverPlan) -> None:
    """Receive until killed."""
    receiver = Receiver(plan)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, receiver.behave)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", plan.port)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def read_heard(file: Path) -> list[Heard]:
    """Return what was taken, in order; the last line may have been cut short by a kill."""
    lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    return [msgspec.json.decode(line, type=Heard) for line in lines]


def main() -> None:
    """Read the plan and receive."""
    plan = msgspec.json.decode(sys.argv[1], type=ReceiverPlan)
    die_with(plan.parent)
    asyncio.run(receive(plan))


if __name__ == "__main__":
    main()
