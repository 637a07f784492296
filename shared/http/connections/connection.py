"""One client's connection: uvicorn's, without what each request would pay for and none needs.

An answer that tells its length goes out whole, in one system call. A connection has one timer for being
idle, and not a new one for each request. Everything else (chunks, streams, pipelines, whoever closes) is
uvicorn's own way, so this relies on its inside: on uvicorn 0.54, which is pinned.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shared.http.connections.heads import Heads

_START: Final = "http.response.start"
_BODY: Final = "http.response.body"
_HEADS: Final = Heads()


class Exchange(RequestResponseCycle):
    """One request and its answer."""

    _held: Any = None

    async def send(self, message: Any) -> None:
        """Send a part of the answer; a head that tells its length waits for the body to go with."""
        kind = message["type"]
        if kind == _START and not self.response_started:
            self._held = message
            self._head = _HEADS.head_of(message["status"], message.get("headers", ()), self.default_headers)
            if self._head is not None and self.scope["method"] != "HEAD":
                return
        held, self._held = self._held, None
        if held is None or held is message:
            await super().send(message)
            return
        if kind == _BODY and not message.get("more_body", False) and self._answer(message.get("body", b"")):
            return
        await super().send(held)
        await super().send(message)

    def _answer(self, body: bytes) -> bool:
        """Send the whole answer if it can be sent now and is as long as its head tells."""
        head = self._head
        if head is None or head[1] != len(body):
            return False
        if self.disconnected or not self.keep_alive or self.flow.write_paused:
            return False
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(head[0] + body)
        self.message_event.set()
        self.on_response()
        return True


class Connection(HttpToolsProtocol):
    """What uvicorn is told to speak HTTP with."""

    app: Any
    _idle_since: float | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def on_headers_complete(self) -> None:
        """Begin to answer, or stand in line behind the request before."""
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        if version != "1.1":
            scope["http_version"] = version
        url = httptools.parse_url(self.url)
        scope["raw_path"] = raw_path = url.path
        path = raw_path.decode("ascii")
        scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        scope["query_string"] = url.query or b""
        before: RequestResponseCycle | None = self.cycle
        self.cycle = exchange = Exchange(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(exchange, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))

    def on_response_complete(self) -> None:
        """Begin with the next request, or wait for one for as long as a connection may be idle."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self._timer is None:
            self._timer = self.loop.call_later(self.timeout_keep_alive, self._look_if_idle)

    def _unset_keepalive_if_required(self) -> None:
        """Note that something has come; uvicorn says so before it reads it."""
        self._idle_since = None

    def _look_if_idle(self) -> None:
        self._timer = None
        if self._idle_since is None or self.transport.is_closing():
            return  # it is working: its answer sets the timer anew
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(left, self._look_if_idle)
        else:
            self.transport.close()
