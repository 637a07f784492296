"""Brings a table in: rows are appended to the raw topic, and the position moves with them.

Killed between the two, the rows are appended again under the same ids, and take effect once. An id names what
a row says, so that of two imports at once, which know nothing of each other's latest rows, both are heard.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from services.ingest.domain.imports.faults import RowFault
from services.ingest.domain.imports.survey import Counts
from services.ingest.jobs.imports.checking import Progress, tell_nobody
from services.ingest.jobs.imports.reading import OpenTable, Prepared, keys_of, read_ahead
from services.ingest.jobs.imports.tools import ImportTools
from services.ingest.store.imports.imports import TableImport, save_progress
from services.ingest.store.imports.rows import SaidRow, SavedFault, load_said, save_faults, save_said
from services.ingest.store.sources import Accepted, add_accepted
from shared.contracts.topics import RAW, partition_of
from shared.kernel.errors import Unavailable
from shared.kernel.instants import Instant
from shared.log.port import NewRecord, Producer, TopicPartition
from shared.postgres.faults import WriteConflict


class Appender:
    """Appends records to the raw topic; open one with :func:`open_appender`."""

    def __init__(self, producer: Producer, *, partitions: int) -> None:
        self._producer = producer
        self._partitions = partitions

    async def append(self, records: Sequence[NewRecord]) -> None:
        """Return once the log has them. :raises Unavailable: if it does not answer."""
        batches: dict[TopicPartition, list[NewRecord]] = {}
        for record in records:
            number = partition_of(record.key or b"", self._partitions)
            batches.setdefault(TopicPartition(RAW.name, number), []).append(record)
        if batches:
            await self._producer.append(sorted(batches.items()))


@asynccontextmanager
async def open_appender(tools: ImportTools) -> AsyncIterator[Appender]:
    """Open the way into the raw topic."""
    producer = tools.log.producer(name="ingest-import")
    await producer.start()
    try:
        yield Appender(producer, partitions=tools.partitions)
    finally:
        with contextlib.suppress(Unavailable):
            await producer.stop()


class _Sorted(NamedTuple):
    """A slice, sorted by what becomes of its rows."""

    records: Sequence[NewRecord]
    said: Mapping[bytes, SaidRow]
    faults: Sequence[SavedFault]
    counts: Counts


async def bring_in(
    opened: OpenTable,
    one: TableImport,
    tools: ImportTools,
    *,
    claim: str,
    progress: Progress = tell_nobody,
) -> Counts:
    """Append the rows from where the import stands, and return what became of all of them.

    :raises ImportLost: if another process has taken it over, or somebody has cancelled it.
    :raises Unavailable: if log or database do not answer; it can be gone on with.
    """
    counts, done = Counts.of(one.counts), one.rows_done
    await asyncio.to_thread(opened.skip, done)
    async with open_appender(tools) as appender, read_ahead(opened) as slices:
        async for slice_ in slices:
            done += len(slice_)
            counts = await _take_in(slice_, counts, one, tools, appender, claim=claim, done=done)
            progress(done)
    return counts


async def _take_in(
    slice_: Sequence[Prepared],
    counts: Counts,
    one: TableImport,
    tools: ImportTools,
    appender: Appender,
    *,
    claim: str,
    done: int,
) -> Counts:
    """Append a slice and note it, again if another import has said something of its rows meanwhile."""
    while True:
        result = await _append(slice_, counts, one, tools, appender)
        with contextlib.suppress(WriteConflict):
            await _note(result, one, tools, claim=claim, done=done)
            return result.counts


async def _append(
    slice_: Sequence[Prepared], counts: Counts, one: TableImport, tools: ImportTools, appender: Appender
) -> _Sorted:
    """Append what rows say that is new by now."""
    async with tools.database.connection() as connection:
        said = await load_said(connection, keys_of(slice_))
    now = tools.clock.now()
    result = await asyncio.to_thread(_sort, slice_, said, counts, one, tools, now)
    await appender.append(result.records)
    return result


async def _note(result: _Sorted, one: TableImport, tools: ImportTools, *, claim: str, done: int) -> None:
    """Move the position over a slice, and note what its rows said.

    :raises WriteConflict: if another import has said something else of one of them meanwhile.
    """
    async with tools.database.transaction() as transaction:
        await save_progress(transaction, one.id, claim=claim, rows_done=done, counts=result.counts.as_json())
        await save_said(transaction, result.said)
        await save_faults(transaction, one.id, result.faults)
        if result.records:
            accepted = Accepted(one.source, len(result.records), tools.clock.now())
            await add_accepted(transaction, [accepted])


def _sort(
    slice_: Sequence[Prepared],
    before: Mapping[bytes, SaidRow],
    counts: Counts,
    one: TableImport,
    tools: ImportTools,
    now: Instant,
) -> _Sorted:
    """Decide what becomes of each row, in order; of a row that says something new the record is made."""
    after = Counts.of(counts.as_json())
    said = dict(before)
    records: list[NewRecord] = []
    faults: list[SavedFault] = []
    changed: dict[bytes, SaidRow] = {}
    for prepared in slice_:
        if prepared.fault is not None:
            faults.append(_fault(prepared.number, prepared.fault))
            after.refused += 1
            after.reasons[prepared.fault.code] += 1
        elif prepared.row is None:
            after.empty += 1
            continue
        if prepared.row is None or prepared.raw is None:
            continue
        known = said.get(prepared.key)
        if prepared.fault is None and known is not None and known.content == prepared.content:
            after.repeated += 1
            continue
        version = 1 if known is None else known.version + 1
        records.append(
            tools.stamp.stamp(
                prepared.row,
                prepared.raw,
                message_id=f"import-{one.kind}-{prepared.key.hex()}-{version}-{prepared.content.hex()}",
                received=now,
            )
        )
        if prepared.fault is None:
            after.taken += 1
            said[prepared.key] = changed[prepared.key] = SaidRow(prepared.content, version)
    return _Sorted(records, changed, faults, after)


def _fault(number: int, fault: RowFault) -> SavedFault:
    return SavedFault(number, fault.column, fault.code)
