"""A door to PostgreSQL that can swallow the answer to COMMIT.

Whoever waits for that answer then cannot know whether his transaction took effect. It listens on a
free port of 127.0.0.1 and passes everything on to the server's Unix socket; it reads along only as
far as it must to see a COMMIT sent as a simple query, which is how this platform commits.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import struct
from pathlib import Path
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit, urlunsplit

_ENCRYPTION_REQUESTS: Final = {80877103, 80877104}
_COMMITS: Final = {b"COMMIT\x00", b"COMMIT;\x00"}
_CHUNK: Final = 65_536


class CommitProxy:
    """Passes connections on to ``url`` (over a Unix socket) while it is entered.

    ``swallow`` is the share of commits, from 0 to 1, that are carried out and never answered;
    ``drop`` the share that never reaches the server. Both may be changed at any time; ``swallowed``
    and ``dropped`` count. The connection is closed each time, as when a machine dies.
    """

    def __init__(self, url: str, *, seed: int = 0) -> None:
        self.swallow = self.drop = 0.0
        self.swallowed = self.dropped = 0
        self._target = urlsplit(url)
        self._random = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The address for clients, of the same account and database."""
        if self._server is None:
            raise RuntimeError("the proxy is not open; enter it first")
        port = self._server.sockets[0].getsockname()[1]
        netloc = f"{self._target.username}@127.0.0.1:{port}"
        return urlunsplit(self._target._replace(netloc=netloc, query="sslmode=disable"))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.close()
            await self._server.wait_closed()

    def _socket(self) -> str:
        query = parse_qs(self._target.query)
        return str(Path(query["host"][0]) / f".s.PGSQL.{query.get('port', ['5432'])[0]}")

    async def _serve(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self._open.add(client)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                server_reader, server = await asyncio.open_unix_connection(self._socket())
                self._open.add(server)
                try:
                    await _Session(self, client_reader, client, server_reader, server).run()
                finally:
                    self._open.discard(server)
                    server.close()
        finally:
            self._open.discard(client)
            client.close()

    def fate(self) -> str:
        """Decide what becomes of the next commit."""
        dice = self._random.random()
        if dice < self.swallow:
            self.swallowed += 1
            return "swallow"
        if dice < self.swallow + self.drop:
            self.dropped += 1
            return "drop"
        return "pass"


class _Session:
    """One connection."""

    def __init__(
        self,
        proxy: CommitProxy,
        client_reader: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._client_reader, self._client = client_reader, client
        self._server_reader, self._server = server_reader, server
        self._is_mute = False

    async def run(self) -> None:
        """Pass on until one side ends, or a commit is to be lost."""
        back = asyncio.get_running_loop().create_task(self._pass_back())
        forth = asyncio.get_running_loop().create_task(self._pass_forth())
        _, running = await asyncio.wait({back, forth}, return_when=asyncio.FIRST_COMPLETED)
        if self._is_mute and not back.done():  # the server's answer shows that the commit is done
            await asyncio.wait({back}, timeout=5)
        for task in running:
            task.cancel()
        await asyncio.gather(back, forth, return_exceptions=True)

    async def _pass_back(self) -> None:
        while data := await self._server_reader.read(_CHUNK):
            if self._is_mute:
                return
            self._client.write(data)
            await self._client.drain()

    async def _pass_forth(self) -> None:
        await self._pass_startup()
        while True:
            head = await self._client_reader.readexactly(5)
            body = await self._client_reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
            fate = self._proxy.fate() if head[:1] == b"Q" and body in _COMMITS else "pass"
            if fate == "drop":
                return
            self._is_mute = fate == "swallow"
            self._server.write(head + body)
            await self._server.drain()
            if self._is_mute:
                return

    async def _pass_startup(self) -> None:
        """The first messages bear no type; a wish for encryption comes before the real one."""
        code = next(iter(_ENCRYPTION_REQUESTS))
        while code in _ENCRYPTION_REQUESTS:
            head = await self._client_reader.readexactly(4)
            body = await self._client_reader.readexactly(struct.unpack("!I", head)[0] - 4)
            code = struct.unpack("!I", body[:4])[0]
            self._server.write(head + body)
            await self._server.drain()
