"""A vendor's API for tests: answers by path, remembers what it was asked, breaks down on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from services.ingest.domain.dialects.hooks import HookLead
from services.ingest.providers.port import Client, HookItem, Provider, Secrets
from shared.kernel.instants import DAY, parse_instant

UNTIL = parse_instant("2026-11-21T21:00:00Z")
SINCE = UNTIL - DAY

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


def client_of(provider: Provider, vendor: FakeVendor, **secrets: str) -> Client:
    assert provider.client is not None
    return provider.client(Secrets(secrets), vendor.open())


def read(provider: Provider, item: HookItem) -> HookLead:
    found = provider.readers[item.kind](item.body)
    assert isinstance(found, HookLead)
    assert found.message_id == (None if item.names_person else item.message_id)
    return found


async def all_leads(client: Client) -> list[HookItem]:
    found: list[HookItem] = []
    for stream in await client.list_streams():
        cursor: str | None = None
        while True:
            page = await client.list_leads(stream, since=SINCE, until=UNTIL, cursor=cursor)
            found += page.items
            if page.next is None:
                break
            cursor = page.next
    return found
