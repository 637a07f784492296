"""What is sent to the door: calls as analytics.js and server SDKs make them, ready as bytes for the wire."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Final

import msgspec

from shared.kernel.instants import format_instant
from shared.runtime.clock import SystemClock
from tests.bench.on_services.traffic import make_act

SINGLE: Final = "/v1/track"
BATCH: Final = "/v1/batch"
BATCH_SIZE: Final = 100


def make_singles(count: int, *, key: str) -> list[bytes]:
    """Return so many requests with one event each, of as many visitors."""
    return [_request(SINGLE, key=key, body=body) for body in _bodies(count)]


def make_batches(count: int, *, key: str) -> list[bytes]:
    """Return so many requests with a hundred events each."""
    bodies = _bodies(count * BATCH_SIZE)
    return [
        _request(BATCH, key=key, body=b'{"batch":[' + b",".join(bodies[at : at + BATCH_SIZE]) + b"]}")
        for at in range(0, len(bodies), BATCH_SIZE)
    ]


def mean_bytes(count: int = 100) -> float:
    """Return how many bytes an event has on average."""
    return sum(map(len, _bodies(count))) / count


def _bodies(count: int) -> Sequence[bytes]:
    at = format_instant(SystemClock().now())
    return [msgspec.json.encode(make_act(number, at=at)) for number in range(count)]


def _request(path: str, *, key: str, body: bytes) -> bytes:
    credentials = b64encode(f"{key}:".encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: door.example\r\nAuthorization: Basic {credentials}\r\n"
        "Accept: */*\r\nUser-Agent: analytics-node/2.2.1\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
