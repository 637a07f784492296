"""CloudEvents 1.0 as they come in: the JSON object of one event, and what must be right about it.

Four attributes are required: ``id``, ``source``, ``specversion`` and ``type``. Others are optional,
extensions are kept as they are, and an optional one that cannot be read hurts nothing: an event whose
``time`` is no time happened when it was received.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Any, Final, NamedTuple

import msgspec

from services.ingest.domain.identifiers import clean_text
from services.ingest.domain.scrubbing import drop_zeros

_REQUIRED: Final = ("id", "source", "specversion", "type")
_VERSION: Final = "1."
_READABLE: Final = ("", "application/json", "text/json")

_read_object: Final = msgspec.json.Decoder(dict[str, Any]).decode
_read_any: Final = msgspec.json.Decoder().decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class EventFault(NamedTuple):
    """What is wrong with an event: a stable code, the attributes at fault, and what to do."""

    code: str
    fields: tuple[str, ...]
    message: str


class CloudEvent(NamedTuple):
    """One event: its attributes as texts, and its data, if that is a JSON object."""

    id: str
    source: str
    type: str
    subject: str | None
    time: object
    partition_key: str | None
    traceparent: str | None
    data: dict[str, Any]

    @property
    def message_id(self) -> str:
        """What the producer calls the event: ids are unique within a source."""
        return f"cloudevent\x1f{self.source}\x1f{self.id}"


NOT_AN_OBJECT: Final = EventFault(
    "cloudevent.not_json", ("",), "A CloudEvent is a JSON object in UTF-8; correct it and send it again."
)


def is_json(media_type: str) -> bool:
    """Return whether content of this type is JSON: ``application/json``, ``…+json``, or not said."""
    essence = media_type.partition(";")[0].strip().lower()
    return essence in _READABLE or essence.endswith("+json")


def open_cloudevent(body: bytes | str) -> CloudEvent | EventFault:
    """Read the JSON object of one event."""
    try:
        given = _read_object(body)
    except _UNREADABLE:
        return NOT_AN_OBJECT
    texts = {name: clean_text(given.get(name)) for name in _REQUIRED}
    missing = tuple(name for name, text in texts.items() if text is None)
    if missing:
        names = ", ".join(missing)
        return EventFault(
            "cloudevent.attribute_missing",
            missing,
            f"A CloudEvent needs {names} as a text that is not empty; add it and send the event again.",
        )
    if not (texts["specversion"] or "").startswith(_VERSION):
        return EventFault(
            "cloudevent.version_unknown",
            ("specversion",),
            'Events are read as CloudEvents 1.0; set specversion to "1.0".',
        )
    content = _read_data(given)
    if isinstance(content, EventFault):
        return content
    return CloudEvent(
        id=texts["id"] or "",
        source=texts["source"] or "",
        type=texts["type"] or "",
        subject=clean_text(given.get("subject")),
        time=given.get("time"),
        partition_key=clean_text(given.get("partitionkey")),
        traceparent=clean_text(given.get("traceparent")),
        data=content if isinstance(content, dict) else {},
    )


def _read_data(given: dict[str, Any]) -> object:
    """Return what the event carries; None for what is neither JSON nor there."""
    packed = given.get("data_base64")
    if packed is None:
        return given.get("data")
    if given.get("data") is not None:
        return EventFault(
            "cloudevent.data_twice",
            ("data", "data_base64"),
            "An event carries data or data_base64, never both; leave one of them out.",
        )
    try:
        if not isinstance(packed, str):
            raise TypeError
        content = b64decode(packed, validate=True)
    except (binascii.Error, ValueError, TypeError):
        return EventFault(
            "cloudevent.data_malformed", ("data_base64",), "data_base64 is no base64; encode the data again."
        )
    if not is_json(str(given.get("datacontenttype") or "")):
        return None
    try:
        return _read_any(drop_zeros(content.decode()))
    except _UNREADABLE:
        return None
