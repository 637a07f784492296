"""Signed requests of vendors, and every way to flip one byte of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from services.ingest.providers.port import Delivery
from tests.unit.ingest.requests import RECEIVED, ROOT

VECTORS: dict[str, Any] = msgspec.json.decode(
    (ROOT / "tests" / "cases" / "signatures" / "vectors.json").read_bytes()
)


def delivery(
    body: bytes | str = b"",
    *,
    method: str = "POST",
    url: str = "https://in.example.com/hooks/x/k",
    query: dict[str, list[str]] | None = None,
    received: int = RECEIVED,
    **headers: str,
) -> Delivery:
    """Return a delivery; header names are written with ``_`` for ``-``."""
    return Delivery(
        method=method,
        url=url,
        headers={name.replace("_", "-").lower().encode(): value for name, value in headers.items()},
        query=query or {},
        body=body.encode() if isinstance(body, str) else body,
        received=received,
    )


def flipped(data: bytes) -> Iterator[bytes]:
    """Yield the bytes with one bit of one byte flipped, for each byte."""
    for place in range(len(data)):
        yield data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
