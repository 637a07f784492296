"""Bodies of hooks whose sender decides how they are written: JSON, or the fields of a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from services.ingest.domain.dialects.form_fields import read_fields
from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.domain.intake import Refusal
from services.ingest.providers.port import Delivery, DeliveryUnreadable, HookItem, Secrets, Split
from shared.kernel.instants import MINUTE, Instant

NOT_ABOUT_A_LEAD: Final = Refusal("hook.not_about_a_lead")
"""The vendor tells of something that no lead did: another object, staff, a kind nobody needs."""

_SAME_SUBMISSION: Final = 10 * MINUTE
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)

_read_any: Final = msgspec.json.Decoder().decode
_split: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode

Given = Mapping[str, Any]


class BodyUnreadable(ValueError):
    """These bytes are neither JSON nor the fields of a form."""


def read_object(body: bytes) -> dict[str, Any]:
    """Return the names and values of a body that is a JSON object or a form, whatever it was called.

    A name that a form has several times keeps all its values, with commas between them.

    :raises BodyUnreadable: if it is neither, or nothing.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    start = body.lstrip()[:1]
    if start in {b"{", b"["}:
        try:
            given = _read_any(body)
        except _UNREADABLE:
            raise BodyUnreadable from None
        if isinstance(given, dict):
            return given
        raise BodyUnreadable
    fields: dict[str, Any] = {}
    for name, value in read_fields(body, enctype="multipart" if start == b"-" else "urlencoded"):
        if value:
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
    if not fields:
        raise BodyUnreadable
    return fields


def split_array(body: bytes) -> list[bytes]:
    """Return the items of a JSON array as they stand there, or the body itself if it is none.

    :raises BodyUnreadable: if it begins like an array and is none.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    if body.lstrip()[:1] != b"[":
        return [body]
    try:
        return [bytes(item) for item in _split(body)]
    except _UNREADABLE:
        raise BodyUnreadable from None


def take_apart(
    body: bytes,
    *,
    received: Instant,
    kind: Callable[[Given], str],
    message_id: Callable[[Given], str | None],
    key: Callable[[Given], tuple[IdentifierKind, str] | None],
) -> Sequence[HookItem]:
    """Return the items of a body that is an object, a list of them, or a form.

    An item without an id of its own is the same as an equal one of the same ten minutes, so that what
    a vendor sends twice counts once.

    :raises DeliveryUnreadable: if it is none of these.
    """
    items = []
    try:
        for one in split_array(body):
            given = read_object(one)
            own = message_id(given)
            name = own or f"{received // _SAME_SUBMISSION}\x1f{one.decode('utf-8', 'replace')}"
            items.append(HookItem(kind(given), one, name, key(given), names_person=own is None))
    except BodyUnreadable:
        raise DeliveryUnreadable from None
    return items


def split_pushed(
    kind: str,
    *,
    message_id: Callable[[Given], str | None],
    key: Callable[[Given], tuple[IdentifierKind, str] | None],
) -> Split:
    """Return how a vendor's delivery is taken apart whose items are all of one kind, and whole."""

    def split(delivery: Delivery, _secrets: Secrets) -> Sequence[HookItem]:
        return take_apart(
            delivery.body,
            received=delivery.received,
            kind=lambda _given: kind,
            message_id=message_id,
            key=key,
        )

    return split
