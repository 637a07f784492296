"""Takes the bodies of the native API apart: one JSON object, or many in a list called ``batch``.

A single message that cannot be used is refused, and its sender told why. In a batch it is kept for
quarantine and named in the answer, so that it does not hurt the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from services.ingest.api.messages import (
    BYTE_ORDER_MARK,
    MOST_EVENTS,
    UNREADABLE,
    BodyNotJson,
    EventTooLarge,
    ItemFault,
    Message,
    is_oversize,
    oversized,
    pack_excess,
)
from services.ingest.api.stamping import Channel, Key
from services.ingest.domain.identifiers import IdentifierKind, clean_text
from shared.kernel.errors import Rejected

_KEYS: Final = (
    (IdentifierKind.ANONYMOUS, "anonymous_id"),
    (IdentifierKind.USER, "user_id"),
    (IdentifierKind.EMAIL, "email"),
    (IdentifierKind.PHONE, "phone"),
    (IdentifierKind.EXTERNAL, "external_id"),
    (IdentifierKind.LEAD, "lead_id"),
)
_REPORT_KEYS: Final = (
    (IdentifierKind.EXTERNAL, "external_id"),
    (IdentifierKind.USER, "user_id"),
    (IdentifierKind.EMAIL, "email"),
    (IdentifierKind.PHONE, "phone"),
    (IdentifierKind.LEAD, "lead_id"),
)
_OPPORTUNITY: Final = ("opportunity", "opportunity_id", "campaign")

_read_any: Final = msgspec.json.Decoder().decode


class _Many(msgspec.Struct, gc=False):
    batch: list[msgspec.Raw]


_read_many: Final = msgspec.json.Decoder(_Many).decode


class EventNameMissing(Rejected):
    """An event says what happened in the field event, for example "Demo Requested"; add it."""

    code = "event.name_missing"


class Opened(msgspec.Struct, kw_only=True):
    """The messages of one request. ``names`` are those of its events, ``count`` says how many there are.

    What stands in ``messages`` beyond ``count`` is kept for quarantine only.
    """

    channel: Channel
    messages: list[Message]
    count: int
    is_many: bool
    write_keys: tuple[object, ...] = ()
    names: frozenset[str] = frozenset()
    faults: Sequence[ItemFault] = ()
    traceparent: str | None = None


KeyOf = Callable[[Mapping[str, Any]], Key | None]


def person_key_of(given: Mapping[str, Any]) -> Key | None:
    """Return by whom a lead or an event stays in order."""
    traits, lead = given.get("traits"), given.get("lead")
    for part in (given, traits, lead):
        if isinstance(part, dict) and (key := _first(_KEYS, part)) is not None:
            return key
    return None


def report_key_of(given: Mapping[str, Any]) -> Key | None:
    """Return by what an outcome or a cost stays in order: the lead, the opportunity, or the campaign."""
    lead = given.get("lead")
    person = _first(_REPORT_KEYS, lead if isinstance(lead, dict) else given)
    if person is not None:
        return person
    texts = (clean_text(given.get(name)) for name in _OPPORTUNITY)
    return next(((IdentifierKind.OPPORTUNITY, text) for text in texts if text is not None), None)


def _first(kinds: Sequence[tuple[IdentifierKind, str]], given: Mapping[str, Any]) -> Key | None:
    for kind, name in kinds:
        text = clean_text(given.get(name))
        if text is not None:
            return kind, text.lower() if kind is IdentifierKind.EMAIL else text
    return None


def open_native(body: bytes, *, channel: Channel, key_of: KeyOf, may_be_many: bool = True) -> Opened:
    """Read one message, or many in ``{"batch": […]}``; what a source says of one key stays in order.

    :raises BodyNotJson: if it is neither.
    :raises EventTooLarge: if a single one is larger than an event may be.
    :raises EventNameMissing: if a single event has no name.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        whole = _read_any(body)
        body.decode()
        items = (
            _read_many(body).batch if may_be_many and isinstance(whole, dict) and "batch" in whole else None
        )
    except UNREADABLE:
        raise BodyNotJson from None
    if not isinstance(whole, dict):
        raise BodyNotJson
    keys = (whole.get("write_key"), whole.get("writeKey"))
    if items is None:
        if is_oversize(body):
            raise EventTooLarge
        name = clean_text(whole.get("event"))
        if channel == "event" and name is None:
            raise EventNameMissing(field="event")
        message = Message(channel, body, clean_text(whole.get("message_id")), key_of(whole))
        names = frozenset() if name is None else frozenset({name})
        return Opened(
            channel=channel, messages=[message], count=1, is_many=False, write_keys=keys, names=names
        )
    return _open_many(items, whole["batch"], channel=channel, key_of=key_of, write_keys=keys)


def _open_many(
    items: Sequence[msgspec.Raw],
    read: Sequence[Any],
    *,
    channel: Channel,
    key_of: KeyOf,
    write_keys: tuple[object, ...],
) -> Opened:
    messages: list[Message] = []
    faults: list[ItemFault] = []
    names: set[str] = set()
    for index, (raw, given) in enumerate(zip(items[:MOST_EVENTS], read, strict=False)):
        text = bytes(raw)
        if not isinstance(given, dict):
            messages.append(Message(channel, text, None, None))
            faults.append(ItemFault(index, BodyNotJson.code, "A message is a JSON object; send one."))
            continue
        message_id, key = clean_text(given.get("message_id")), key_of(given)
        name = clean_text(given.get("event"))
        if is_oversize(text):
            messages.append(oversized(text, message_id, key))
            faults.append(ItemFault(index, EventTooLarge.code, str(EventTooLarge().message)))
            continue
        messages.append(Message(channel, text, message_id, key))
        if name is not None:
            names.add(name)
        elif channel == "event":
            faults.append(ItemFault(index, EventNameMissing.code, EventNameMissing().message, "event"))
    count = len(messages)
    messages += pack_excess(items)
    if len(items) > MOST_EVENTS:
        faults.append(excess_fault())
    return Opened(
        channel=channel,
        messages=messages,
        count=count,
        is_many=True,
        write_keys=write_keys,
        names=frozenset(names),
        faults=faults,
    )


def excess_fault() -> ItemFault:
    """Return what the sender of too large a batch is told of the messages beyond its bound."""
    return ItemFault(
        MOST_EVENTS,
        "batch.too_many",
        f"A batch has at most {MOST_EVENTS} messages; what follows was kept and not used, send it again.",
    )
