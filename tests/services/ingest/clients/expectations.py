"""What every recorded request must get back and end as; the data stands beside the recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from shared.contracts.envelope import Envelope
from shared.kernel.instants import HOUR, format_instant
from tests.services.ingest.clients.door import data_of
from tests.unit.ingest.requests import FOLDER, ClientRequest, read_request

_OPAQUE: Final = frozenset({"lead", "profile", "company"})


class Expected(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One request: the answer, and the events that it causes, in order.

    ``credential`` is what has to be added to the address because the client was given no write key.
    """

    status: int
    redirect: str | None = None
    credential: str = ""
    events: Sequence[Mapping[str, Any]] = ()


class Scenario(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What one client sent in one go, in order. ``contact`` is what is known of the person in the end."""

    client: str
    requests: Mapping[str, Expected]
    contact: Mapping[str, Any] = {}

    @property
    def sent(self) -> Sequence[tuple[ClientRequest, Expected]]:
        return [(read_request(name), expected) for name, expected in self.requests.items()]

    @property
    def events(self) -> Sequence[Mapping[str, Any]]:
        return [event for expected in self.requests.values() for event in expected.events]


_decode: Final = msgspec.json.Decoder(Scenario).decode


def all_scenarios() -> Sequence[Scenario]:
    return [_decode(path.read_bytes()) for path in sorted((FOLDER / "expected").glob("*.json"))]


def as_written(envelope: Envelope) -> dict[str, Any]:
    """Return an event as the expectations write it: without ids that follow from a deployment's key.

    ``earlier_us`` is by how many microseconds it happened before it was received; where the client's clock
    was not compared with ours, ``occurred`` is when it happened.
    """
    said = {name: value for name, value in data_of(envelope).items() if name not in _OPAQUE}
    earlier = envelope.received - envelope.occurred
    written = {"event": envelope.type.split(".")[1], **said}
    if earlier > HOUR:
        return {**written, "occurred": format_instant(envelope.occurred)}
    return {**written, "earlier_us": earlier} if earlier else written
