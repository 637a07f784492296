"""Requests at a steady rate over loopback, in batches as SDKs of servers send them.

The rate is kept whatever the answers take: a request is due when it is due, and its time counts from
then, also if all connections are busy. So a platform that stalls cannot hide it.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from services.ingest.api.messages import open_single
from shared.kernel.ids import deterministic_id
from tests.bench.on_services.traffic import Call

_CONNECTIONS: Final = 16
_ANSWER_SECONDS: Final = 30.0


class Parcel(NamedTuple):
    """One request: its bytes, and the ids under which its events will be known."""

    request: bytes
    ids: tuple[str, ...]


class Answered(NamedTuple):
    """When a request was due, and when it was answered, in seconds of the event loop."""

    due: float
    answered: float


def make_parcels(calls: Sequence[Call], *, address: str, source: str, key: str, size: int) -> list[Parcel]:
    """Return requests to ``/v1/batch`` with ``size`` events each."""
    host = urlsplit(address).netloc
    credentials = b64encode(f"{key}:".encode()).decode()
    parcels = []
    for start in range(0, len(calls), size):
        batch = calls[start : start + size]
        body = msgspec.json.encode({"batch": [msgspec.Raw(call.body) for call in batch]})
        head = (
            f"POST /v1/batch HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {credentials}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        parcels.append(Parcel(head.encode() + body, tuple(_id_of(call, source) for call in batch)))
    return parcels


def _id_of(call: Call, source: str) -> str:
    (message,) = open_single(call.body, kind=call.kind).messages
    assert message.message_id is not None
    return deterministic_id("raw", source, message.message_id)


class Sender:
    """Sends parcels at a rate; each connection has one request under way at a time."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname, parts.port
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def send(self, parcels: Sequence[Parcel], *, per_second: float) -> list[Answered]:
        """Send all of them and return when each was due and answered, in their order.

        :raises AssertionError: if one is answered otherwise than with success.
        :raises TimeoutError: if one is not answered within half a minute.
        """
        for _ in range(_CONNECTIONS):
            self._free.put_nowait(await asyncio.open_connection(self._host, self._port))
        try:
            loop = asyncio.get_running_loop()
            begin = loop.time() + 0.1
            async with asyncio.TaskGroup() as tasks:
                sent = []
                for number, parcel in enumerate(parcels):
                    due = begin + number / per_second
                    await asyncio.sleep(max(0.0, due - loop.time()))
                    sent.append(tasks.create_task(self._send(parcel, due)))
            return [task.result() for task in sent]
        finally:
            while not self._free.empty():
                _, writer = self._free.get_nowait()
                writer.close()
                await writer.wait_closed()

    async def _send(self, parcel: Parcel, due: float) -> Answered:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await self._free.get()
            writer.write(parcel.request)
            head = await reader.readuntil(b"\r\n\r\n")
            status, _, fields = head.partition(b"\r\n")
            length = next(
                int(value)
                for name, _, value in (field.partition(b":") for field in fields.split(b"\r\n"))
                if name.lower() == b"content-length"
            )
            body = await reader.readexactly(length)
            assert status.split(b" ")[1] == b"200", (status, body)
        self._free.put_nowait((reader, writer))
        return Answered(due, asyncio.get_running_loop().time())
