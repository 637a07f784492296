"""Reads a topic as a test looks at it: everything behind where it began, once, in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from shared.log.port import Log, Record, TopicPartition

_PATIENCE_SECONDS = 30.0


async def read_topic(log: Log, topic: str, *, starts: Mapping[TopicPartition, int]) -> list[Record]:
    """Return every record at or behind ``starts`` that the log still holds, by partition and offset.

    :raises TimeoutError: if the log does not give them within half a minute.
    """
    admin = await log.admin()
    bounds = await admin.bounds([topic])
    await admin.stop()
    begins = {tp: max(first, starts[tp]) for tp, (first, _) in bounds.items()}
    missing = {tp: end for tp, (_, end) in bounds.items() if end > begins[tp]}
    found: list[Record] = []
    if not missing:
        return found
    consumer = log.consumer(group=f"reader-{time.monotonic_ns()}", topics=[topic], member="reader")

    positions = dict(begins)

    async def on_assigned(partitions: frozenset[TopicPartition]) -> None:
        consumer.seek({tp: positions[tp] for tp in partitions})  # on a busy machine more than once

    async def on_revoked(_partitions: frozenset[TopicPartition]) -> None:
        return None

    await consumer.start(on_assigned=on_assigned, on_revoked=on_revoked)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while missing:
                for tp, records in (await consumer.fetch(max_records=5000, timeout=0.2)).items():
                    new = [record for record in records if record.offset >= positions[tp]]
                    found.extend(new)
                    if new:
                        positions[tp] = new[-1].offset + 1
                    if positions[tp] >= missing.get(tp, 0):
                        missing.pop(tp, None)
    finally:
        await consumer.stop()
    return sorted(found, key=lambda record: (record.partition, record.offset))
