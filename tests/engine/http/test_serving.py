"""Listening, answering and stopping, over real sockets of the loopback."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from shared.http.app import build_app
from shared.http.bodies import read_body
from shared.http.event_stream import EventSourceResponse, ServerSentEvent, StreamEvent, follow, stopping_of
from shared.http.hot_routes import HotRoute
from shared.http.problems import send_json
from shared.http.serving import AddressUnusable, PortTaken, bind, serve
from shared.kernel.clock import SimulatedClock


async def count_bytes(scope: Scope, receive: Receive, send: Send) -> None:
    body = await read_body(scope, receive)
    await send_json(send, 200, b"%d" % len(body))


@asynccontextmanager
async def running(
    *, stopping: asyncio.Event, grace: float = 5.0, **parts: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, asyncio.Task[None]]]:
    app = build_app(
        title="Test",
        service="test",
        version="0.1.0",
        registry=CollectorRegistry(),
        clock=SimulatedClock(0),
        stopping=stopping,
        **parts,
    )
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    task = asyncio.create_task(
        serve(app, sockets=[listener], stopping=stopping, grace=timedelta(seconds=grace))
    )
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        try:
            yield client, task
        finally:
            stopping.set()
            await task


class TestServing:
    async def test_reads_bodies_of_every_kind(self) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(10):
                yield b"x" * 1_000

        routes = [HotRoute(path="/count", app=count_bytes)]
        async with running(stopping=asyncio.Event(), hot_routes=routes) as (client, _):
            assert (await client.post("/count", content=b"x" * 1_000_000)).text == "1000000"
            assert (await client.post("/count", content=gzip.compress(b"x" * 1_000_000))).text == "1000000"
            assert (await client.post("/count", content=pieces())).text == "10000"
            assert (await client.post("/count", content=b"x" * 5_000_000)).status_code == 413
            assert "server" not in (await client.post("/count")).headers

    async def test_finishes_what_was_begun_before_it_stops(self) -> None:
        begun = asyncio.Event()

        async def take_time(scope: Scope, receive: Receive, send: Send) -> None:
            begun.set()
            await asyncio.sleep(0.3)
            await send_json(send, 200, b'"done"')

        stopping = asyncio.Event()
        routes = [HotRoute(path="/slow", app=take_time, methods=("GET",))]
        async with running(stopping=stopping, hot_routes=routes) as (client, task):
            answer = asyncio.create_task(client.get("/slow"))
            await begun.wait()
            stopping.set()
            assert (await answer).json() == "done"
            await asyncio.wait_for(task, 60)
            with pytest.raises(httpx.ConnectError):
                await client.get("/slow")

    async def test_does_not_wait_longer_than_its_grace(self) -> None:
        begun = asyncio.Event()

        async def hang(scope: Scope, receive: Receive, send: Send) -> None:
            begun.set()
            await asyncio.sleep(3_600)

        stopping = asyncio.Event()
        routes = [HotRoute(path="/hang", app=hang, methods=("GET",))]
        async with running(stopping=stopping, grace=0.1, hot_routes=routes) as (client, task):
            answer = asyncio.create_task(client.get("/hang"))
            await begun.wait()
            stopping.set()
            await asyncio.wait_for(task, 60)
            refused = await answer
            assert (refused.status_code, refused.json()["code"]) == (503, "http.stopping")
            assert refused.headers["retry-after"] == "1"

    async def test_ends_event_streams_at_once_when_it_stops(self) -> None:
        router = APIRouter()
        sent = [StreamEvent("1", "tier_changed", "{}")]

        async def read(after: str | None) -> Sequence[StreamEvent]:
            return sent if after is None else []

        @router.get("/stream", response_class=EventSourceResponse)
        async def stream(request: Request) -> AsyncIterator[ServerSentEvent]:
            async for event in follow(read, after=None, stopping=stopping_of(request)):
                yield event

        stopping = asyncio.Event()
        async with running(stopping=stopping, routers=[router]) as (client, task):
            lines: list[str] = []
            async with client.stream("GET", "/stream") as answer:
                async for line in answer.aiter_lines():
                    lines.append(line)
                    if line == "id: 1":
                        stopping.set()
            assert "event: tier_changed" in lines
            await asyncio.wait_for(task, 60)

    async def test_leaves_no_socket_behind_when_it_is_cancelled(self) -> None:
        listener = bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        task = asyncio.create_task(serve(count_bytes, sockets=[listener], stopping=asyncio.Event()))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        bind("127.0.0.1", port).close()


class TestBinding:
    def test_a_port_that_is_taken_is_named_in_one_line(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with pytest.raises(PortTaken) as caught:
                bind("127.0.0.1", port)
        assert str(caught.value) == (
            f"http.port_taken: port {port} is taken by another program; stop it, or choose another port"
        )

    @pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
    def test_an_address_that_is_not_ours_is_refused(self, host: str) -> None:
        with pytest.raises(AddressUnusable):
            bind(host, 0)
