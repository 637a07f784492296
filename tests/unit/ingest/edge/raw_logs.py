"""A raw log over a log in memory that can be well, away or silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from prometheus_client import CollectorRegistry

from services.ingest.metrics import IngestMetrics
from services.ingest.store.raw_log import RawLog
from shared.log.port import Log, LogUnavailable, NewRecord, RecordTooLarge, TopicPartition
from shared.log.spill import Spill

PARTITIONS = 4


class FakeProducer:
    """Appends to its log as the log's mood allows."""

    def __init__(self, log: FakeLog) -> None:
        self._log = log

    async def start(self) -> None:
        if self._log.mood == "away":
            raise LogUnavailable

    async def append(self, batches: Sequence[tuple[TopicPartition, Sequence[NewRecord]]]) -> list[int]:
        log = self._log
        log.appends += 1
        log.sizes.append(sum(len(records) for _, records in batches))
        if log.mood == "silent":
            await asyncio.Event().wait()
        if log.mood == "away":
            raise log.trouble
        if any(len(record.value or b"") > 1000 for _, records in batches for record in records):
            raise RecordTooLarge
        await asyncio.sleep(0.01)
        for target, records in batches:
            log.records.setdefault(target, []).extend(records)
        return [0 for _ in batches]

    async def stop(self) -> None:
        self._log.stopped += 1


class FakeLog:
    """A log in memory that can be well, away or silent."""

    def __init__(self) -> None:
        self.mood = "well"
        self.trouble = LogUnavailable()
        self.appends = 0
        self.sizes: list[int] = []
        self.stopped = 0
        self.records: dict[TopicPartition, list[NewRecord]] = {}

    def producer(self, *, name: str) -> FakeProducer:
        return FakeProducer(self)

    @property
    def keys(self) -> list[str]:
        return [(record.key or b"").decode() for records in self.records.values() for record in records]


def record(key: str, value: bytes = b"v") -> NewRecord:
    return NewRecord(key.encode(), value, [], 0)


@asynccontextmanager
async def running(
    log: FakeLog,
    *,
    spill: Path | None = None,
    spill_bytes: int = 1024**2,
    reserved: int = 0,
    registry: CollectorRegistry | None = None,
    patience: timedelta = timedelta(seconds=60),
    **limits: Any,
) -> AsyncIterator[RawLog]:
    raw_log = RawLog(
        log=cast("Log", log),
        partitions=PARTITIONS,
        meter=IngestMetrics(registry or CollectorRegistry()),
        spill=None if spill is None else Spill(spill, most_bytes=spill_bytes, reserved=reserved),
        patience=patience,
        **limits,
    )
    task = asyncio.create_task(raw_log.run())
    yield raw_log
    raw_log.stop()
    async with asyncio.timeout(60):
        await task


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)
