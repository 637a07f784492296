"""Takes a request's body apart into single messages, verbatim, reading only what a stamp needs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from services.ingest.api.stamping import Key
from services.ingest.domain.identifiers import IdentifierKind, clean_text
from services.ingest.handlers.reading import EXCESS_KIND, OVERSIZE_KIND
from shared.kernel.errors import Rejected

LARGEST_EVENT: Final = 32 * 1024
"""Bytes that one event may have, written without blanks."""

MOST_EVENTS: Final = 2_500
"""Events that one batch may have; what comes after them is kept together, for quarantine."""

_SAMPLE: Final = 8 * 1024
_EXCESS_PIECE: Final = 256 * 1024
_LONGEST_KIND: Final = 32
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class BodyNotJson(Rejected):
    """The body is not a JSON object; correct it and send it again."""

    code = "body.not_json"


class EventTooLarge(Rejected):
    """An event may have 32 KiB; send less with it."""

    code = "event.too_large"


class _HeadContext(msgspec.Struct, gc=False):
    traits: Any = None


class _Head(msgspec.Struct, gc=False):
    type: Any = None
    messageId: Any = None  # noqa: N815 - the protocol's names
    anonymousId: Any = None  # noqa: N815
    previousId: Any = None  # noqa: N815
    userId: Any = None  # noqa: N815
    leadId: Any = None  # noqa: N815
    writeKey: Any = None  # noqa: N815
    sentAt: Any = None  # noqa: N815
    traits: msgspec.Raw = msgspec.Raw()
    context: msgspec.Raw = msgspec.Raw()


class _Batch(msgspec.Struct, gc=False):
    batch: list[msgspec.Raw]
    writeKey: Any = None  # noqa: N815
    sentAt: Any = None  # noqa: N815
    context: msgspec.Raw = msgspec.Raw()


_read_head: Final = msgspec.json.Decoder(_Head).decode
_read_batch: Final = msgspec.json.Decoder(_Batch).decode
_read_context: Final = msgspec.json.Decoder(_HeadContext).decode
_read_any: Final = msgspec.json.Decoder().decode
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Message(NamedTuple):
    """One message: its kind, its bytes, the client's id for it, and who it is about."""

    kind: str
    body: bytes
    message_id: str | None
    key: Key | None


class ItemFault(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message of a batch that goes to quarantine: its place, the reason, and what to do."""

    index: int
    code: str
    message: str
    field: str | None = None


class Parcel(NamedTuple):
    """The messages of one request, with what stands beside them."""

    messages: list[Message]
    write_keys: tuple[object, ...]
    sent_at: object = None
    context: str | None = None


def open_single(body: bytes, *, kind: str) -> Parcel:
    """Read a body that is one message.

    :raises BodyNotJson: if it is no JSON object.
    :raises EventTooLarge: if it is larger than an event may be.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        head = _read_head(body)
        body.decode()
    except UNREADABLE:
        raise BodyNotJson from None
    if is_oversize(body):
        raise EventTooLarge
    message = Message(kind, body, clean_text(head.messageId), _key_of(head))
    return Parcel([message], (head.writeKey,), head.sentAt)


def open_batch(body: bytes) -> Parcel:
    """Read a body that is a batch; what cannot be used in it is kept, for quarantine.

    An object without a batch is one message: an event that was sent to the wrong address counts as what
    it says, anything else goes to quarantine. A refusal would make its client delete it.

    :raises BodyNotJson: if it is no JSON object.
    :raises EventTooLarge: if it is one message, and larger than an event may be.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        batch = _read_batch(body)
    except msgspec.ValidationError:
        return _open_alone(body)
    except UNREADABLE:
        raise BodyNotJson from None
    first_key: object = None
    messages = []
    for index, raw in enumerate(batch.batch[:MOST_EVENTS]):
        item = bytes(raw)
        try:
            head = _read_head(item)
        except UNREADABLE:
            messages.append(Message("", item[:LARGEST_EVENT], None, None))
            continue
        if index == 0:
            first_key = head.writeKey
        message_id, key = clean_text(head.messageId), _key_of(head)
        if is_oversize(item):
            messages.append(oversized(item, message_id, key))
        else:
            messages.append(Message(_kind_of(head.type), item, message_id, key))
    messages += pack_excess(batch.batch)
    context = bytes(batch.context).decode("utf-8", "replace")
    return Parcel(messages, (batch.writeKey, first_key), batch.sentAt, _bounded(context))


def _open_alone(body: bytes) -> Parcel:
    parcel = open_single(body, kind="")
    (message,) = parcel.messages
    return parcel._replace(messages=[message._replace(kind=_kind_of(_read_head(message.body).type))])


def _bounded(context: str) -> str | None:
    """Return the batch's context if it is an object of a bearable size; it travels with each event."""
    is_object = context.startswith("{") and len(context) <= LARGEST_EVENT
    return context if is_object else None


def _kind_of(value: object) -> str:
    return value.strip().lower()[:_LONGEST_KIND] if isinstance(value, str) else ""


def oversized(item: bytes, message_id: str | None, key: Key | None) -> Message:
    """Return what is kept of an event in a batch that is too large: its beginning, as text."""
    return Message(OVERSIZE_KIND, item[:_SAMPLE].decode("utf-8", "ignore").encode(), message_id, key)


def pack_excess(items: Sequence[msgspec.Raw]) -> Iterator[Message]:
    """Yield what a batch has beyond :data:`MOST_EVENTS`, as batches that can be sent again by themselves."""
    piece: list[bytes] = []
    size = 0
    for raw in itertools.islice(items, MOST_EVENTS, None):
        item = bytes(raw)
        if piece and size + len(item) >= _EXCESS_PIECE:
            yield _as_batch(piece)
            piece, size = [], 0
        piece.append(item[:_EXCESS_PIECE])
        size += len(item) + 1
    if piece:
        yield _as_batch(piece)


def _as_batch(items: Sequence[bytes]) -> Message:
    return Message(EXCESS_KIND, b'{"batch":[' + b",".join(items) + b"]}", None, None)


def is_oversize(body: bytes) -> bool:
    """Return whether an event is larger than it may be, written without blanks."""
    if len(body) <= LARGEST_EVENT:
        return False
    try:
        return len(msgspec.json.encode(_read_any(body))) > LARGEST_EVENT
    except UNREADABLE:  # something in it that nobody looked at yet cannot be read; it is what it is
        return True


def _key_of(head: _Head) -> Key | None:
    if (text := clean_text(head.anonymousId)) is not None:
        return IdentifierKind.ANONYMOUS, text
    for kind, value in (
        (IdentifierKind.ANONYMOUS, head.previousId),
        (IdentifierKind.USER, head.userId),
    ):
        text = clean_text(value)
        if text is not None:
            return kind, text
    text = clean_text(head.leadId)
    if text is not None:
        return IdentifierKind.LEAD, text
    for traits in _traits_of(head):
        for kind, name in ((IdentifierKind.EMAIL, "email"), (IdentifierKind.PHONE, "phone")):
            text = clean_text(traits.get(name))
            if text is not None:
                return kind, text.lower()
    return None


def _traits_of(head: _Head) -> Iterator[dict[str, Any]]:
    try:
        if bytes(head.traits):
            given = _read_any(head.traits)
            if isinstance(given, dict):
                yield given
        if bytes(head.context):
            inner = _read_context(head.context).traits
            if isinstance(inner, dict):
                yield inner
    except UNREADABLE:
        return
