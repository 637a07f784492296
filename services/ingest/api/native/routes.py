"""The routes of the native API, and of CloudEvents.

A sender who names a request by an ``Idempotency-Key`` may send it again; a message with an id of its own is
recognised without one. What one event may tell is a question of its name, so its write key must open that
door: leads, reports, or events.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

import msgspec
from starlette.types import Receive, Scope, Send

from services.ingest.api.documentation.operations import (
    NATIVE_SCHEMAS,
    Operation,
    cloudevent_operation,
    cost_operation,
    event_operation,
    lead_operation,
    outcome_operation,
)
from services.ingest.api.edge import Caller, Edge, caller_of
from services.ingest.api.messages import Parcel
from services.ingest.api.native.binding import mode_of, open_events, sniff
from services.ingest.api.native.bodies import KeyOf, Opened, open_native, person_key_of, report_key_of
from services.ingest.api.native.idempotency import NamedRequest, Once, answer_once, name_request, read_name
from services.ingest.api.native.verdicts import judge
from services.ingest.api.stamping import Channel
from services.ingest.domain.dialects.event_types import EventKind, Meaning
from services.ingest.handlers.reading import RequestContext
from shared.contracts.events.raw import RawReceived
from shared.http.bodies import read_body
from shared.http.hot_routes import HotRoute
from shared.http.problems import send_json
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.security.write_keys import Door, Entrance
from shared.telemetry.tracing import parse_traceparent

_DOORS: Final[Mapping[EventKind, Door]] = {
    EventKind.LEAD: "leads",
    EventKind.OUTCOME: "reports",
    EventKind.COST: "reports",
}
_OF_CHANNEL: Final[Mapping[Channel, Door]] = {"lead": "leads", "outcome": "reports", "cost": "reports"}

_REPORTS: Final = frozenset({"outcome", "cost"})

Open = Callable[[Caller, bytes], Opened]


class NotACloudEvent(Rejected):
    """This address takes CloudEvents: name ce-id, ce-source, ce-type and ce-specversion in headers."""

    code = "cloudevent.none"


class Reads(Protocol):
    """Reads messages as the resolver will; ``services.ingest.handlers.reading.RawReader`` does."""

    def meaning_of(self, name: str) -> Meaning:
        """Return what an event of this name tells."""
        ...

    def find_refusal(self, raw: RawReceived, *, record_id: str, received: Instant) -> str | None:
        """Return the code under which a message will go to quarantine, None if it can be used."""
        ...


@dataclass(frozen=True, slots=True)
class NativeDoor:
    """What the native routes share."""

    edge: Edge
    once: Once
    reader: Reads

    def route(self, path: str, open_request: Open) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return the application of one address; ``open_request`` takes its requests apart."""

        async def take(scope: Scope, receive: Receive, send: Send) -> None:
            caller = caller_of(scope)
            key = read_name(caller.headers)
            body = await read_body(scope, receive)
            opened = open_request(caller, body)
            entrance = await self._authenticate(caller, opened, body)
            if key is None:
                await send_json(send, 200, await self._keep(scope, caller, opened, entrance))
                return
            request = name_request(
                key,
                source=entrance.source,
                route=path,
                messages=opened.messages,
                stamper=self.edge.stamper,
            )

            async def keep() -> bytes:
                return await self._keep(scope, caller, opened, entrance, request)

            answer, is_repeated = await answer_once(self.once, request, now=self.edge.clock.now(), act=keep)
            headers = {"idempotency-replayed": "true"} if is_repeated else {}
            await send_json(send, 200, answer, headers=headers)

        return take

    async def _authenticate(self, caller: Caller, opened: Opened, body: bytes) -> Entrance:
        """Return the entrance of a key that opens every door that the messages go through."""
        doors = self._doors_of(opened)
        entrance = await self.edge.authenticate(caller, opened.write_keys, body=body, door=doors[0])
        for door in doors[1:]:
            entrance = await self.edge.authenticate(caller, opened.write_keys, body=body, door=door)
        return entrance

    def _doors_of(self, opened: Opened) -> list[Door]:
        door = _OF_CHANNEL.get(opened.channel)
        if door is not None:
            return [door]
        doors = {_DOORS.get(self.reader.meaning_of(name).kind, "events") for name in opened.names}
        return sorted(doors) or ["events"]

    async def _keep(
        self,
        scope: Scope,
        caller: Caller,
        opened: Opened,
        entrance: Entrance,
        request: NamedRequest | None = None,
    ) -> bytes:
        """Append the messages and return the answer, which depends on nothing but them and their names."""
        messages, context = opened.messages, None
        if request is not None:
            if not opened.is_many and messages[0].message_id is None:
                shown = RequestContext(idempotency_key=request.key)
                context = msgspec.json.encode(shown).decode()
            messages = request.name_messages(messages)
        told = opened.traceparent
        if told is not None and b"traceparent" not in caller.headers and parse_traceparent(told.encode()):
            caller = msgspec.structs.replace(caller, traceparent=told)
        ids = await self.edge.take(
            scope,
            caller,
            Parcel(messages, ()),
            entrance=entrance,
            channel=opened.channel,
            batch_context=context,
        )
        faults = await judge(
            messages[: opened.count],
            ids,
            entrance=entrance,
            channel=opened.channel,
            received=self.edge.clock.now(),
            known=opened.faults,
            find_refusal=self.reader.find_refusal,
        )
        answer: dict[str, Any] = {"success": True}
        has_ids = opened.is_many or opened.channel in _REPORTS
        answer |= {"ids": ids[: opened.count]} if has_ids else {"id": ids[0]}
        if faults:
            answer["quarantined"] = faults
        return msgspec.json.encode(answer)


def _opens(channel: Channel, key_of: KeyOf, *, may_be_many: bool = True) -> Open:
    def open_request(_caller: Caller, body: bytes) -> Opened:
        return open_native(body, channel=channel, key_of=key_of, may_be_many=may_be_many)

    return open_request


def _open_events(caller: Caller, body: bytes) -> Opened:
    mode = mode_of(caller.headers) or sniff(body)
    if mode is None:
        return open_native(body, channel="event", key_of=person_key_of)
    return open_events(mode, caller.headers, body)


def _open_cloudevents(caller: Caller, body: bytes) -> Opened:
    mode = mode_of(caller.headers) or sniff(body)
    if mode is None:
        raise NotACloudEvent
    return open_events(mode, caller.headers, body)


def native_routes(edge: Edge, *, once: Once, reader: Reads, remembered: timedelta) -> list[HotRoute]:
    """Return the routes of the native API; ``remembered`` is how long a named request is known."""
    door = NativeDoor(edge, once, reader)
    lead = _opens("lead", person_key_of, may_be_many=False)
    outcomes, costs = _opens("outcome", report_key_of), _opens("cost", report_key_of)
    routes: Mapping[str, tuple[Open, Operation]] = {
        "/v1/leads": (lead, lead_operation(remembered=remembered)),
        "/v1/events": (_open_events, event_operation(remembered=remembered)),
        "/": (_open_cloudevents, cloudevent_operation(remembered=remembered)),
        "/v1/outcomes": (outcomes, outcome_operation(remembered=remembered)),
        "/v1/costs": (costs, cost_operation(remembered=remembered)),
    }
    return [
        HotRoute(path=path, app=door.route(path, opens), operation=operation, schemas=NATIVE_SCHEMAS)
        for path, (opens, operation) in routes.items()
    ]
