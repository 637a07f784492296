"""Values as vendors write them, read without losing a digit; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

from services.ingest.domain.identifiers import clean_text
from services.ingest.providers.port import DeliveryUnreadable
from shared.kernel.instants import MILLISECOND, SECOND, Instant

_read_any: Final = msgspec.json.Decoder().decode
_read_raw_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_LAST_SECOND: Final = 253_402_300_799
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def read_object(body: bytes) -> dict[str, Any]:
    """Return a body that is a JSON object. :raises DeliveryUnreadable: if it is none."""
    try:
        found = _read_any(body.removeprefix(_BYTE_ORDER_MARK))
    except _UNREADABLE:
        raise DeliveryUnreadable from None
    if not isinstance(found, dict):
        raise DeliveryUnreadable
    return found


def read_raw_items(body: bytes) -> list[bytes]:
    """Return the items of a JSON list, each verbatim. :raises DeliveryUnreadable: if it is no list."""
    try:
        return [bytes(raw) for raw in _read_raw_list(body.removeprefix(_BYTE_ORDER_MARK))]
    except _UNREADABLE:
        raise DeliveryUnreadable from None


def object_of(value: object) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[dict[str, Any]]:
    """Return the objects in a list; nothing of anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def id_of(value: object) -> str | None:
    """Return an id as text, every digit of it; None for nothing and for 0, which vendors write for none."""
    if isinstance(value, float):
        return None  # some digits are gone already
    text = clean_text(value)
    return None if text is None or text == "0" else text


def present(pairs: Mapping[str, object] | Iterable[tuple[str, object]]) -> dict[str, object]:
    """Return the pairs that say something; of a name that comes twice the first keeps it."""
    fields: dict[str, object] = {}
    for name, value in pairs.items() if isinstance(pairs, Mapping) else pairs:
        if value is None or value in ("", []):
            continue
        number = 2
        free = name
        while free in fields:
            free, number = f"{name}_{number}", number + 1
        fields[free] = value
    return fields


def moment_of_seconds(value: object) -> Instant | None:
    """Return the instant of so many seconds since 1970, also where they are written as text."""
    text = clean_text(value)
    if text is None or not text.isdecimal() or not 0 < int(text) <= _LAST_SECOND:
        return None
    return int(text) * SECOND


def moment_of_milliseconds(value: object) -> Instant | None:
    """Return the instant of so many milliseconds since 1970, also where they are written as text."""
    text = clean_text(value)
    if text is None or not text.isdecimal() or not 0 < int(text) <= _LAST_SECOND * 1000:
        return None
    return int(text) * MILLISECOND


def digest_of(body: bytes) -> str:
    """Return what names an item that has no id of its own: the same bytes give the same."""
    return blake2b(body, digest_size=16).hexdigest()


def names_in(text: str | None) -> list[str]:
    """Return the names in a text that has commas between them."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]
