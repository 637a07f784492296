"""A front door that keeps what it is told, and refuses when a test wants it to."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from starlette.types import Receive, Scope, Send

from shared.http.problems import send_json
from shared.http.serving import bind, serve


class FrontDoor:
    """Answers ``POST /v1/batch`` on loopback while it is entered."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.traces: list[str] = []
        self.status = 200
        self.address = ""
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        socket = bind("127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{socket.getsockname()[1]}"
        self._task = asyncio.create_task(
            serve(self, sockets=[socket], stopping=self._stopping, grace=timedelta(seconds=1))
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        assert self._task is not None
        await self._task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if self.status == 200:
            document = json.loads(body)
            self.keys.add(document["writeKey"])
            self.told += document["batch"]
            self.traces += [value.decode() for name, value in scope["headers"] if name == b"traceparent"] or [
                ""
            ]
        await send_json(send, self.status, b"{}")
