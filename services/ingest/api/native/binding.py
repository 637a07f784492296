"""CloudEvents over HTTP: an event in headers and body, as one JSON object, or as a list of such objects.

The content type tells which (``application/cloudevents``, ``application/cloudevents-batch``, whatever its
case and parameters); anything else with ``ce-`` headers is binary mode. A body that is an event and not
called so is taken for what it is. An event in headers is kept as the
JSON object that says the same. Values of headers may be quoted and percent-encoded or neither, because
some SDKs do not encode.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from services.ingest.api.messages import (
    BYTE_ORDER_MARK,
    LARGEST_EVENT,
    MOST_EVENTS,
    UNREADABLE,
    EventTooLarge,
    ItemFault,
    Message,
    is_oversize,
    oversized,
    pack_excess,
)
from services.ingest.api.native.bodies import Opened, excess_fault, person_key_of
from services.ingest.api.stamping import Key
from services.ingest.domain.dialects.cloudevents import CloudEvent, EventFault, is_json, open_cloudevent
from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.handlers.reading import EXCESS_KIND, OVERSIZE_KIND
from shared.kernel.errors import Rejected

_STRUCTURED: Final = "application/cloudevents"
_BATCHED: Final = "application/cloudevents-batch"
_PREFIX: Final = b"ce-"
_ATTRIBUTE: Final = re.compile("[a-z0-9]+")
_NOT_ATTRIBUTES: Final = frozenset({"data", "datacontenttype", "database64"})
_FIRST: Final = ("specversion", "id", "source", "type")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_LONGEST_KIND: Final = 200

_read_any: Final = msgspec.json.Decoder().decode
_read_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Mode(StrEnum):
    """How CloudEvents travel over HTTP."""

    BINARY = "binary"
    STRUCTURED = "structured"
    BATCHED = "batched"


class EventRefused(Rejected):
    """This is no CloudEvent as the specification has it; field names what to correct."""

    code = "cloudevent.refused"

    def __init__(self, fault: EventFault) -> None:
        super().__init__(fault.message, code=fault.code, field=fault.fields[0] or None)
        self.errors = [{"field": field, "problem": fault.message} for field in fault.fields if field]


class FormatUnknown(Rejected):
    """CloudEvents are read as JSON only: send application/cloudevents+json, or binary mode."""

    code = "cloudevent.format_unknown"


class HeaderNotUtf8(Rejected):
    """A CloudEvents header holds bytes that are not UTF-8; percent-encode the value."""

    code = "cloudevent.header_not_utf8"


class DataNotJson(Rejected):
    """The body is called JSON and is none; correct it, or name its real Content-Type."""

    code = "cloudevent.data_malformed"


class BatchNotAList(Rejected):
    """A batch of CloudEvents is a JSON list of events; a single one is application/cloudevents+json."""

    code = "cloudevent.batch_not_a_list"


def mode_of(headers: Mapping[bytes, str]) -> Mode | None:
    """Return how the events of a request travel, None if it carries no CloudEvent.

    :raises FormatUnknown: if they are written in another format than JSON.
    """
    media = headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if media.startswith(_STRUCTURED):
        kind, _, written = media.partition("+")
        if written not in {"", "json"} or kind not in {_STRUCTURED, _BATCHED}:
            raise FormatUnknown
        return Mode.BATCHED if kind == _BATCHED else Mode.STRUCTURED
    if any(name in headers for name in (b"ce-specversion", b"ce-id", b"ce-type", b"ce-source")):
        return Mode.BINARY
    return None


def sniff(body: bytes) -> Mode | None:
    """Return how events travel that are not called so: content types are often wrong."""
    if b'"specversion"' not in body:
        return None
    try:
        given = _read_any(body.removeprefix(BYTE_ORDER_MARK))
    except UNREADABLE:
        return None
    if isinstance(given, list):
        return Mode.BATCHED
    is_event = isinstance(given, dict) and "specversion" in given and not {"event", "batch"} & given.keys()
    return Mode.STRUCTURED if is_event else None


def open_events(mode: Mode, headers: Mapping[bytes, str], body: bytes) -> Opened:
    """Read the events of a request.

    :raises EventRefused: if a single event is none, or lacks what it must have.
    :raises HeaderNotUtf8: if a header's value cannot be read.
    :raises DataNotJson: if the data of binary mode is called JSON and is none.
    :raises BatchNotAList: if a batch is no list.
    :raises EventTooLarge: if a single event is larger than an event may be.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    if mode is Mode.BATCHED:
        return _open_batch(body)
    if mode is Mode.BINARY:
        body = _as_structured(headers, body)
    event = open_cloudevent(body)
    if isinstance(event, EventFault):
        raise EventRefused(event)
    if is_oversize(body):
        raise EventTooLarge
    return Opened(
        channel="cloudevent",
        messages=[_message_of(event, body)],
        count=1,
        is_many=False,
        names=frozenset({event.type}),
        traceparent=event.traceparent,
    )


def _open_batch(body: bytes) -> Opened:
    try:
        items = _read_list(body)
        body.decode()
    except UNREADABLE:
        raise BatchNotAList from None
    messages: list[Message] = []
    faults: list[ItemFault] = []
    names: set[str] = set()
    for index, raw in enumerate(items[:MOST_EVENTS]):
        text = bytes(raw)
        event = open_cloudevent(text)
        if isinstance(event, EventFault):
            faults.append(ItemFault(index, event.code, event.message, event.fields[0] or None))
            kind = OVERSIZE_KIND if len(text) > LARGEST_EVENT else ""
            messages.append(oversized(text, None, None) if kind else Message("", text, None, None))
        elif is_oversize(text):
            faults.append(ItemFault(index, EventTooLarge.code, EventTooLarge().message))
            messages.append(oversized(text, event.message_id, _key_of(event)))
        else:
            names.add(event.type)
            messages.append(_message_of(event, text))
    count = len(messages)
    messages += pack_excess(items)
    if len(items) > MOST_EVENTS:
        faults.append(excess_fault())
    return Opened(
        channel="cloudevent",
        messages=messages,
        count=count,
        is_many=True,
        names=frozenset(names),
        faults=faults,
    )


def _message_of(event: CloudEvent, body: bytes) -> Message:
    kind = "" if event.type in {OVERSIZE_KIND, EXCESS_KIND} else event.type[:_LONGEST_KIND]
    return Message(kind, body, event.message_id, _key_of(event))


def _key_of(event: CloudEvent) -> Key | None:
    key = person_key_of(event.data)
    if key is not None:
        return key
    told = event.subject or event.partition_key
    return None if told is None else (IdentifierKind.EXTERNAL, told)


def _as_structured(headers: Mapping[bytes, str], body: bytes) -> bytes:
    """Return the JSON object that says what headers and body say."""
    given: dict[str, str] = {}
    for header, value in headers.items():
        name = header.removeprefix(_PREFIX).decode("latin-1")
        if not header.startswith(_PREFIX) or not _ATTRIBUTE.fullmatch(name) or name in _NOT_ATTRIBUTES:
            continue
        text = _decode(value)
        if text is None:
            raise HeaderNotUtf8(field=header.decode("latin-1"))
        given[name] = text
    event: dict[str, object] = {name: given.pop(name) for name in _FIRST if name in given}
    event |= dict(sorted(given.items()))
    content_type = headers.get(b"content-type") or headers.get(b"ce-datacontenttype") or ""
    if content_type:
        event["datacontenttype"] = content_type
    if body:
        event |= _data_of(body, content_type)
    return msgspec.json.encode(event)


def _data_of(body: bytes, content_type: str) -> dict[str, object]:
    if is_json(content_type):
        try:
            _read_any(body)
            body.decode()
        except UNREADABLE:
            if content_type:
                raise DataNotJson(field="data") from None
        else:
            return {"data": msgspec.Raw(body)}
    try:
        return {"data": body.decode()}
    except UnicodeDecodeError:
        return {"data_base64": b64encode(body).decode()}


def _decode(value: str) -> str | None:
    """Return what the value of a header says, None if it is no text: unquoted, then percent-decoded once."""
    text = value.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = _ESCAPED.sub(r"\1", text[1:-1])
    try:
        return unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeDecodeError:
        return None
