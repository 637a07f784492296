"""A small vendor on loopback: a real HTTP server that answers as its shop says, or fails as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec


@dataclass(frozen=True)
class Asked:
    """One request that the vendor got."""

    method: str
    path: str
    target: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What the vendor says."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Shop = Callable[[Asked], Answer]


class FakeVendor:
    """Answers by its shop; what lies in ``troubles`` is said first, once each. None hangs up instead."""

    def __init__(self, shop: Shop) -> None:
        self.asked: list[Asked] = []
        self.troubles: list[Answer | None] = []
        self.on_asked: Callable[[Asked], None] | None = None
        self._shop = shop
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def open(self) -> None:
        """Listen, at the same port as before if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Be down: nobody listens any more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await _read(reader)
            self.asked.append(asked)
            if self.on_asked is not None:
                self.on_asked(asked)
            answer = self.troubles.pop(0) if self.troubles else self._shop(asked)
            if answer is not None:
                writer.write(_written(answer))
                await writer.drain()
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return Asked(method, unquote(parts.path), target, query, headers, body)


def _written(answer: Answer) -> bytes:
    body = answer.body if isinstance(answer.body, bytes) else msgspec.json.encode(answer.body)
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
        **answer.headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} Told\r\n{head}\r\n".encode("latin-1") + body


@asynccontextmanager
async def run_vendor(shop: Shop) -> AsyncIterator[FakeVendor]:
    vendor = FakeVendor(shop)
    await vendor.open()
    try:
        yield vendor
    finally:
        await vendor.close()
