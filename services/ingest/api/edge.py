"""The edge: what every way in has in common, and the routes of the SDK protocol.

A request is read within bounds, its write key looked up, its messages stamped and appended to the
raw topic; the answer goes out once the log (or the spill) has them. Whatever is wrong with a message
is the resolver's business: an SDK that is refused throws its data away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

import msgspec
from starlette.types import Receive, Scope, Send

from services.ingest.api.admission.authentication import (
    Keys,
    WriteKeyInvalid,
    WriteKeyOutOfScope,
    find_entrance,
    headers_of,
    query_of,
)
from services.ingest.api.admission.limiter import Limiter
from services.ingest.api.admission.refusals import SOURCE_KEY, Book, Refusals, Samples
from services.ingest.api.documentation.operations import (
    METRICS_OPERATION,
    SDK_SCHEMAS,
    SETTINGS_OPERATION,
    SOURCE_CONFIG_OPERATION,
    batch_operation,
    call_operation,
    pixel_operation,
)
from services.ingest.api.messages import Parcel, open_batch, open_single
from services.ingest.api.stamping import Arrival, Channel, Stamper, client_of
from services.ingest.domain.moments import read_moment
from shared.http.bodies import BODY_KEY, read_body
from shared.http.hot_routes import HotRoute
from shared.http.observation import trace_of
from shared.http.problems import TooManyRequests, send_json
from shared.kernel.clock import Clock
from shared.log.port import NewRecord
from shared.security.write_keys import Door, Entrance

SUCCESS: Final = b'{"success":true}'
"""What SDKs want to hear, to the byte; anything else makes one of them send again for ever."""

_CALLS: Final = {
    "identify": ("/v1/identify", "/v1/i"),
    "track": ("/v1/track", "/v1/t"),
    "page": ("/v1/page", "/v1/p"),
    "screen": ("/v1/screen", "/v1/s"),
    "group": ("/v1/group", "/v1/g"),
    "alias": ("/v1/alias", "/v1/a"),
}
_BATCHES: Final = ("/v1/batch", "/v1/b", "/v1/import", "/v1/import/")
_NEVER_AGAIN: Final = frozenset({"form", "hook", "link"})
"""Channels whose senders do not send again, or give up soon."""
_PIXEL: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


class RawSink(Protocol):
    """Takes records for the raw topic."""

    async def append(self, records: Sequence[NewRecord], *, is_last_chance: bool = False) -> None:
        """Return once all of them are kept for good, in order per key.

        ``is_last_chance`` marks what whoever sent it will not send again.

        :raises Unavailable: if they cannot be; none, some or all may have been kept.
        """
        ...


class EdgeMeter(Protocol):
    """Counts what comes in; never blocks, never raises."""

    def accepted(self, channel: str, count: int) -> None:
        """Count messages that were kept."""
        ...


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """What a request's head tells."""

    headers: Mapping[bytes, str]
    query: Mapping[str, list[str]]
    traceparent: str | None
    scope: Scope


class Edge:
    """The common part of all ways in; make its routes with :func:`sdk_routes`."""

    def __init__(
        self,
        *,
        keys: Keys,
        sink: RawSink,
        clock: Clock,
        stamper: Stamper,
        meter: EdgeMeter,
        turned_away: Samples,
        limiter: Limiter,
        book: Book,
    ) -> None:
        self.clock = clock
        self.stamper = stamper
        self._keys = keys
        self._sink = sink
        self._meter = meter
        self._book = book
        self.refusals = Refusals(keys=keys, book=book, samples=turned_away, clock=clock)
        self._limiter = limiter

    async def authenticate(
        self,
        caller: Caller,
        in_body: Iterable[object],
        *,
        body: bytes,
        door: Door | None = None,
        is_last_chance: bool = False,
    ) -> Entrance:
        """Return the entrance of who sends through ``door``; None is a door that every key opens.

        With ``is_last_chance`` nobody is refused for haste: who comes by a form or a beacon would not send
        again, and pays for the next who would.

        :raises WriteKeyInvalid: if no key works.
        :raises WriteKeyOutOfScope: if those that work open other doors only.
        :raises TooManyRequests: if the key is used faster than it may be.
        :raises Unavailable: if keys cannot be checked now.
        """
        now = self.clock.now()
        try:
            entrance = await find_entrance(
                self._keys, headers=caller.headers, query=caller.query, in_body=in_body, door=door, now=now
            )
        except (WriteKeyInvalid, WriteKeyOutOfScope):
            caller.scope.setdefault(SOURCE_KEY, "")
            raise
        is_first = caller.scope.get(SOURCE_KEY) != entrance.source  # a request may go through two doors
        caller.scope[SOURCE_KEY] = entrance.source
        if is_first:
            try:
                self._limiter.admit(entrance)
            except TooManyRequests:
                if not is_last_chance:
                    raise
            self._book.entered(entrance, at=now)
        return entrance

    async def take(
        self,
        scope: Scope,
        caller: Caller,
        parcel: Parcel,
        *,
        entrance: Entrance,
        channel: Channel,
        batch_context: str | None = None,
        is_last_chance: bool = False,
    ) -> list[str]:
        """Stamp the messages, append them, and return their ids.

        ``is_last_chance`` says that this client sends nothing again, as nobody does who comes by a form,
        a hook or a link; the last room there is, is theirs.

        :raises Unavailable: if they cannot be kept now.
        """
        arrival = Arrival(
            source=entrance.source,
            is_internal=entrance.is_internal,
            channel=channel,
            received=self.clock.now(),
            client=client_of(scope, caller.headers),
            sent=read_moment(parcel.sent_at) or read_moment(caller.headers.get(b"sentat")),
            batch_context=batch_context or parcel.context,
            traceparent=caller.traceparent,
        )
        stamp = (
            self.stamper.press(arrival).stamp
            if len(parcel.messages) > 1
            else partial(self.stamper.stamp, arrival)
        )
        ids, records = [], []
        for kind, body, message_id, key in parcel.messages:
            record_id, record = stamp(kind=kind, body=body, message_id=message_id, key=key)
            ids.append(record_id)
            records.append(record)
        if records:
            is_last_chance = is_last_chance or channel in _NEVER_AGAIN
            await self._sink.append(records, is_last_chance=is_last_chance)
            self._meter.accepted(channel, len(records))
            self._book.accepted(entrance.source, len(records), at=arrival.received)
        return ids

    def single(self, call: str) -> Callable[[Scope, Receive, Send], Any]:
        """Return the route of one call of the SDK protocol."""

        async def take_single(scope: Scope, receive: Receive, send: Send) -> None:
            caller = caller_of(scope)
            body = await read_body(scope, receive)
            parcel = open_single(body, kind=call)
            entrance = await self.authenticate(caller, parcel.write_keys, body=body, door="events")
            await self.take(scope, caller, parcel, entrance=entrance, channel="sdk")
            await send_json(send, 200, SUCCESS)

        return take_single

    async def beacon(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take many calls of a page that is being left; it will not be there to send them again."""
        await self._take_batch(scope, receive, send, is_last_chance=True)

    async def batch(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take many calls at once; one that is of no use does not hurt the others."""
        await self._take_batch(scope, receive, send, is_last_chance=False)

    async def _take_batch(self, scope: Scope, receive: Receive, send: Send, *, is_last_chance: bool) -> None:
        caller = caller_of(scope)
        body = await read_body(scope, receive)
        parcel = open_batch(body)
        entrance = await self.authenticate(
            caller, parcel.write_keys, body=body, door="events", is_last_chance=is_last_chance
        )
        await self.take(
            scope, caller, parcel, entrance=entrance, channel="sdk", is_last_chance=is_last_chance
        )
        await send_json(send, 200, SUCCESS)

    def pixel(self, call: str) -> Callable[[Scope, Receive, Send], Any]:
        """Return the route of a picture whose query is a call; the picture always comes."""

        async def take_pixel(scope: Scope, _receive: Receive, send: Send) -> None:
            caller = caller_of(scope)
            given = {name: values[-1] for name, values in caller.query.items()}
            scope[BODY_KEY] = b""
            try:
                entrance = await self.authenticate(caller, (), body=b"", door="events", is_last_chance=True)
            except (WriteKeyInvalid, WriteKeyOutOfScope) as refused:
                # a picture has nothing to show it with
                await self.refusals.note(scope, refused)
            else:
                # as a batch of one, for that is never refused: what is too large goes to quarantine
                message = {**_unfold(given), "type": call}
                parcel = open_batch(msgspec.json.encode({"batch": [message]}))
                await self.take(scope, caller, parcel, entrance=entrance, channel="sdk", is_last_chance=True)
            headers = {"cache-control": "no-store"}
            await send_json(send, 200, _PIXEL, headers=headers, media_type="image/gif")

        return take_pixel


def _unfold(given: Mapping[str, str]) -> dict[str, object]:
    """Turn ``properties.path`` and the like into objects; a key is no part of a message."""
    message: dict[str, object] = {}
    for name, value in given.items():
        outer, dot, inner = name.partition(".")
        if outer.lower() in {"writekey", "write_key"}:
            continue
        if not dot:
            message.setdefault(name, value)
            continue
        part = message.setdefault(outer, {})
        if isinstance(part, dict):
            part[inner] = value
    return message


def caller_of(scope: Scope) -> Caller:
    """Return what the head of a request tells."""
    return Caller(
        headers=headers_of(scope), query=query_of(scope), traceparent=str(trace_of(scope)), scope=scope
    )


async def _discard(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a client's own measurements; nobody asked for them."""
    await read_body(scope, receive)
    await send_json(send, 200, SUCCESS)


async def _settings(scope: Scope, _receive: Receive, send: Send) -> None:
    """Tell a Segment client to send everything here and to measure nothing."""
    key = scope["path_params"]["write_key"]
    everything = {"enabled": True, "integrations": {}}
    body = {
        "integrations": {
            "Segment.io": {
                "apiKey": key,
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            }
        },
        "plan": {
            "track": {"__default": everything},
            "identify": {"__default": {"enabled": True}},
            "group": {"__default": {"enabled": True}},
        },
        "metrics": {"sampleRate": 0},
        "enabledMiddleware": {},
        "remotePlugins": [],
    }
    await send_json(send, 200, msgspec.json.encode(body))


async def _source_config(scope: Scope, _receive: Receive, send: Send) -> None:
    """Tell a RudderStack client the same in its own words."""
    key = next(iter(query_of(scope).get("writeKey", ())), "")
    quiet = {"enabled": False}
    stamp = "2026-01-01T00:00:00.000Z"
    body = {
        "source": {
            "id": "leadmill",
            "name": "leadmill",
            "writeKey": key,
            "enabled": True,
            "workspaceId": "leadmill",
            "destinations": [],
            "config": {"statsCollection": {"errors": quiet, "metrics": quiet}},
            "dataplanes": {},
            "updatedAt": stamp,
        },
        "updatedAt": stamp,
    }
    await send_json(send, 200, msgspec.json.encode(body))


def _route(**given: Any) -> HotRoute:
    """Return a route that refuses in the one media type that every SDK knows."""
    return HotRoute(**given, problems="application/json", schemas=SDK_SCHEMAS)


def sdk_routes(edge: Edge) -> list[HotRoute]:
    """Return the routes of the SDK protocol, as Segment's and RudderStack's clients use them."""
    routes = [
        _route(path=path, app=edge.single(call), operation=call_operation(call))
        for call, paths in _CALLS.items()
        for path in paths
    ]
    routes += [_route(path=path, app=edge.batch, operation=batch_operation()) for path in _BATCHES]
    routes.append(
        _route(
            path="/beacon/v1/batch",
            app=edge.beacon,
            operation=batch_operation("Many calls of a page that is being left"),
        )
    )
    routes += [
        _route(
            path=f"/pixel/v1/{call}", methods=("GET",), app=edge.pixel(call), operation=pixel_operation(call)
        )
        for call in ("track", "page")
    ]
    return [
        *routes,
        _route(path="/v1/m", app=_discard, operation=METRICS_OPERATION),
        _route(
            path="/v1/projects/{write_key}/settings",
            methods=("GET",),
            app=_settings,
            operation=SETTINGS_OPERATION,
        ),
        _route(
            path="/sourceConfig/", methods=("GET",), app=_source_config, operation=SOURCE_CONFIG_OPERATION
        ),
        _route(path="/sourceConfig", methods=("GET",), app=_source_config, operation=SOURCE_CONFIG_OPERATION),
    ]
