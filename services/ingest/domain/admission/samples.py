"""Samples: requests that were turned away, kept with what it takes to send them round again.

What says who sent it and what it was stays; what lets somebody in does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

import msgspec

from shared.kernel.instants import Instant

MOST_BYTES: Final = 32 * 1024
"""How much of a request's body is kept; one that is longer cannot go round again."""

_NOT_KEPT: Final = frozenset(
    {
        *("authorization", "proxy-authorization", "cookie", "x-write-key"),
        *("content-length", "content-encoding", "transfer-encoding", "connection"),
    }
)
_SECRETS: Final = ("token", "secret", "password", "api-key", "apikey")
_KEYS: Final = frozenset({"writekey", "write_key"})
_LONGEST_VALUE: Final = 1_000
_MOST_HEADERS: Final = 60


class TurnedAway(NamedTuple):
    """One request as it came, unpacked: whose it is (``""`` if nobody knows) and why it was refused."""

    source: str
    code: str
    received: Instant
    method: str
    path: str
    query: bytes
    headers: Iterable[tuple[bytes, bytes]]
    body: bytes


class Sample(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is kept of a request that was turned away; ``is_cut`` if its body was too long."""

    method: str
    path: str
    query: str = ""
    headers: list[tuple[str, str]] = []
    body: str | None = None
    body_base64: bytes | None = None
    is_cut: bool = False

    @property
    def content(self) -> bytes:
        """The body, byte for byte."""
        return self.body_base64 or (self.body or "").encode()


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Sample).decode


def encode_sample(request: TurnedAway) -> bytes:
    """Return what is kept of a request; without its credentials, if they do not stand in path or body."""
    kept = request.body[:MOST_BYTES]
    try:
        text = kept.decode()
    except UnicodeDecodeError:
        text = None
    headers = [
        (name.decode("latin-1").lower(), value.decode("latin-1")[:_LONGEST_VALUE])
        for name, value in request.headers
    ]
    return _encode(
        Sample(
            method=request.method,
            path=request.path,
            query=_without_key(request.query.decode("latin-1")),
            headers=[header for header in headers if _is_kept(header[0])][:_MOST_HEADERS],
            body=text,
            body_base64=kept if text is None else None,
            is_cut=len(kept) < len(request.body),
        )
    )


def decode_sample(record: bytes) -> Sample | None:
    """Return the sample that these bytes are; None if they are none, as from an earlier release."""
    try:
        return _decode(record)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _is_kept(header: str) -> bool:
    return header not in _NOT_KEPT and not any(word in header for word in _SECRETS)


def _without_key(query: str) -> str:
    if not any(name in query.lower() for name in _KEYS):
        return query
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=200)
    except ValueError:
        return ""
    return urlencode([(name, value) for name, value in pairs if name.lower() not in _KEYS])
