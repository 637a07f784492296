"""Records that a service could not apply. Key: the failed record's own; personal data, short-lived."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, field

from shared.contracts.attributes import EXAMPLE_MOMENT, Moment
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import DEAD_LETTERS, RAW


class DeadLetter(Event, frozen=True, kw_only=True):
    """One failed record: the untouched bytes, where it lay, why it failed and how often it was tried.

    ``code`` is the stable code of the verdict. Bytes are written as base64. No error text: it could
    quote what a person sent.
    """

    code: str
    error_type: Annotated[str, Meta(description="Name of the exception's class")]
    topic: str
    partition: int
    offset: int
    key: Annotated[bytes | None, Meta(description="Key of the record")] = None
    value: Annotated[bytes | None, Meta(description="Untouched value; null was a tombstone")] = None
    headers: Annotated[list[tuple[str, bytes]], Meta(description="Names and values, in order")] = field(
        default_factory=list
    )
    timestamp: Annotated[int, Meta(description="The record's own, in milliseconds")]
    group: Annotated[str, Meta(description="The consumer group that gave up")]
    attempts: int
    first_failed: Moment
    last_failed: Moment
    code_version: str
    traceparent: str | None = None


@DECLARED.declare(name="dead_lettered", on=tuple(DEAD_LETTERS.values()))
class DeadLettered(DeadLetter, frozen=True, kw_only=True):
    """A service's processor says: this record was set aside, and its partition has moved on.

    Said in the transaction that passes the record over. Does not imply that the record is lost: it
    can be replayed as long as this topic keeps it.
    """


EXAMPLES: Final = (
    DeadLettered(
        code="contract.malformed",
        error_type="Malformed",
        topic=RAW.name,
        partition=7,
        offset=1024,
        key=b"5f1c0d2e9a7b4c3d8e6f1a2b3c4d5e6f",
        value=b'{"specversion":',
        headers=[("content-type", b"application/cloudevents+json"), ("sequence", b"ingest:41")],
        timestamp=1_772_443_800_000,
        group="ingest",
        attempts=1,
        first_failed=EXAMPLE_MOMENT,
        last_failed=EXAMPLE_MOMENT,
        code_version="0.1.0",
    ),
)
