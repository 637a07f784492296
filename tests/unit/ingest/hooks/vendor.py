"""A vendor's API for tests: answers by path, remembers what it was asked, breaks down on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import msgspec

Answer = Callable[[httpx.Request], Any]
"""Returns a status, an object to be sent as JSON, or bytes."""


class FakeVendor(httpx.AsyncBaseTransport):
    """Answers as told; a path that was not told is not found."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.answers = answers
        self.asked: list[httpx.Request] = []
        self.is_away = False

    def open(self) -> httpx.AsyncClient:
        """Return a client that reaches this vendor and nobody else."""
        return httpx.AsyncClient(transport=self)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked.append(request)
        if self.is_away:
            raise httpx.ConnectError("away")
        answer = self.answers.get(request.url.path)
        told = 404 if answer is None else answer(request)
        if isinstance(told, int):
            return httpx.Response(told, json={})
        return httpx.Response(200, content=told if isinstance(told, bytes) else msgspec.json.encode(told))


def body_of(request: httpx.Request) -> Any:
    return msgspec.json.decode(request.content)
