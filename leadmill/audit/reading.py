"""The long part of the audit: read the topics that are kept for good, and look for what is missing.

Producers number what they say, partition by partition, without gaps; so a lost record batch shows as
numbers that are not there. And whoever reads a kept topic is asked whether it holds what lies in it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from shared.contracts.topics import topic
from shared.log.port import Log, Record, TopicPartition
from shared.processor.checks import Finding
from shared.processor.tables.outbox import read_sequence
from shared.runtime.blueprint import Blueprint

_AT_ONCE: Final = 2_000
_SILENT_SECONDS: Final = 30.0
_MOST_NAMED: Final = 100


async def read_kept_topics(
    blueprints: Sequence[Blueprint], log: Log, *, tell: Callable[[str], None]
) -> list[Finding]:
    """Read every kept topic that one of these services writes, as far as it reaches now.

    :raises Unavailable: if the log does not answer.
    """
    kept = sorted({name for blueprint in blueprints for name in blueprint.outputs if _is_kept(name)})
    findings = []
    for name in kept:
        tell(f"reading {name}")
        findings += await _read_topic(blueprints, log, name)
    return findings


def _is_kept(name: str) -> bool:
    declared = topic(name)
    return declared.retention is None and not declared.compacted


async def _read_topic(blueprints: Sequence[Blueprint], log: Log, name: str) -> list[Finding]:
    sequences: dict[tuple[int, str], _Seen] = {}
    readers = [blueprint for blueprint in blueprints if name in blueprint.topics]
    missing: dict[str, list[str]] = {blueprint.name: [] for blueprint in readers}
    count = 0
    async for records in read_topic(log, name):
        count += len(records)
        for record in records:
            numbered = read_sequence(record.headers)
            if numbered is not None:
                producer, sequence = numbered
                sequences.setdefault((record.partition, producer), _Seen()).add(sequence)
        for blueprint in readers:
            missing[blueprint.name] += await blueprint.find_missing(records)
    lost = [
        f"{name}/{partition}: sequences {first} to {last} of {producer} are not in the log"
        for (partition, producer), seen in sorted(sequences.items())
        for first, last in seen.gaps
    ]
    return [
        Finding(check=f"{name}: every number is there", looked_at=count, breaches=lost[:_MOST_NAMED]),
        *(
            Finding(
                check=f"{blueprint.name} holds what lies in {name}",
                looked_at=count,
                breaches=missing[blueprint.name][:_MOST_NAMED],
            )
            for blueprint in readers
        ),
    ]


class _Seen:
    """The numbers of one producer in one partition, as they were met; repeats are fine."""

    def __init__(self) -> None:
        self._highest = 0
        self.gaps: list[tuple[int, int]] = []

    def add(self, sequence: int) -> None:
        if sequence > self._highest + 1:
            self.gaps.append((self._highest + 1, sequence - 1))
        self._highest = max(self._highest, sequence)


async def read_topic(log: Log, name: str) -> AsyncIterator[Sequence[Record]]:
    """Give everything that a topic holds now, a piece at a time, each partition in order.

    :raises Unavailable: if the log does not answer.
    """
    admin = await log.admin()
    try:
        bounds: Mapping[TopicPartition, tuple[int, int]] = await admin.bounds([name])
    finally:
        await admin.stop()
    left = {target: end for target, (start, end) in bounds.items() if end > start}
    consumer = log.consumer(group=f"audit-{secrets.token_hex(4)}", topics=[name], member="audit")

    async def on_assigned(partitions: frozenset[TopicPartition]) -> None:
        consumer.seek({target: bounds[target][0] for target in partitions if target in bounds})

    async def on_revoked(partitions: frozenset[TopicPartition]) -> None:
        """Nothing is held."""

    await consumer.start(on_assigned=on_assigned, on_revoked=on_revoked)
    try:
        while left:
            async with asyncio.timeout(_SILENT_SECONDS):
                fetched = await consumer.fetch(max_records=_AT_ONCE, timeout=1.0)
            for target, records in fetched.items():
                known = [record for record in records if record.offset < bounds[target][1]]
                if known:
                    yield known
                if records and records[-1].offset + 1 >= left.get(target, 0):
                    left.pop(target, None)
    finally:
        await consumer.stop()
