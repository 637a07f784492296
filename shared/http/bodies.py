"""A request's body as bytes, whatever the client says about it, within limits.

Content types are the route's business and often wrong: some SDKs send gzip under any name and
without saying so. Two bytes tell. Chunked bodies have no length. What is unpacked is bounded too,
so that a few bytes cannot become a few gigabytes.
"""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.kernel.errors import Rejected

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_PIECE: Final = 64 * 1024
_PLAIN: Final = frozenset({"", "identity", "gzip", "x-gzip"})


class BodyTooLarge(Rejected):
    """The body is larger than this address takes; send fewer events at a time."""

    code = "body.too_large"


class BodyTooSlow(Rejected):
    """The body did not arrive in time; send it again."""

    code = "body.too_slow"


class BodyDamaged(Rejected):
    """The body claims to be gzip and cannot be unpacked; send it whole, or plain."""

    code = "body.damaged"


class BodyEncodingUnknown(Rejected):
    """The body is packed in a way we do not read; send it plain or as gzip."""

    code = "body.encoding"


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """Bytes as sent, bytes as unpacked, and how long the body may take to arrive."""

    sent: int = 4 * 1024 * 1024
    unpacked: int = 4 * 1024 * 1024
    time: timedelta = timedelta(seconds=30)


DEFAULT_LIMITS: Final = BodyLimits()

BODY_KEY: Final = "leadmill.body"
"""Where a body stands in the ASGI scope once :func:`read_body` has it; packed if it cannot be unpacked."""


async def read_body(scope: Scope, receive: Receive, *, limits: BodyLimits = DEFAULT_LIMITS) -> bytes:
    """Return the whole body, unpacked if it is gzip by its header or its first bytes.

    :raises BodyTooLarge: if it exceeds a limit, as sent or as unpacked.
    :raises BodyTooSlow: if it does not arrive in time.
    :raises BodyDamaged: if it is gzip that cannot be unpacked.
    :raises BodyEncodingUnknown: if it is packed in another way.
    :raises starlette.requests.ClientDisconnect: if the client went away meanwhile.
    """
    encoding, announced = "", 0
    for name, value in scope["headers"]:
        if name == b"content-encoding":
            encoding = value.decode("latin-1").strip().lower()
        elif name == b"content-length" and value.isdigit():
            announced = int(value)
    if encoding not in _PLAIN:
        raise BodyEncodingUnknown
    if announced > limits.sent:
        raise BodyTooLarge
    scope[BODY_KEY] = body = await _receive_all(receive, limits)
    if body[:2] == _GZIP_MAGIC:
        scope[BODY_KEY] = body = unpack(body, limit=limits.unpacked)
    return body


async def _receive_all(receive: Receive, limits: BodyLimits) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > limits.sent:
            raise BodyTooLarge
        return body
    pieces = [body]
    size = len(body)
    try:
        async with asyncio.timeout(limits.time.total_seconds()):
            while message.get("more_body", False):
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                piece = message.get("body", b"")
                size += len(piece)
                if size > limits.sent:
                    raise BodyTooLarge
                pieces.append(piece)
    except TimeoutError as error:
        raise BodyTooSlow from error
    return b"".join(pieces)


def unpack(body: bytes, *, limit: int) -> bytes:
    """Unpack gzip, also of several members, up to ``limit`` bytes.

    :raises BodyTooLarge: if there is more than ``limit``; no more than that is ever unpacked.
    :raises BodyDamaged: if it is not gzip, or ends too early.
    """
    pieces: list[bytes] = []
    room = limit
    rest = body
    while rest:
        member = zlib.decompressobj(_GZIP_WINDOW)
        while not member.eof:
            try:
                piece = member.decompress(rest, min(room + 1, _PIECE))
            except zlib.error as error:
                raise BodyDamaged from error
            rest = member.unconsumed_tail
            if not piece and not rest and not member.eof:
                raise BodyDamaged
            room -= len(piece)
            if room < 0:
                raise BodyTooLarge
            pieces.append(piece)
        rest = member.unused_data.lstrip(b"\0")
    return b"".join(pieces)


class BodyBound:
    """Bounds the bodies that FastAPI reads by itself; in bytes as sent."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI.

        :raises BodyTooLarge: if a body exceeds the bound, before it is read where its length is told.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._most:
                raise BodyTooLarge
        room = self._most

        async def receive_within_bounds() -> Message:
            nonlocal room
            message = await receive()
            room -= len(message.get("body", b""))
            if room < 0:
                raise BodyTooLarge
            return message

        await self._app(scope, receive_within_bounds, send)
