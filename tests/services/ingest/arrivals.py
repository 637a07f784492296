"""Records of the raw topic as the edge would have written them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from prometheus_client import CollectorRegistry

from services.ingest.api.messages import Message, open_single
from services.ingest.api.stamping import Arrival, Stamper
from services.ingest.bootstrap import build_resolver
from services.ingest.metrics import IngestMetrics
from services.ingest.store.resolver import Resolver
from shared.contracts.events.raw import ClientInfo
from shared.contracts.topics import RAW
from shared.kernel.changes import Fact
from shared.kernel.instants import SECOND
from shared.log.port import NewRecord
from shared.postgres.database import Database
from shared.processor.stage import Decision
from tests.unit.ingest.requests import IDENTITY_KEY, RECEIVED, ROOT


class LogRecord(NamedTuple):
    """A record as a consumer hands it out."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Arrivals:
    """Stamps messages one second apart."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._stamper = Stamper(identity_key=IDENTITY_KEY, new_id=lambda: f"{next(self._numbers):032x}")
        self._offset = itertools.count()

    def record(
        self, body: dict[str, Any] | bytes, *, kind: str = "track", source: str = "website"
    ) -> LogRecord:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        message = (
            Message(kind, raw, None, None)
            if isinstance(body, bytes)
            else open_single(raw, kind=kind).messages[0]
        )
        offset = next(self._offset)
        arrival = Arrival(
            source=source,
            channel="lead" if kind == "lead" else "sdk",
            received=RECEIVED + offset * SECOND,
            client=ClientInfo(),
        )
        _, made = self._stamper.stamp(
            arrival, kind=kind, body=message.body, message_id=message.message_id, key=message.key
        )
        return as_fetched(made, offset=offset)


def as_fetched(made: NewRecord, *, offset: int, topic: str = RAW.name) -> LogRecord:
    return LogRecord(topic, 0, offset, made.timestamp, made.key, made.value, made.headers)


def make_resolver() -> Resolver:
    return build_resolver(
        ROOT / "config", identity_key=IDENTITY_KEY, metrics=IngestMetrics(CollectorRegistry())
    )


def facts_of(resolver: Resolver, records: Sequence[LogRecord]) -> list[Fact]:
    return [fact for record in records if (fact := resolver.read(record)) is not None]


async def resolve(database: Database, resolver: Resolver, records: Sequence[LogRecord]) -> list[Decision]:
    """Apply the records as one batch in one transaction."""
    async with database.transaction() as transaction:
        return list(await resolver.apply(transaction, facts_of(resolver, records)))
