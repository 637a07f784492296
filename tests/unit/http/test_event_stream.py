"""Following something that grows, as Server-Sent Events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import httpx
from fastapi import APIRouter, Request

from shared.http.event_stream import (
    EventSourceResponse,
    LastEventId,
    ServerSentEvent,
    StreamEvent,
    follow,
    stopping_of,
)
from shared.kernel.errors import Unavailable
from tests.unit.http.conftest import Call


class Growing:
    """A list of events that grows, can be away, and ends the process after a while."""

    def __init__(self, count: int) -> None:
        self.events = [
            StreamEvent(str(number), "tier_changed", f'{{"n":{number}}}') for number in range(1, count + 1)
        ]
        self.stopping = asyncio.Event()
        self.is_away = False
        self.reads = 0

    async def read(self, after: str | None) -> Sequence[StreamEvent]:
        self.reads += 1
        if self.is_away:
            raise Unavailable(code="database.unavailable")
        found = [event for event in self.events if after is None or int(event.id) > int(after)][:2]
        if not found:
            self.stopping.set()
        return found

    async def follow(self, after: str | None) -> list[ServerSentEvent]:
        poll = timedelta(milliseconds=1)
        return [event async for event in follow(self.read, after=after, stopping=self.stopping, poll=poll)]


class TestFollowing:
    async def test_gives_each_event_once_in_order_until_the_process_stops(self) -> None:
        opening, *events = await Growing(5).follow(None)
        assert [event.id for event in events] == ["1", "2", "3", "4", "5"]
        assert (opening.comment, opening.retry) == ("open", 2_000)

    async def test_goes_on_after_what_the_client_has(self) -> None:
        _, *events = await Growing(5).follow("3")
        assert [event.id for event in events] == ["4", "5"]

    async def test_waits_and_asks_again_when_there_is_nothing_new(self) -> None:
        growing = Growing(0)
        task = asyncio.create_task(self.collect(growing))
        async with asyncio.timeout(60):
            while growing.reads <= 3:
                await asyncio.sleep(0.001)
        growing.stopping.set()
        await task

    async def collect(self, growing: Growing) -> None:
        async def read(_after: str | None) -> Sequence[StreamEvent]:
            growing.reads += 1
            return []

        async for _ in follow(read, after=None, stopping=growing.stopping, poll=timedelta(milliseconds=1)):
            pass

    async def test_ends_and_says_when_to_come_back_when_the_source_is_away(self) -> None:
        growing = Growing(5)
        growing.is_away = True
        *_, last = await growing.follow(None)
        assert (last.comment, last.retry) == ("database.unavailable", 2_000)


async def test_a_route_streams_and_takes_up_where_the_client_broke_off(client_of: Call) -> None:
    growing = Growing(3)
    router = APIRouter()

    @router.get("/stream", response_class=EventSourceResponse)
    async def stream(request: Request, after: LastEventId = None) -> AsyncIterator[ServerSentEvent]:
        async for event in follow(growing.read, after=after, stopping=stopping_of(request)):
            yield event

    client: httpx.AsyncClient = client_of(routers=[router], stopping=growing.stopping)
    answer = await client.get("/stream", headers={"last-event-id": "2"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.text == ': open\nretry: 2000\n\nevent: tier_changed\ndata: {"n":3}\nid: 3\n\n'


async def test_of_a_client_that_does_not_read_no_more_is_kept_than_one_read(client_of: Call) -> None:
    """Nothing ends this source: whatever is read ahead of a client that takes nothing would grow for ever."""
    reads, taken, is_stuck = 0, 0, asyncio.Event()

    async def read(after: str | None) -> Sequence[StreamEvent]:
        nonlocal reads
        reads += 1
        return [StreamEvent(str(int(after or 0) + step), "tier_changed", "{}") for step in range(1, 201)]

    router = APIRouter()

    @router.get("/stream", response_class=EventSourceResponse)
    async def stream(request: Request) -> AsyncIterator[ServerSentEvent]:
        async for event in follow(read, after=None, stopping=stopping_of(request)):
            yield event

    async def send(_message: object) -> None:
        nonlocal taken
        taken += 1
        if taken > 20:
            is_stuck.set()
            await asyncio.Event().wait()

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    client: httpx.AsyncClient = client_of(routers=[router], stopping=asyncio.Event())
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/stream",
        "raw_path": b"/stream",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
    }
    serving = asyncio.create_task(client._transport.app(scope, receive, send))  # type: ignore[attr-defined]
    await is_stuck.wait()
    for _ in range(2_000):  # whatever could go on without the client has gone on by then
        await asyncio.sleep(0)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert reads == 1
