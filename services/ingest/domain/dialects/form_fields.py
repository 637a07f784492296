"""The fields of a form, however a browser or a script wrote them down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from services.ingest.domain.identifiers import clean_text
from services.ingest.domain.scrubbing import drop_zeros

_MOST_FIELDS: Final = 200

_read_object: Final = msgspec.json.Decoder(dict[str, Any]).decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)

Fields = Sequence[tuple[str, str]]
"""Names and values in order; a name as often as it stands there."""


def read_fields(body: bytes, *, enctype: str) -> Fields:
    """Return the fields of a form in order, names as often as they stand there; at most 200."""
    fields = _split_fields(body, enctype)
    return [(drop_zeros(name), drop_zeros(value)) for name, value in fields] if _has_zeros(body) else fields


def _has_zeros(body: bytes) -> bool:
    return b"%00" in body or b"\0" in body or b"\\u0000" in body


def _split_fields(body: bytes, enctype: str) -> Fields:
    match enctype:
        case "multipart":
            return _read_multipart(body)[:_MOST_FIELDS]
        case "text":
            return _read_lines(body.decode("utf-8", "replace"))[:_MOST_FIELDS]
        case "json":
            try:
                given = _read_object(body)
            except _UNREADABLE:
                return []
            return [pair for name, value in given.items() for pair in _texts_of(name, value)][:_MOST_FIELDS]
        case _:
            text = body.decode("utf-8", "replace")
            try:
                return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
            except ValueError:
                return []


def _read_lines(text: str) -> list[tuple[str, str]]:
    """Read ``name=value`` lines; a line without "=" goes on with the value before."""
    fields: list[tuple[str, str]] = []
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip():
            fields.append((name.strip(), value))
        elif fields and line:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]}\n{line}")
    return fields


def _read_multipart(body: bytes) -> list[tuple[str, str]]:
    """Read the text parts; the boundary is the first line, and files are passed over."""
    boundary = body.partition(b"\r\n")[0]
    if not boundary.startswith(b"--") or len(boundary) > 200:
        return []
    fields: list[tuple[str, str]] = []
    for part in body.split(boundary)[1:]:
        head, gap, content = part.partition(b"\r\n\r\n")
        disposition = head.decode("utf-8", "replace")
        if not gap or "filename=" in disposition:
            continue
        _, _, rest = disposition.partition('name="')
        name, quote, _ = rest.partition('"')
        if quote and name:
            fields.append(
                (name.replace("%22", '"'), content.removesuffix(b"\r\n").decode("utf-8", "replace"))
            )
    return fields


def _texts_of(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield what a script said in a field: a list as so many answers, yes and no as such."""
    for one in value if isinstance(value, list) else (value,):
        text = ("true" if one else "false") if isinstance(one, bool) else clean_text(one)
        if text is not None:
            yield name, text
