"""What the front door refuses: counted by source and reason, and a sample of it kept.

One place for all routes, outside of them, so that nobody forgets it. What a client does wrong is kept with
its bytes, because a client that is refused throws them away; what we could not do at the moment is only
counted, because it comes again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from services.ingest.api.admission.authentication import Keys, find_entrance, headers_of, query_of
from services.ingest.domain.admission.samples import TurnedAway
from shared.http.bodies import BODY_KEY
from shared.http.hot_routes import HotRoute
from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected, Verdict
from shared.kernel.instants import Instant
from shared.security.write_keys import Entrance

SOURCE_KEY: Final = "leadmill.source"
"""Where the source of a request stands in the ASGI scope, once it is known."""

_NOTED_KEY: Final = "leadmill.refusal_noted"
_KEY_PARAMETERS: Final = ("key", "form_key", "write_key")
_SOME_KEY: Final = "some-key"
_OF_NO_INTEREST: Final = ("http.", "access.", "command.")
"""Codes of requests that are no data, or that were answered already."""


class Book(Protocol):
    """Keeps count of what each source sends; never blocks, never raises."""

    def entered(self, entrance: Entrance, *, at: Instant) -> None:
        """Note that a key opened a door."""
        ...

    def accepted(self, source: str, count: int, *, at: Instant) -> None:
        """Count messages that were kept."""
        ...

    def refused(self, source: str, code: str, *, at: Instant) -> None:
        """Count a request that was refused; the source is ``""`` if nobody knows whose it is."""
        ...


class Samples(Protocol):
    """Keeps a sample of what was turned away; never blocks, never raises."""

    def note(self, request: TurnedAway) -> None:
        """Look at one request."""
        ...


class Refusals:
    """Looks at every request that a route refuses."""

    def __init__(self, *, keys: Keys, book: Book, samples: Samples, clock: Clock) -> None:
        self._keys = keys
        self._book = book
        self._samples = samples
        self._clock = clock

    def watch(self, routes: Sequence[HotRoute]) -> list[HotRoute]:
        """Return the same routes, with an eye on what they refuse."""
        return [replace(route, app=self._watched(route.app)) for route in routes]

    def _watched(self, app: ASGIApp) -> ASGIApp:
        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except Verdict as refused:
                await self.note(scope, refused)
                raise

        return watched

    async def note(self, scope: Scope, refused: Verdict) -> None:
        """Note that a request is refused, once; for routes that tell their client in another way."""
        if _NOTED_KEY in scope:
            return
        scope[_NOTED_KEY] = True
        now = self._clock.now()
        body: bytes | None = scope.get(BODY_KEY)
        source: str | None = scope.get(SOURCE_KEY)
        if source is None:
            source = "" if body is None else await self._source_of(scope, now)
        self._book.refused(source, refused.reason, at=now)
        if body is None or not isinstance(refused, Rejected) or refused.reason.startswith(_OF_NO_INTEREST):
            return
        self._samples.note(
            TurnedAway(
                *(source, refused.reason, now, scope["method"], _path_without_key(scope)),
                *(scope.get("query_string", b""), scope["headers"], body),
            )
        )

    async def _source_of(self, scope: Scope, now: Instant) -> str:
        """Return whose a request is that was refused before anybody asked for its key."""
        with contextlib.suppress(Verdict):
            entrance = await find_entrance(
                self._keys, headers=headers_of(scope), query=query_of(scope), now=now
            )
            return entrance.source
        return ""


def _path_without_key(scope: Scope) -> str:
    """Return the path; a write key in it is nobody's business who looks into quarantine."""
    path: str = scope["path"]
    for name in _KEY_PARAMETERS:
        if key := (scope.get("path_params") or {}).get(name):
            path = path.replace(f"/{key}", f"/{_SOME_KEY}", 1)
    return path
