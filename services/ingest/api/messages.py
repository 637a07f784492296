"""Takes a request's body apart into single messages, verbatim, reading only what a stamp needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from services.ingest.api.stamping import Key
from services.ingest.domain.identifiers import IdentifierKind, clean_text
from services.ingest.handlers.reading import OVERSIZE_KIND
from shared.kernel.errors import Rejected

LARGEST_EVENT: Final = 32 * 1024
"""Bytes that one event may have, written without blanks."""

_SAMPLE: Final = 8 * 1024
_LONGEST_KIND: Final = 32
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


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
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Message(NamedTuple):
    """One message: its kind, its bytes, the client's id for it, and who it is about."""

    kind: str
    body: bytes
    message_id: str | None
    key: Key | None


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
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        head = _read_head(body)
        body.decode()
    except _UNREADABLE:
        raise BodyNotJson from None
    if _is_oversize(body):
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
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        batch = _read_batch(body)
    except msgspec.ValidationError:
        return _open_alone(body)
    except _UNREADABLE:
        raise BodyNotJson from None
    first_key: object = None
    messages = []
    for index, raw in enumerate(batch.batch):
        item = bytes(raw)
        try:
            head = _read_head(item)
        except _UNREADABLE:
            messages.append(Message("", item[:LARGEST_EVENT], None, None))
            continue
        if index == 0:
            first_key = head.writeKey
        message_id, key = clean_text(head.messageId), _key_of(head)
        if _is_oversize(item):
            sample = item[:_SAMPLE].decode("utf-8", "ignore").encode()
            messages.append(Message(OVERSIZE_KIND, sample, message_id, key))
        else:
            messages.append(Message(_kind_of(head.type), item, message_id, key))
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


def _is_oversize(body: bytes) -> bool:
    if len(body) <= LARGEST_EVENT:
        return False
    return len(msgspec.json.encode(_read_any(body))) > LARGEST_EVENT


def _key_of(head: _Head) -> Key | None:
    for kind, value in (
        (IdentifierKind.ANONYMOUS, head.anonymousId),
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
    except _UNREADABLE:
        return


def open_lead(body: bytes, *, idempotency_key: str | None) -> Parcel:
    """Read a native lead.

    :raises BodyNotJson: if it is no JSON object.
    :raises EventTooLarge: if it is larger than an event may be.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        lead = _read_any(body)
        body.decode()
    except _UNREADABLE:
        raise BodyNotJson from None
    if not isinstance(lead, dict):
        raise BodyNotJson
    if _is_oversize(body):
        raise EventTooLarge
    given = {**lead, **lead["traits"]} if isinstance(lead.get("traits"), dict) else lead
    key = next(
        (
            (kind, text.lower() if kind is IdentifierKind.EMAIL else text)
            for kind, name in (
                (IdentifierKind.ANONYMOUS, "anonymous_id"),
                (IdentifierKind.USER, "user_id"),
                (IdentifierKind.EMAIL, "email"),
                (IdentifierKind.PHONE, "phone"),
                (IdentifierKind.EXTERNAL, "external_id"),
            )
            if (text := clean_text(given.get(name))) is not None
        ),
        None,
    )
    message_id = idempotency_key or clean_text(lead.get("message_id"))
    return Parcel([Message("lead", body, message_id, key)], _keys_of(lead))


def _keys_of(given: dict[str, Any]) -> tuple[object, ...]:
    return tuple(given.get(name) for name in ("write_key", "writeKey"))


def open_reports(body: bytes, *, kind: str, idempotency_key: str | None) -> Parcel:
    """Read outcomes or costs: one object, or many in a list called ``batch``.

    What one source says of one opportunity, or of one campaign, stays in order. An idempotency key
    names all of them together; where there are many, each takes its place besides.

    :raises BodyNotJson: if it is neither.
    :raises EventTooLarge: if one is larger than an event may be.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        whole = _read_any(body)
        body.decode()
        items = _read_batch(body).batch if isinstance(whole, dict) and "batch" in whole else None
    except _UNREADABLE:
        raise BodyNotJson from None
    if not isinstance(whole, dict):
        raise BodyNotJson
    messages = []
    for index, text in enumerate([body] if items is None else map(bytes, items)):
        if _is_oversize(text):
            raise EventTooLarge
        given = whole if items is None else _read_any(text)
        own = clean_text(given.get("message_id")) if isinstance(given, dict) else None
        name = idempotency_key
        if name is not None and items is not None:
            name = f"{name}/{index}"
        key = _report_key_of(given) if isinstance(given, dict) else None
        messages.append(Message(kind, text, name or own, key))
    return Parcel(messages, _keys_of(whole))


def _report_key_of(given: dict[str, Any]) -> Key | None:
    person = given["lead"] if isinstance(given.get("lead"), dict) else given
    for kind, name in (
        (IdentifierKind.EXTERNAL, "external_id"),
        (IdentifierKind.USER, "user_id"),
        (IdentifierKind.EMAIL, "email"),
        (IdentifierKind.PHONE, "phone"),
        (IdentifierKind.LEAD, "lead_id"),
    ):
        if (text := clean_text(person.get(name))) is not None:
            return kind, text.lower() if kind is IdentifierKind.EMAIL else text
    for name in ("opportunity", "opportunity_id", "campaign"):
        if (text := clean_text(given.get(name))) is not None:
            return IdentifierKind.OPPORTUNITY, text
    return None
