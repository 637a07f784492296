"""Server-Sent Events that can be taken up again where they broke off, and end cleanly on shutdown.

FastAPI writes the wire format and the heartbeats; what is here follows something that grows. A
route looks like this::

    @router.get("/tier-changes/stream", response_class=EventSourceResponse)
    async def stream(request: Request, after: LastEventId = None) -> AsyncIterator[ServerSentEvent]:
        async for event in follow(read, after=after, stopping=stopping_of(request)):
            yield event
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Annotated, Final, NamedTuple

from fastapi import Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from shared.kernel.errors import Unavailable
from shared.telemetry.logging import get_logger

__all__ = ["EventSourceResponse", "LastEventId", "ServerSentEvent", "StreamEvent", "follow", "stopping_of"]

logger = get_logger(__name__)

LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=200)]
"""What a client received last, as it says when it comes back."""

_RETRY_MS: Final = 2_000


class StreamEvent(NamedTuple):
    """One event: the id to go on from, its kind, and its data as JSON text."""

    id: str
    kind: str
    data: str


def stopping_of(request: Request) -> asyncio.Event:
    """Return the event that is set when the process begins to stop."""
    stopping: asyncio.Event = request.app.state.stopping
    return stopping


async def follow(
    read: Callable[[str | None], Awaitable[Sequence[StreamEvent]]],
    *,
    after: str | None,
    stopping: asyncio.Event,
    poll: timedelta = timedelta(milliseconds=250),
) -> AsyncIterator[ServerSentEvent]:
    """Give every event after ``after``, in order, each once, until the process stops.

    ``read(after)`` returns the next events, or none; it is asked again after ``poll``. When the
    process stops, or what is read is unavailable, the stream ends and tells the client when to
    come back; nothing is lost, because the client names what it has.
    """
    yield ServerSentEvent(comment="open", retry=_RETRY_MS)
    while not stopping.is_set():
        try:
            events = await read(after)
        except Unavailable as error:
            logger.warning("stream_interrupted", code=error.reason)
            yield ServerSentEvent(comment=error.reason, retry=_RETRY_MS)
            return
        for event in events:
            yield ServerSentEvent(id=event.id, event=event.kind, raw_data=event.data)
            after = event.id
        if not events:
            try:
                async with asyncio.timeout(poll.total_seconds()):
                    await stopping.wait()
            except TimeoutError:
                continue
