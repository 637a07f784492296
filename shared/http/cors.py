"""CORS for pages that are not ours: any page may send data in, and must be able to read why not.

Origins and headers are mirrored, because SDKs and the proxies before them send headers that nobody
lists. Credentials are a key or a token in the request, never a cookie, so a mirrored origin gives
no page anything it did not have. The headers stand on errors too: without them a browser's SDK
cannot read ``Retry-After`` and comes back at once.

OPTIONS is also how senders of CloudEvents ask for leave; they get it here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS: Final = b"GET,POST,PUT,PATCH,DELETE,OPTIONS"
_EXPOSED: Final = b"Retry-After, X-RateLimit-Reset, Idempotency-Replayed"
_MAX_AGE: Final = b"7200"


class Cors:
    """Answers preflights and marks every answer to a page of another origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin = wanted = b""
        for name, value in scope["headers"]:
            if name == b"origin":
                origin = value
            elif name == b"access-control-request-headers":
                wanted = value
        if scope["method"] == "OPTIONS":
            await _answer_preflight(send, origin, wanted, _handshake_of(scope))
        elif not origin:
            await self._app(scope, receive, send)
        else:

            async def send_with_origin(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [
                        *message.get("headers", ()),
                        (b"access-control-allow-origin", origin),
                        (b"access-control-allow-credentials", b"true"),
                        (b"access-control-expose-headers", _EXPOSED),
                        (b"vary", b"Origin"),
                    ]
                await send(message)

            await self._app(scope, receive, send_with_origin)


def _handshake_of(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the answer to a sender of CloudEvents that asks for leave, as HTTP 1.1 Web Hooks has it.

    It may: its events need a write key, and its rate has a bound of its own.
    """
    asked = {name: value for name, value in scope["headers"] if name.startswith(b"webhook-request-")}
    origin = asked.get(b"webhook-request-origin")
    if origin is None:
        return []
    answer = [(b"webhook-allowed-origin", origin), (b"allow", b"POST")]
    if b"webhook-request-rate" in asked:
        answer.append((b"webhook-allowed-rate", b"*"))
    return answer


async def _answer_preflight(
    send: Send, origin: bytes, wanted: bytes, handshake: Sequence[tuple[bytes, bytes]]
) -> None:
    headers = [
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", _MAX_AGE),
        (b"vary", b"Origin, Access-Control-Request-Headers"),
    ]
    if origin:
        headers += [(b"access-control-allow-origin", origin), (b"access-control-allow-credentials", b"true")]
    if wanted:
        headers.append((b"access-control-allow-headers", wanted))
    headers += handshake
    await send({"type": "http.response.start", "status": 200 if handshake else 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
