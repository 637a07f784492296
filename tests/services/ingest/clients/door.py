"""The front door as clients find it: ingest behind a real HTTP server on a port of the loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from services.ingest.settings import IngestSettings
from shared.contracts.envelope import Envelope
from shared.http.serving import bind, serve
from shared.security.write_keys import add_write_key
from tests.services.ingest.clients.wire import WireAnswer, exchange, wire_bytes
from tests.services.ingest.running import PATIENT, PEPPER, RunningIngest, WallClock, run_ingest
from tests.unit.ingest.requests import ClientRequest

FORM_KEY: Final = "form_abc"
FORM_SOURCE: Final = "landing-page"


class Door:
    """A running ingest and the port at which it listens."""

    def __init__(self, ingest: RunningIngest, port: int) -> None:
        self.ingest = ingest
        self.port = port

    async def send(self, request: ClientRequest, *, query: str = "") -> WireAnswer:
        """Send a recorded request unchanged, but for what ``query`` adds to its address."""
        return await exchange(self.port, wire_bytes(request, query=query), method=request.method)

    async def ask(
        self, method: str, path: str, *, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()
    ) -> WireAnswer:
        """Send a request of our own making."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        if not any(name.lower() == "transfer-encoding" for name, _ in headers):
            lines += f"Content-Length: {len(body)}\r\n"
        sent = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode() + body
        return await exchange(self.port, sent, method=method)

    async def events(self, *topics: str) -> list[Envelope]:
        """Return everything that was said on these topics, in the order of the topics."""
        return [one for topic in topics for one in await self.ingest.said(topic)]


def data_of(envelope: Envelope) -> dict[str, Any]:
    """Return what an event says."""
    said: dict[str, Any] = msgspec.json.decode(envelope.data)
    return said


@asynccontextmanager
async def open_door(
    database_url: str, data: Path, *, kafka: str = "", spill: bool = False
) -> AsyncIterator[Door]:
    """Run ingest behind a real server until the block ends, with the write keys of the recordings."""
    settings = IngestSettings(
        redirect_origins="https://example.com",
        spill=spill,
        log_patience=timedelta(seconds=1) if spill else PATIENT,
    )
    async with run_ingest(database_url, data, kafka=kafka, settings=settings) as ingest:
        async with ingest.blueprint.database.transaction() as transaction:
            await add_write_key(
                transaction, pepper=PEPPER, source=FORM_SOURCE, now=WallClock().now(), brought=FORM_KEY
            )
        listener = bind("127.0.0.1", 0)
        stopping = asyncio.Event()
        port: int = listener.getsockname()[1]
        serving = asyncio.create_task(serve(ingest.app, sockets=[listener], stopping=stopping))
        try:
            yield Door(ingest, port)
        finally:
            stopping.set()
            await serving
