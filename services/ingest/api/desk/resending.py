"""Requests that were turned away, sent through the same routes again, as a source that is named.

What let nobody in then is not asked for now: whoever sends them again answers for it. Everything else is as
it was, above all the time at which it was received, so that signatures are as old as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from services.ingest.api.admission.limiter import Limiter
from services.ingest.api.edge import Edge
from services.ingest.api.stamping import Stamper
from services.ingest.domain.admission.samples import Sample, TurnedAway
from services.ingest.domain.admission.token_bucket import Rate
from shared.http.app import NotFound
from shared.http.hot_routes import HotRoute, HotRoutes
from shared.http.observation import TRACE_KEY
from shared.kernel.errors import Rejected
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from shared.log.port import NewRecord
from shared.security.write_keys import Entrance
from shared.telemetry.tracing import continue_or_start

_ANY_KEY: Final = (b"x-write-key", b"sent-again")


class RefusedAnew(Rejected):
    """The request is refused as before, or in another way; it stays where it is."""

    code = "sample.refused"


class Resending:
    """Sends one request at a time through the routes that ``routes_of`` makes for an edge."""

    def __init__(self, routes_of: Callable[[Edge], Sequence[HotRoute]], *, identity_key: bytes) -> None:
        self._source = ""
        self._received: Instant = 0
        self._record_id = ""
        self._records: list[NewRecord] = []
        self._given = 0
        self._refused = ""
        edge = Edge(
            keys=self,
            sink=self,
            clock=self,
            stamper=Stamper(identity_key=identity_key, new_id=self._new_id),
            meter=self,
            turned_away=self,
            limiter=Limiter(Rate(1, 1)),
            book=_NoBook(self),
        )
        self._app = HotRoutes(_nothing_here, routes=edge.refusals.watch(routes_of(edge)))

    async def resend(
        self, sample: Sample, *, source: str, received: Instant, record_id: str
    ) -> Sequence[NewRecord]:
        """Return what the routes make of a request, as if ``source`` had sent it when it was received.

        Messages without an id of their own get one that follows from ``record_id``, so that a request that
        is sent again twice has its effect once.

        :raises Verdict: if it is refused again.
        """
        self._source, self._received, self._record_id = source, received, record_id
        self._records, self._given, self._refused = [], 0, ""
        status = 0

        async def receive() -> Message:
            return {"type": "http.request", "body": sample.content, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]

        await self._app(_scope_of(sample), receive, send)
        if self._refused or status >= 400:
            raise RefusedAnew(code=self._refused or None)
        return self._records

    def now(self) -> Instant:
        """Return when the request was received."""
        return self._received

    async def entrance_of(self, _key: str, *, now: Instant) -> Entrance | None:
        """Let the request in as the source that was named."""
        return Entrance(self._source)

    async def append(self, records: Sequence[NewRecord], *, is_last_chance: bool = False) -> None:
        """Keep what the routes made of the request."""
        self._records += records

    def accepted(self, channel: str, count: int) -> None:
        """Count nothing: it came in long ago."""

    def note(self, request: TurnedAway) -> None:
        """Keep no sample of what is one."""

    def refuse(self, code: str) -> None:
        """Note that a route has refused the request, in whatever words."""
        self._refused = code

    def _new_id(self) -> str:
        self._given += 1
        return deterministic_id("sample", self._record_id, str(self._given))


class _NoBook:
    """Counts nothing, and tells what is refused."""

    def __init__(self, resending: Resending) -> None:
        self._resending = resending

    def entered(self, entrance: Entrance, *, at: Instant) -> None: ...

    def accepted(self, source: str, count: int, *, at: Instant) -> None: ...

    def refused(self, source: str, code: str, *, at: Instant) -> None:
        self._resending.refuse(code)


def _scope_of(sample: Sample) -> Scope:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sample.headers]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": sample.method,
        "scheme": "https",
        "path": sample.path,
        "raw_path": sample.path.encode("utf-8"),
        "query_string": sample.query.encode("latin-1"),
        "headers": [*headers, _ANY_KEY],
        "client": None,
        TRACE_KEY: continue_or_start(None),
    }


async def _nothing_here(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise NotFound
