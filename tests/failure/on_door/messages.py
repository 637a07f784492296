"""What is sent: acts, pages and people of hot and cold users, some of no use, in batches of all sizes.

The shapes are those of RudderStack's published load tests: 70 % track, 20 % page, 10 % identify; 1, 3, 5 and
10 events at once in 10, 20, 30 and 40 % of the requests; nine tenths of the events from a tenth of the users.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from shared.kernel.ids import deterministic_id
from shared.kernel.instants import format_instant
from shared.runtime.clock import SystemClock

SOURCE: Final = "website"
_USERS: Final = 10_000
_SIZES: Final = (1, 3, 5, 10)
_SIZE_WEIGHTS: Final = (10, 20, 30, 40)
_KINDS: Final = ("track", "page", "identify")
_KIND_WEIGHTS: Final = (70, 20, 10)
_OF_NO_USE: Final = 0.01
_EVENTS: Final = ("Document Downloaded", "Form Submitted", "Demo Requested", "Chat Started")

Fate = Literal["act", "known", "quarantined"]
"""What must become of a message: one event on behaviour, none but what became known, or quarantine."""


@dataclass(slots=True)
class Message:
    """One message, what must become of it, and how often it was sent and acknowledged."""

    record_id: str
    body: bytes
    fate: Fate
    sent: int = 0
    acknowledged: int = 0


@dataclass(slots=True)
class Parcel:
    """What goes in one request; its sender may give up on it."""

    messages: list[Message]
    is_given_up: bool

    def request(self, *, key: str) -> bytes:
        """Return it as bytes for the wire."""
        body = b'{"batch":[' + b",".join(message.body for message in self.messages) + b"]}"
        head = (
            f"POST /v1/batch HTTP/1.1\r\nHost: door.example\r\nX-Write-Key: {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def make_parcels(*, events: int, seed: int) -> Iterator[Parcel]:
    """Yield parcels with so many events in all."""
    pick = random.Random(seed)
    number = 0
    while number < events:
        size = min(pick.choices(_SIZES, _SIZE_WEIGHTS)[0], events - number)
        messages = [_message(pick, seed, number + place) for place in range(size)]
        number += size
        yield Parcel(messages, is_given_up=pick.random() < 0.2)


def _message(pick: random.Random, seed: int, number: int) -> Message:
    kind = pick.choices(_KINDS, _KIND_WEIGHTS)[0]
    user = pick.randrange(_USERS // 10) if pick.random() < 0.9 else pick.randrange(_USERS)
    name = f"door-{seed}-{number}"
    said: dict[str, object] = {
        "type": kind,
        "messageId": name,
        "anonymousId": deterministic_id("visitor", str(seed), str(user)),
        "timestamp": format_instant(SystemClock().now()),
    }
    fate: Fate = "act"
    if kind == "identify":
        said["traits"] = {"email": f"visitor.{user}@company-{user % 97}.example", "name": f"Visitor {user}"}
        fate = "known"
    elif kind == "page":
        said["properties"] = {"url": "https://example.com/pricing", "path": "/pricing"}
    else:
        said |= {"event": pick.choice(_EVENTS), "properties": {"document": f"paper-{number % 50}"}}
        if pick.random() < _OF_NO_USE / 0.7:
            said["event"] = ""
            fate = "quarantined"
    return Message(deterministic_id("raw", SOURCE, name), msgspec.json.encode(said), fate)
