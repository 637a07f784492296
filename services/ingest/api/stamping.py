"""Stamps: the id and the received time that a message keeps for good, given before anything can fail.

The id follows from the source and the client's own message id, so that a message sent again is
recognised, whichever edge it meets; without one it is new. The key is the keyed hash of who it is
about, so that what one visitor does stays in order.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from services.ingest.domain.identifiers import IdentifierKind
from shared.contracts.envelope import CONTENT_TYPE, encode_event, source_of
from shared.contracts.events.raw import ClientInfo, RawReceived
from shared.kernel.ids import deterministic_id, deterministic_ids, keyed_hash
from shared.kernel.instants import Instant, to_datetime
from shared.log.port import NewRecord

_SOURCE: Final = source_of("ingest")
_HEADERS: Final = [("content-type", CONTENT_TYPE)]
_LONGEST_AGENT: Final = 300
STAFF_COOKIE: Final = "lm_staff=1"
"""The cookie by which the organisation marks the browsers of its own people."""

Channel = Literal["sdk", "lead", "form", "outcome", "cost", "hook", "link", "cloudevent", "event"]
Key = tuple[IdentifierKind, str]


class Arrival(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What all messages of one request share."""

    source: str
    is_internal: bool = False
    channel: Channel
    received: Instant
    client: ClientInfo
    sent: Instant | None = None
    batch_context: str | None = None
    traceparent: str | None = None


class Stamper:
    """Turns messages into records of the raw topic.

    ``identity_key`` is the deployment's, ``new_id`` gives 32 hexadecimal digits that were never given
    before, for messages without an id of their own.
    """

    def __init__(self, *, identity_key: bytes, new_id: Callable[[], str]) -> None:
        keyed_hash(identity_key, "", "")
        self._identity_key = identity_key
        self._new_id = new_id

    def hash_of(self, kind: str, value: str) -> str:
        """Return the keyed hash of something that may identify a person."""
        return keyed_hash(self._identity_key, kind, value)

    def stamp(
        self, arrival: Arrival, *, kind: str, body: bytes, message_id: str | None, key: Key | None
    ) -> tuple[str, NewRecord]:
        """Return the id of a message and its record."""
        if message_id is None:
            record_id = self._new_id()
        else:
            record_id = deterministic_id("raw", arrival.source, message_id)
        record_key = record_id if key is None else keyed_hash(self._identity_key, key[0], key[1])
        text: str | None
        try:
            text = body.decode()
        except UnicodeDecodeError:
            text = None
        value = self.encode(
            arrival, record_id=record_id, record_key=record_key, kind=kind, text=text, body=body
        )
        return record_id, NewRecord(record_key.encode(), value, _HEADERS, arrival.received // 1000)

    def press(self, arrival: Arrival) -> Press:
        """Return what stamps many messages of one request."""
        return Press(self, arrival, identity_key=self._identity_key)

    @staticmethod
    def encode(
        arrival: Arrival, *, record_id: str, record_key: str, kind: str, text: str | None, body: bytes = b""
    ) -> bytes:
        """Return the value of a record; ``body`` counts where there is no ``text``."""
        raw = RawReceived(
            source=arrival.source,
            channel=arrival.channel,
            kind=kind,
            body=text,
            body_base64=body if text is None else None,
            sent=None if arrival.sent is None else to_datetime(arrival.sent),
            batch_context=arrival.batch_context,
            client=arrival.client,
            is_internal=arrival.is_internal,
        )
        return encode_event(
            raw,
            id=record_id,
            source=_SOURCE,
            subject=record_key,
            occurred=arrival.received,
            received=arrival.received,
            partition_key=record_key,
            causation_id=None,
            correlation_id=record_id,
            traceparent=arrival.traceparent,
        )


_MARKS: Final = {name: secrets.token_hex(16) for name in ("id", "key", "kind", "body")}
"""What stands for the parts of a record that differ; nobody outside can write them."""
_MARK: Final = re.compile("|".join((f'"{_MARKS["kind"]}"', f'"{_MARKS["body"]}"', *_MARKS.values())).encode())
_ORDER: Final = [_MARKS[name].encode() for name in ("id", "key", "key", "id", "kind", "body")]
_write_text: Final = msgspec.json.Encoder().encode


class Press:
    """Stamps the messages of one request: :meth:`Stamper.stamp` to the byte, at a third of its price.

    What all of them share is written once, with marks where they differ.
    """

    def __init__(self, stamper: Stamper, arrival: Arrival, *, identity_key: bytes) -> None:
        self._stamper = stamper
        self._arrival = arrival
        self._identity_key = identity_key
        self._id_of = deterministic_ids("raw", arrival.source)
        self._timestamp = arrival.received // 1000
        self._kinds: dict[str, bytes] = {}
        self._form = self._make_form()

    @property
    def is_ready(self) -> bool:
        """Whether what is shared could be written once; each message is stamped by itself if not."""
        return self._form is not None

    def _make_form(self) -> bytes | None:
        value = self._stamper.encode(
            self._arrival,
            record_id=_MARKS["id"],
            record_key=_MARKS["key"],
            kind=_MARKS["kind"],
            text=_MARKS["body"],
        )
        if [mark.strip(b'"') for mark in _MARK.findall(value)] != _ORDER:
            return None
        return _MARK.sub(b"%b", value.replace(b"%", b"%%"))

    def stamp(
        self, *, kind: str, body: bytes, message_id: str | None, key: Key | None
    ) -> tuple[str, NewRecord]:
        """Return the id of a message and its record."""
        if self._form is None or message_id is None or key is None:
            return self._stamper.stamp(self._arrival, kind=kind, body=body, message_id=message_id, key=key)
        try:
            text = _write_text(body.decode())
        except UnicodeDecodeError:
            return self._stamper.stamp(self._arrival, kind=kind, body=body, message_id=message_id, key=key)
        written = self._kinds.get(kind)
        if written is None:
            written = self._kinds[kind] = _write_text(kind)
        record_id = self._id_of(message_id)
        name, record_key = record_id.encode(), keyed_hash(self._identity_key, key[0], key[1]).encode()
        value = self._form % (name, record_key, record_key, name, written, text)
        return record_id, NewRecord(record_key, value, _HEADERS, self._timestamp)


def client_of(scope: Mapping[str, object], headers: Mapping[bytes, str]) -> ClientInfo:
    """Return what the connection tells about the sender."""
    client = scope.get("client")
    agent = headers.get(b"user-agent")
    referrer = headers.get(b"referer", "")
    return ClientInfo(
        ip=str(client[0]) if isinstance(client, tuple | list) and client else None,
        user_agent=agent[:_LONGEST_AGENT] if agent else None,
        referrer_origin="/".join(referrer.split("/", 3)[:3])[:_LONGEST_AGENT] or None,
        is_staff=STAFF_COOKIE in headers.get(b"cookie", ""),
    )
