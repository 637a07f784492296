"""An application and a client that calls it without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from shared.http.app import build_app
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import SECOND

Call = Callable[..., httpx.AsyncClient]

NOW = 1_790_000_000 * SECOND


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def client_of(registry: CollectorRegistry) -> AsyncIterator[Call]:
    """Build an application with these parts and return a client of it."""
    async with AsyncExitStack() as stack:

        def build(**parts: Any) -> httpx.AsyncClient:
            settings: dict[str, Any] = {
                "title": "Test",
                "service": "test",
                "version": "0.1.0",
                "registry": registry,
                "clock": SimulatedClock(NOW),
                "stopping": asyncio.Event(),
            }
            app = build_app(**settings | parts)
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
            stack.push_async_callback(client.aclose)
            return client

        yield build
