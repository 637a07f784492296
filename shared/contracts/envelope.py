"""The envelope: one event as it lies in the log, CloudEvents 1.0 in structured mode.

The record's value is the whole event as JSON (``content-type: application/cloudevents+json``). The
record's other headers belong to the publisher and say nothing about the business.

``time`` is when it happened, ``recordedtime`` when the edge received what caused it: stamped once,
handed on unchanged, and therefore the ``now`` of everything computed from it. ``causationid`` names
the event that caused this one and ``correlationid`` the first of the chain, so that one click can be
followed to the revenue.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from shared.contracts.attributes import Moment
from shared.contracts.declarations import DECLARED, UNREADABLE, Event, Malformed, UnknownType, malformed
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant, from_datetime

__all__ = [
    "CONTENT_TYPE",
    "Envelope",
    "Malformed",
    "UnknownType",
    "decode_envelope",
    "decode_event",
    "encode_event",
    "event_id",
    "source_of",
    "type_of",
]

CONTENT_TYPE: Final = b"application/cloudevents+json"
"""Value of the record's ``content-type`` header."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One event as it was read: the attributes, and ``data`` still undecoded."""

    specversion: Annotated[str, Meta(description='Version of CloudEvents: "1.0"')]
    id: Annotated[str, Meta(description="Deterministic: the same cause gives the same id")]
    source: Annotated[str, Meta(description="The service that says it: /leadmill/<service>")]
    type: Annotated[str, Meta(description="leadmill.<event name>.v<version>")]
    subject: Annotated[str, Meta(description="The lead id, or what else the event is about")]
    time: Annotated[Moment, Meta(description="When it happened")]
    recordedtime: Annotated[Moment, Meta(description="When the edge received what caused it")]
    datacontenttype: str = "application/json"
    partitionkey: Annotated[str, Meta(description="The record's key")]
    causationid: Annotated[str | None, Meta(description="Id of the event that caused this one")] = None
    correlationid: Annotated[str, Meta(description="Id of the first event of the chain")]
    traceparent: Annotated[str | None, Meta(description="W3C trace context")] = None
    data: msgspec.Raw

    @property
    def occurred(self) -> Instant:
        """When it happened."""
        return from_datetime(self.time)

    @property
    def received(self) -> Instant:
        """When the edge received what caused it; the ``now`` of handlers."""
        return from_datetime(self.recordedtime)


class _Written(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The same attributes in the order in which they are written, with the event still a struct."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    recordedtime: datetime
    datacontenttype: str
    partitionkey: str
    correlationid: str
    data: Event
    causationid: str | None = None
    traceparent: str | None = None


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Envelope).decode


def event_id(cause_id: str, event_type: str, ordinal: int) -> str:
    """Return the id of the ``ordinal``-th event of this type that one cause brings about."""
    return deterministic_id(cause_id, event_type, str(ordinal))


def source_of(service: str) -> str:
    """Return the CloudEvents source of a service."""
    return f"/leadmill/{service}"


def type_of(event: Event | type[Event]) -> str:
    """Return the type string of an event or its struct.

    :raises UnknownType: if it is not declared.
    """
    return DECLARED.type_of(event if isinstance(event, type) else type(event))


def encode_event(
    event: Event,
    *,
    id: str,  # noqa: A002 - the attribute's name in CloudEvents
    source: str,
    subject: str,
    occurred: Instant,
    received: Instant,
    partition_key: str,
    causation_id: str | None,
    correlation_id: str,
    traceparent: str | None = None,
) -> bytes:
    """Return the record's value for ``event``.

    ``source`` is what :func:`source_of` gives. ``causation_id`` is None only for what the edge
    says; the first event of a chain is its own correlation.

    :raises UnknownType: if the event is not declared.
    """
    recorded = _EPOCH + timedelta(0, 0, received)
    return _encode(
        _Written(
            "1.0",
            id,
            source,
            DECLARED.type_of(type(event)),
            subject,
            recorded if occurred == received else _EPOCH + timedelta(0, 0, occurred),
            recorded,
            "application/json",
            partition_key,
            correlation_id,
            event,
            causation_id,
            traceparent,
        )
    )


def decode_envelope(value: bytes) -> Envelope:
    """Read a record's value; the event inside stays undecoded until :func:`decode_event`.

    :raises Malformed: if it is no event in structured mode.
    """
    try:
        envelope = _decode(value)
    except UNREADABLE as error:
        raise malformed(error, what="envelope") from None
    if envelope.specversion != "1.0":
        raise Malformed("envelope: specversion must be 1.0; correct the producer", field="$.specversion")
    return envelope


def decode_event(envelope: Envelope) -> Event:
    """Read the event in an envelope, brought up to the latest version of its declaration.

    :raises UnknownType: if its type is not declared here.
    :raises Malformed: if its data does not keep the contract.
    """
    return DECLARED.decode(envelope.type, envelope.data)
