"""One client's connection: whole answers in one piece, everything else as uvicorn does it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from shared.http.connections.connection import Connection
from shared.http.connections.heads import Heads
from shared.http.problems import send_json
from tests.examples import tried

REQUEST = b"POST /v1/track?a=1 HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\ndate: now\r\n\r\n{}"

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Line:
    """A transport that keeps each write."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, _name: str) -> None:
        return None

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Hours:
    """The event loop with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def create_task(self, coroutine: Any, **given: Any) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(coroutine, **given)

    def call_later(self, delay: float, call: Callable[[], None]) -> Any:
        self.calls.append((self.now + delay, call))
        return asyncio.TimerHandle(0, call, (), asyncio.get_running_loop())

    def pass_to(self, now: float) -> None:
        self.now = now
        due = [call for at, call in self.calls if at <= now]
        self.calls = [one for one in self.calls if one[0] > now]
        for call in due:
            call()


class Talk:
    """A connection, whoever answers on it, and what was sent."""

    def __init__(self, app: App, kind: type[HttpToolsProtocol] = Connection) -> None:
        config = uvicorn.Config(
            cast(Any, app),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=75,
        )
        self.state = ServerState()
        self.state.default_headers = [(b"date", b"now")]
        self.hours = Hours()
        self.connection = kind(config, self.state, {}, cast(Any, self.hours))
        self.line = Line()
        self.connection.connection_made(cast(Any, self.line))

    async def say(self, request: bytes) -> list[bytes]:
        self.connection.data_received(request)
        while self.state.tasks:
            await asyncio.gather(*self.state.tasks)
        return self.line.writes


def sending(*messages: Mapping[str, Any]) -> App:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for message in messages:
            await send(cast(Message, dict(message)))

    return app


def start(status: int = 200, **headers: str) -> dict[str, Any]:
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": told}


def body(data: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send_json(send, 200, b"{}")


class TestAWholeAnswer:
    async def test_goes_out_in_one_piece_each_time(self) -> None:
        talk = Talk(answer)
        for _ in range(3):
            await talk.say(REQUEST)
        assert talk.line.writes == [WHOLE] * 3
        assert not talk.line.is_closed

    async def test_has_the_date_of_its_own_second(self) -> None:
        talk = Talk(answer)
        await talk.say(REQUEST)
        talk.state.default_headers = [(b"date", b"later")]
        assert (await talk.say(REQUEST))[1] == WHOLE.replace(b"now", b"later")

    async def test_of_several_requests_that_come_together_stands_in_line(self) -> None:
        seen: list[str] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["path"])
            await answer(scope, receive, send)

        talk = Talk(app)
        await talk.say(REQUEST + REQUEST.replace(b"/v1/track", b"/v1/p%61ge") + REQUEST)
        assert seen == ["/v1/track", "/v1/page", "/v1/track"]
        assert talk.line.writes == [WHOLE] * 3


class TestEverythingElse:
    @pytest.mark.parametrize(
        ("messages", "request_"),
        [
            pytest.param([start(content_length="2"), body(b"{}")], b"HEAD / HTTP/1.1\r\n\r\n", id="a head"),
            pytest.param([start(content_length="2"), body(b"{}")], b"GET / HTTP/1.0\r\n\r\n", id="HTTP/1.0"),
            pytest.param(
                [start(content_length="2"), body(b"{}")],
                b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
                id="one that closes",
            ),
            pytest.param([start(connection="close", content_length="0"), body()], REQUEST, id="who closes"),
            pytest.param([start(), body(b"a", more=True), body(b"b"), body()], REQUEST, id="chunks"),
            pytest.param([start(204), body()], REQUEST, id="no body"),
            pytest.param([start(304, content_length="5"), body()], REQUEST, id="what has not changed"),
            pytest.param(
                [start(content_length="4"), body(b"ab", more=True), body(b"cd")], REQUEST, id="two pieces"
            ),
            pytest.param([start(content_length="3"), body(b"{}")], REQUEST, id="too short"),
            pytest.param([start(content_length="1"), body(b"{}")], REQUEST, id="too long"),
            pytest.param([start(content_length="x"), body(b"{}")], REQUEST, id="a length that is none"),
            pytest.param([start(content_length="2", x="a\r\nb: c"), body(b"{}")], REQUEST, id="two lines"),
            pytest.param([start(content_length="2")], REQUEST, id="half an answer"),
            pytest.param([], REQUEST, id="no answer"),
            pytest.param([body(b"{}")], REQUEST, id="no head"),
        ],
    )
    async def test_is_answered_as_uvicorn_does(self, messages: list[Any], request_: bytes) -> None:
        ours, theirs = Talk(sending(*messages)), Talk(sending(*messages), HttpToolsProtocol)
        await ours.say(request_)
        await theirs.say(request_)
        if messages == [start(content_length="2")]:  # what was never sent can still be told as a failure
            assert ours.line.writes[0].startswith(b"HTTP/1.1 500 ")
        else:
            assert b"".join(ours.line.writes) == b"".join(theirs.line.writes)
        assert ours.line.is_closed == theirs.line.is_closed

    async def test_a_stream_shows_its_head_before_there_is_anything_in_it(self) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send(start(content_type="text/event-stream"))
            begun.set()
            await go_on.wait()
            await send(body(b"data: 1\n\n"))

        talk = Talk(app)
        saying = asyncio.create_task(talk.say(REQUEST))
        await begun.wait()
        assert b"content-type: text/event-stream\r\n" in talk.line.writes[0]
        go_on.set()
        await saying

    async def test_who_fails_behind_the_head_of_a_whole_answer_is_told_as_a_failure(self) -> None:
        async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send(start(content_length="2"))
            raise RuntimeError

        (sent,) = {line.partition(b"\r\n")[0] for line in (await Talk(app).say(REQUEST))[:1]}
        assert sent == b"HTTP/1.1 500 Internal Server Error"


class TestAnIdleConnection:
    async def test_is_closed_after_its_time_counted_from_its_last_answer(self) -> None:
        talk = Talk(answer)
        await talk.say(REQUEST)
        talk.hours.now = 1_070.0
        await talk.say(REQUEST)
        talk.hours.pass_to(1_075.0)
        assert not talk.line.is_closed
        talk.hours.pass_to(1_144.9)
        assert not talk.line.is_closed
        talk.hours.pass_to(1_145.0)
        assert talk.line.is_closed

    async def test_has_one_timer_however_many_requests_came(self) -> None:
        talk = Talk(answer)
        for _ in range(10):
            await talk.say(REQUEST)
        assert len(talk.hours.calls) == 1

    async def test_is_not_idle_while_it_is_answered_or_while_a_request_comes(self) -> None:
        talk = Talk(answer)
        await talk.say(REQUEST)
        talk.connection.data_received(REQUEST[:20])
        talk.hours.pass_to(2_000.0)
        assert not talk.line.is_closed
        await talk.say(REQUEST[20:])
        assert talk.line.writes == [WHOLE] * 2
        talk.hours.pass_to(2_075.0)
        assert talk.line.is_closed


class TestHeads:
    @given(
        st.integers(100, 599),
        st.lists(
            st.tuples(
                st.sampled_from([b"content-length", b"Content-Length", b"x", b"connection", b"vary", b"a b"])
                | st.binary(max_size=3),
                st.sampled_from([b"2", b"02", b"-1", b"close", b"\r\n", b"\xe4"]) | st.binary(max_size=4),
            ),
            max_size=4,
        ),
    )
    @settings(max_examples=tried(120), deadline=None)
    async def test_are_uvicorns_own_or_none(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        known = Heads().head_of(status, headers, [(b"date", b"now")])
        if known is None:
            return
        head, length = known
        told = {"type": "http.response.start", "status": status, "headers": headers}
        talk = Talk(sending(told, body(b"x" * min(length, 9_999))), HttpToolsProtocol)
        sent = b"".join(await talk.say(REQUEST))
        lines, _, _ = sent.partition(b"\r\n\r\n")
        theirs, ours = lines.lower().split(b"\r\n"), head.lower().split(b"\r\n")[:-2]
        assert sorted(theirs) == sorted(ours)

    def test_are_bounded_and_may_differ_in_every_answer(self) -> None:
        heads = Heads()
        for number in range(2_000):
            found = heads.head_of(200, [(b"content-length", b"%d" % number)], [])
            assert found == (b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % number, number)
