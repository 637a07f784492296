"""What the jobs of hooks share: the vendor's client, and the way into the raw topic."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import httpx

from services.ingest.domain.identifiers import HashIdentifier
from services.ingest.metrics import IngestMetrics
from services.ingest.providers.port import Client, HookItem, HookNotSetUp, Provider, Secrets
from services.ingest.store.hooks.secrets import load_hook
from shared.contracts.topics import RAW, partition_of
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.kernel.instants import Instant
from shared.log.port import Log, NewRecord, Producer, TopicPartition
from shared.postgres.database import Database
from shared.security.sealing import Sealing

_TIMEOUT: Final = timedelta(seconds=15)


class StampItem(Protocol):
    """Makes a record of the raw topic of an item, under the id that its source and message id give."""

    def __call__(self, item: HookItem, *, source: str, received: Instant) -> tuple[str, NewRecord]:
        """Return the record's id and the record."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HookTools:
    """What the jobs of hooks work with."""

    database: Database
    log: Log
    partitions: int
    clock: Clock
    providers: Mapping[str, Provider]
    sealing: Sealing
    stamp: StampItem
    hash_identifier: HashIdentifier
    metrics: IngestMetrics

    @property
    def listed(self) -> list[str]:
        """The providers whose lists can be looked through."""
        return sorted(name for name, provider in self.providers.items() if provider.client is not None)

    async def client_of(self, source: str, provider: str, http: httpx.AsyncClient) -> Client:
        """Return a client with what the source has set.

        :raises HookNotSetUp: if something is missing.
        :raises SealBroken: if it was sealed under another pepper.
        """
        known = self.providers.get(provider)
        if known is None or known.client is None:
            raise HookNotSetUp
        async with self.database.connection() as connection:
            found = await load_hook(connection, source, provider, sealing=self.sealing)
        return known.client(Secrets(None if found is None else found.reveal()), http)


class Bringer:
    """Brings what vendors say into the raw topic; open one with :func:`open_bringer` for a round."""

    def __init__(self, log: Log, *, partitions: int, http: httpx.AsyncClient) -> None:
        self.http = http
        self._log = log
        self._partitions = partitions
        self._producer: Producer | None = None
        self._turn = asyncio.Lock()

    async def append(self, records: Sequence[NewRecord]) -> None:
        """Append records to the raw topic; one append at a time.

        :raises Unavailable: if the log does not answer; some may have been appended.
        """
        if not records:
            return
        batches: dict[TopicPartition, list[NewRecord]] = {}
        for record in records:
            number = partition_of(record.key or b"", self._partitions)
            batches.setdefault(TopicPartition(RAW.name, number), []).append(record)
        async with self._turn:
            try:
                if self._producer is None:
                    self._producer = self._log.producer(name="ingest-hooks")
                    await self._producer.start()
                await self._producer.append(sorted(batches.items()))
            except Unavailable:
                await self.close()
                raise

    async def close(self) -> None:
        """Let go of the log."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Unavailable):
                await producer.stop()


@asynccontextmanager
async def open_bringer(tools: HookTools) -> AsyncIterator[Bringer]:
    """Open what a round of work needs; nothing is connected before it is used."""
    async with httpx.AsyncClient(timeout=_TIMEOUT.total_seconds()) as http:
        bringer = Bringer(tools.log, partitions=tools.partitions, http=http)
        try:
            yield bringer
        finally:
            await bringer.close()
