"""One request as it went over the wire: the recorded head and bytes, to the letter, over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from http.client import HTTPResponse
from typing import Any, NamedTuple

import msgspec

from tests.unit.ingest.requests import ClientRequest

_PIECE = 16
"""Bytes in a chunk: small, so that a chunked body really comes in pieces."""


class WireAnswer(NamedTuple):
    """What came back; header names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return msgspec.json.decode(self.body)


def wire_bytes(request: ClientRequest, *, query: str = "") -> bytes:
    """Return the request as its client wrote it; ``query`` is added to the address."""
    path = request.path
    if query:
        path += ("&" if "?" in path else "?") + query
    head = "".join(f"{name}: {value}\r\n" for name, value in request.head)
    start = f"{request.method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1")
    if not request.is_chunked:
        return start + request.body
    pieces = [request.body[at : at + _PIECE] for at in range(0, len(request.body), _PIECE)]
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    return start + b"".join(chunks) + b"0\r\n\r\n"


async def exchange(port: int, sent: bytes, *, method: str = "POST") -> WireAnswer:
    """Send these bytes on a connection of their own and return the answer."""
    return await asyncio.to_thread(_exchange, port, sent, method)


def _exchange(port: int, sent: bytes, method: str) -> WireAnswer:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        response = HTTPResponse(connection, method=method)
        response.begin()
        return WireAnswer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )
