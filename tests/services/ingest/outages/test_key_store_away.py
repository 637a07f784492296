"""The database with the keys is cut off: who is known goes on, nobody is told that a key is unknown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx
import pytest

from services.ingest.settings import IngestSettings
from shared.postgres.database import Database
from shared.security.credential_cache import CredentialStoreUnavailable
from shared.security.write_keys import add_write_key
from tests.services.ingest.running import KEY, PEPPER, RunningIngest, run_ingest

pytestmark = pytest.mark.postgres

EVENT = {"userId": "u", "event": "E"}


class Cable:
    """The way to the database, which can be cut and mended; it listens on a port of this machine."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._open: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        netloc = f"{self._target.username}@127.0.0.1:{port}"
        return urlunsplit(self._target._replace(netloc=netloc, query="sslmode=disable"))

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[Cable]:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        yield self
        self.cut()
        self._server.close()

    def cut(self) -> None:
        """End every connection at once, and every one that is tried from now on."""
        self._is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        """Let connections through again."""
        self._is_cut = False

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self._is_cut:
                writer.transport.abort()
                return
            folder = parse_qs(self._target.query)["host"][0]
            port = parse_qs(self._target.query).get("port", ["5432"])[0]
            inner, outer = await asyncio.open_unix_connection(str(Path(folder) / f".s.PGSQL.{port}"))
            self._open.add(outer)
            await asyncio.gather(_pass_on(reader, outer), _pass_on(inner, writer))
            self._open.discard(outer)
        finally:
            self._open.discard(writer)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.transport.abort()


async def send(ingest: RunningIngest, key: str, **event: Any) -> httpx.Response:
    return await ingest.client.post("/v1/track", json={**EVENT, **event}, headers={"x-write-key": key})


async def test_a_known_key_goes_on_and_another_is_asked_to_come_again(
    database_url: str, tmp_path: Path
) -> None:
    settings = IngestSettings(spill=True)
    async with (
        Cable(database_url).laid() as cable,
        run_ingest(cable.url, tmp_path, settings=settings) as ingest,
    ):
        assert (await send(ingest, KEY, messageId="1")).status_code == 200
        await ingest.settle(1)

        cable.cut()
        await _add_key(database_url, "WK_not_met")
        for number in range(2, 5):  # the log stands in the same database: they go to the spill
            assert (await send(ingest, KEY, messageId=str(number))).status_code == 200
        for stranger in ("WK_not_met", "WK_of_nobody"):
            answer = await send(ingest, stranger)
            assert (answer.status_code, answer.json()["code"]) == (503, "access.store_unavailable")
            assert int(answer.headers["retry-after"]) >= 1

        cable.mend()
        async with asyncio.timeout(60):
            while (answer := await send(ingest, "WK_not_met", messageId="5")).status_code != 200:
                assert answer.status_code == 503
                await asyncio.sleep(0.2)
        await ingest.settle(5)
        assert (await send(ingest, "WK_of_nobody")).status_code == 401
        assert await ingest.value("SELECT count(*) FROM seen_message") == 5
        assert await ingest.breaches() == {}


async def test_every_key_is_known_from_the_start_also_one_that_nobody_has_used_yet(
    database_url: str, tmp_path: Path
) -> None:
    settings = IngestSettings(spill=True)
    async with (
        Cable(database_url).laid() as cable,
        run_ingest(cable.url, tmp_path, settings=settings) as ingest,
    ):
        async with asyncio.timeout(60):
            while not await _is_ready(ingest):
                await asyncio.sleep(0.01)
        cable.cut()
        assert (await send(ingest, KEY, messageId="1")).status_code == 200
        await ingest.blueprint.edge_checks["keys"]()
        cable.mend()
        await ingest.settle(1)
        assert await ingest.breaches() == {}


async def _is_ready(ingest: RunningIngest) -> bool:
    try:
        await ingest.blueprint.edge_checks["keys"]()
    except CredentialStoreUnavailable:
        return False
    return True


async def _add_key(database_url: str, key: str) -> None:
    """Add a key past the cable."""
    database = Database(database_url, schema="ingest", application="tests")
    await database.start()
    async with database.transaction() as transaction:
        await add_write_key(transaction, pepper=PEPPER, source="website", now=1, brought=key)
    await database.stop()
