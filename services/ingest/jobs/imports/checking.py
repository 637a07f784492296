"""Looks through a table before anything is taken from it: what would be taken, and what would start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.ingest.domain.acts import UNSUBSCRIBED
from services.ingest.domain.directory import Directory
from services.ingest.domain.imports.rows import Row
from services.ingest.domain.imports.survey import Preview, Warned, shown_columns, warn_of_columns
from services.ingest.domain.intake import Intake
from services.ingest.jobs.imports.reading import OpenTable, Prepared, keys_of, read_ahead
from services.ingest.jobs.imports.tools import ImportTools, identifiers_of
from services.ingest.store.imports.rows import SaidRow, find_known, load_said

MOST_REHEARSED: Final = 2_000
"""New leads with whom it is tried out what would start in other services; more are counted alike."""

_MOST_REMEMBERED: Final = 300_000
"""Identifiers by which rows about one person are counted once; beyond it each row counts by itself."""

Progress = Callable[[int], None]
"""Hears how many rows have been read."""


def tell_nobody(_rows: int) -> None:
    """Tell nobody how far it is."""


async def look_through(opened: OpenTable, tools: ImportTools, *, progress: Progress = tell_nobody) -> Preview:
    """Return what bringing the table in would do; nothing is written.

    :raises Rejected: if the table turns out to be damaged.
    """
    looking = _Looking(opened, tools)
    async with read_ahead(opened) as slices:
        async for slice_ in slices:
            intakes = [row.intake for row in slice_ if row.intake is not None]
            async with tools.database.connection() as connection:
                said = await load_said(connection, keys_of(slice_))
                known = await find_known(connection, [one for row in intakes for one in identifiers_of(row)])
            await asyncio.to_thread(looking.count, slice_, said, known)
            progress(looking.preview.rows)
    return looking.finish()


class _Looking:
    """Counts slice by slice; all of it is computing, so that it runs in a thread."""

    def __init__(self, opened: OpenTable, tools: ImportTools) -> None:
        self.preview = Preview(
            encoding=opened.table.encoding,
            delimiter=opened.table.delimiter,
            sheet=opened.table.sheet,
            columns=shown_columns(opened.columns),
        )
        self._opened = opened
        self._tools = tools
        self._starts: dict[str, int] = {}
        self._seen: set[bytes] = set()
        self._people: set[int] = set()
        self._beside = 0

    def count(self, slice_: Sequence[Prepared], said: Mapping[bytes, SaidRow], known: set[str]) -> None:
        """Count what would become of the rows of a slice."""
        preview = self.preview
        for one in slice_:
            preview.rows += 1
            if one.fault is not None:
                preview.refuse(one.number, one.fault)
            elif one.row is None or one.intake is None:
                preview.empty += 1
            elif one.key in self._seen or (one.key in said and said[one.key].content == one.content):
                preview.repeated += 1
            else:
                preview.taken += 1
                self._beside += bool(
                    not one.row.is_history and ("owner" in one.row.body or "status" in one.row.body)
                )
                self._count_people(one.row, one.intake, known)
            if one.row is not None and not one.row.key and len(self._seen) < _MOST_REMEMBERED:
                self._seen.add(one.key)

    def finish(self) -> Preview:
        """Return what the whole table would do."""
        preview, opened = self.preview, self._opened
        can_start = preview.new - preview.held - preview.unreachable
        preview.starts = {
            name: round(count * max(can_start, preview.rehearsed) / preview.rehearsed)
            for name, count in sorted(self._starts.items())
        }
        preview.warnings = [*warn_of_columns(opened.columns, opened.manner), *opened.watch.warnings()]
        if self._beside:
            preview.warnings.append(Warned("", "not_told", self._beside))
        return preview

    def _count_people(self, row: Row, intake: Intake, known: set[str]) -> None:
        """Count whether a row brings somebody new, once for each person as far as one can tell."""
        hashes = identifiers_of(intake)
        if not hashes or row.body.get("event") == UNSUBSCRIBED:
            return
        preview = self.preview
        if not known.isdisjoint(hashes):
            preview.known += 1
            return
        short = {int(one[:15], 16) for one in hashes}
        if not self._people.isdisjoint(short):
            return
        if len(self._people) < _MOST_REMEMBERED:
            self._people |= short
        preview.new += 1
        is_reachable = intake.traits is not None and bool({"email", "phone"} & intake.traits.contact.keys())
        preview.unreachable += not is_reachable
        if row.is_history:
            preview.held += 1
        elif is_reachable and preview.rehearsed < MOST_REHEARSED:
            preview.rehearsed += 1
            tools = self._tools
            for name in tools.forecast(tools.take_in(Directory(), intake), tools.clock.now()):
                self._starts[name] = self._starts.get(name, 0) + 1
