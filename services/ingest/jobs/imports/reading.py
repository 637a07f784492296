"""An open table and everything by which its rows become messages; the slow part runs in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import chain, islice
from typing import BinaryIO, Final, NamedTuple

from services.ingest.domain.imports.columns import ColumnMatcher
from services.ingest.domain.imports.faults import KEPT, REFUSALS, RowFault
from services.ingest.domain.imports.rows import Row, RowReader
from services.ingest.domain.imports.survey import ColumnWatch, Manner, find_manner
from services.ingest.domain.intake import Intake, Refusal
from services.ingest.jobs.imports.tools import ImportTools
from services.ingest.providers.spreadsheets.tables import Table, TableRow
from services.ingest.store.imports.imports import TableImport
from shared.contracts.events.raw import RawReceived

SLICE: Final = 1_000
"""Rows that are worked on together."""

_LOOKED_AT: Final = 20_000
"""Rows by which the manner of dates and amounts is found."""

_NO_ID: Final = "0" * 32


class Prepared(NamedTuple):
    """A row that has been read: a message with its hashes, a fault, both if it is kept, neither if empty."""

    number: int
    row: Row | None = None
    fault: RowFault | None = None
    raw: RawReceived | None = None
    intake: Intake | None = None
    key: bytes = b""
    content: bytes = b""


class OpenTable:
    """A table that is being read. Close it in the end.

    :raises Rejected: if it is no table, or lacks what its rows need.
    """

    def __init__(
        self, file: BinaryIO, one: TableImport, tools: ImportTools, *, saved: Mapping[str, str]
    ) -> None:
        self._import = one
        self._tools = tools
        self.table = Table(file, one.options)
        try:
            definition = tools.rules.kinds[one.kind]
            matcher = ColumnMatcher(one.kind, definition, names=tools.names)
            self.columns = matcher.match(self.table.headings, said=one.options.columns, saved=saved)
            first = list(islice(self.table.rows(), _LOOKED_AT))
            self.manner: Manner = find_manner(self.columns, [row.cells for row in first], one.options)
        except BaseException:
            self.table.close()
            raise
        self.watch = ColumnWatch(self.columns)
        self._headings = {column.field: column.heading for column in self.columns if column.field}
        self._rows: Iterator[TableRow] = chain(first, self.table.rows())
        self._reader = RowReader(
            one.kind,
            self.columns,
            rules=tools.rules,
            mode=one.options.mode,
            orders=self.manner.orders,
            marks=self.manner.marks,
            zone=tools.zone,
            now=one.created,
            currency=one.options.currency,
            event=one.options.event,
        )

    def close(self) -> None:
        """Let go of everything but the file."""
        self.table.close()

    def skip(self, rows: int) -> None:
        """Pass over rows that are behind the import already."""
        for _ in islice(self._rows, rows):
            pass

    def take(self, most: int = SLICE) -> list[Prepared]:
        """Return the next rows, read; none at the end. Runs in a thread: it is all computing."""
        return [self._prepare(row) for row in islice(self._rows, most)]

    def _prepare(self, given: TableRow) -> Prepared:
        if given.code:
            return Prepared(given.number, fault=RowFault("", given.code))
        self.watch.look(given.cells)
        row = self._reader.read(given.number, given.cells)
        if row is None:
            return Prepared(given.number)
        if isinstance(row, RowFault):
            return Prepared(given.number, fault=row)
        one, stamp = self._import, self._tools.stamp
        raw = stamp.raw_of(row, channel=self._reader.channel, source=one.source, import_id=one.id)
        reading = self._tools.read_raw(raw, record_id=_NO_ID, received=one.created)
        fault = None
        if isinstance(reading, Refusal):
            told = REFUSALS.get(reading.code)
            code, field = ("row.unusable", "") if told is None else told
            fault = RowFault(self._headings.get(field, ""), code)
            if code not in KEPT:
                return Prepared(given.number, fault=fault)
        about = row.key or row.content.decode()
        return Prepared(
            given.number,
            row=row,
            fault=fault,
            raw=raw,
            intake=reading if isinstance(reading, Intake) else None,
            key=bytes.fromhex(stamp.hash_of("import_row", f"{one.source}\x1f{one.kind}\x1f{about}")),
            content=bytes.fromhex(stamp.hash_of("import_content", row.content.decode())),
        )


@asynccontextmanager
async def read_ahead(opened: OpenTable) -> AsyncIterator[AsyncIterator[list[Prepared]]]:
    """Give the rows slice by slice; the next one is read while the one at hand is worked on.

    Nothing is read any more once this is left, so that the table may be closed.
    """
    reader = ThreadPoolExecutor(1, thread_name_prefix="import-rows")
    coming = reader.submit(opened.take)

    async def slices() -> AsyncIterator[list[Prepared]]:
        nonlocal coming
        while slice_ := await asyncio.wrap_future(coming):
            coming = reader.submit(opened.take)
            yield slice_

    try:
        yield slices()
    finally:
        await asyncio.to_thread(reader.shutdown)


def keys_of(prepared: Sequence[Prepared]) -> list[bytes]:
    """Return the keys of rows that are messages."""
    return [one.key for one in prepared if one.row is not None]
