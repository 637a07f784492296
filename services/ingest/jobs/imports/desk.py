"""The desk for imports: what commands and routes ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import BinaryIO, Final

from services.ingest.domain.imports.definitions import KINDS
from services.ingest.domain.imports.faults import Language
from services.ingest.domain.imports.options import ImportOptions
from services.ingest.domain.imports.survey import Counts, OrderUnclear, Preview
from services.ingest.domain.imports.template import make_template
from services.ingest.jobs.imports.checking import Progress, look_through, tell_nobody
from services.ingest.jobs.imports.importing import bring_in
from services.ingest.jobs.imports.reading import OpenTable
from services.ingest.jobs.imports.releasing import release
from services.ingest.jobs.imports.tools import ImportTools
from services.ingest.providers.spreadsheets.templates import write_template
from services.ingest.store.imports.held import count_held
from services.ingest.store.imports.imports import (
    TableImport,
    claim_import,
    complete_upload,
    find_open_import,
    load_import,
    load_imports,
    save_import,
    turn_import,
)
from services.ingest.store.imports.pieces import save_piece
from services.ingest.store.imports.rows import SavedFault, load_columns, load_faults, save_columns
from shared.kernel.errors import Rejected

_BEGUN: Final = frozenset({"started", "done"})


class ImportUnknown(Rejected):
    """There is no import of this id; `leadmill import list` shows them."""

    code = "import.unknown"


class ImportNotReady(Rejected):
    """The import is not where that is possible; ask how it stands."""

    code = "import.not_ready"


class KindUnknown(Rejected):
    """A table holds leads, events, outcomes, costs or suppressions."""

    code = "import.kind_unknown"


class ImportDesk:
    """Begins imports, looks through them, carries them out, tells of them."""

    def __init__(self, tools: ImportTools) -> None:
        self.tools = tools

    async def begin(
        self,
        kind: str,
        *,
        source: str,
        digest: str,
        file_name: str,
        options: ImportOptions,
        is_local: bool,
    ) -> TableImport:
        """Begin an import, and remember what was said of its columns for the source's next ones.

        :raises KindUnknown: if there is no such kind of table.
        """
        if kind not in KINDS:
            raise KindUnknown(field="kind")
        one = TableImport(
            id=self.tools.new_id()[:16],
            source=source,
            kind=kind,
            digest=digest,
            file_name=file_name[-120:],
            state="uploaded",
            is_local=is_local,
            created=self.tools.clock.now(),
            ended=None,
            options=options,
            preview=None,
            rows_done=0,
            counts={},
            code=None,
        )
        async with self.tools.database.transaction() as transaction:
            await save_import(transaction, one)
        return one

    async def save_piece(self, import_id: str, number: int, content: bytes) -> None:
        """Keep one piece of an uploaded file."""
        async with self.tools.database.transaction() as transaction:
            await save_piece(transaction, import_id, number, content)

    async def complete(self, import_id: str, *, digest: str, file_name: str) -> None:
        """Say that the whole of an uploaded file is there."""
        async with self.tools.database.transaction() as transaction:
            await complete_upload(transaction, import_id, digest=digest, file_name=file_name[-120:])

    async def find_unfinished(self, kind: str, *, source: str, digest: str) -> TableImport | None:
        """Return the import of this very file that was begun from a command and broke off."""
        async with self.tools.database.connection() as connection:
            return await find_open_import(connection, source=source, kind=kind, digest=digest)

    async def check(self, one: TableImport, file: BinaryIO, *, progress: Progress = tell_nobody) -> Preview:
        """Look through a table, keep what was seen, and return it; nothing is taken.

        :raises Rejected: if it is no table, or not as the options say.
        """
        async with self._open(one, file) as opened:
            preview = await look_through(opened, self.tools, progress=progress)
        async with self.tools.database.transaction() as transaction:
            await turn_import(
                transaction,
                one.id,
                "checked",
                out_of=("uploaded", "checked"),
                at=self.tools.clock.now(),
                preview=preview,
            )
        return preview

    async def accept(self, one: TableImport, file: BinaryIO) -> None:
        """Take a table as it is, without looking through it, because somebody said so; nothing is taken yet.

        :raises Rejected: if it is no table, or not as the options say.
        :raises OrderUnclear: if its dates may be told in two ways.
        """
        async with self._open(one, file) as opened:
            if opened.manner.unclear:
                raise OrderUnclear
        await self._turn(one, "checked", out_of=("uploaded",))

    async def start(self, import_id: str) -> TableImport:
        """Let an import begin that was looked through; one that has begun, or is done, stays as it is.

        :raises ImportNotReady: if it was not, or has ended.
        :raises OrderUnclear: if its dates may be told in two ways.
        """
        one = await self.find(import_id)
        if one.state in _BEGUN:
            return one
        if one.preview is not None and any(w.code == "dates_unclear" for w in one.preview.warnings):
            raise OrderUnclear
        try:
            await self._turn(one, "started", out_of=("checked",))
        except ImportNotReady:
            one = await self.find(import_id)
            if one.state in _BEGUN:  # somebody else has begun it meanwhile
                return one
            raise
        if one.options.columns:
            async with self.tools.database.transaction() as transaction:
                await save_columns(transaction, source=one.source, kind=one.kind, columns=one.options.columns)
        return await self.find(import_id)

    async def cancel(self, import_id: str) -> None:
        """End an import; what was taken stays. :raises ImportNotReady: if it has ended."""
        one = await self.find(import_id)
        await self._turn(one, "cancelled", out_of=("uploaded", "checked", "started"))

    async def carry_out(
        self, one: TableImport, file: BinaryIO, *, claim: str, progress: Progress = tell_nobody
    ) -> Counts:
        """Bring a started import in, from where it stands, and return what became of its rows.

        :raises ImportLost: if another process does.
        :raises Unavailable: if log or database do not answer; ask again, and it goes on.
        """
        async with self.tools.database.transaction() as transaction:
            await claim_import(transaction, one.id, claim=claim)
        one = await self.find(one.id)
        if one.state != "started":
            raise ImportNotReady
        async with self._open(one, file) as opened:
            counts = await bring_in(opened, one, self.tools, claim=claim, progress=progress)
        await self._turn(one, "done", out_of=("started",))
        return counts

    async def fail(self, one: TableImport, code: str) -> None:
        """End an import that can never be carried out; ``code`` says why."""
        async with self.tools.database.transaction() as transaction:
            await turn_import(
                transaction,
                one.id,
                "failed",
                out_of=("uploaded", "checked", "started"),
                at=self.tools.clock.now(),
                code=code,
            )

    async def release(
        self,
        import_id: str,
        *,
        count: int | None = None,
        where: Mapping[str, str] | None = None,
        key: str = "",
    ) -> int:
        """Release leads that an import holds, once for each ``key``; returns how many.

        :raises ImportUnknown: if there is none.
        """
        return await release(await self.find(import_id), self.tools, count=count, where=where, key=key)

    async def find(self, import_id: str) -> TableImport:
        """Return an import. :raises ImportUnknown: if there is none of this id."""
        async with self.tools.database.connection() as connection:
            found = await load_import(connection, import_id)
        if found is None:
            raise ImportUnknown
        return found

    async def list(self, *, limit: int = 100) -> list[TableImport]:
        """Return imports, newest first."""
        async with self.tools.database.connection() as connection:
            return await load_imports(connection, limit=limit)

    async def count_held(self, import_id: str) -> int:
        """Return how many leads an import holds now."""
        async with self.tools.database.connection() as connection:
            return await count_held(connection, import_id)

    async def faults(self, import_id: str) -> AsyncIterator[SavedFault]:
        """Yield why rows were refused, in order of the rows."""
        async with self.tools.database.connection() as connection:
            async for fault in load_faults(connection, import_id):
                yield fault

    def template(self, kind: str, *, language: Language, event: str = "", is_xlsx: bool = True) -> bytes:
        """Return the table that people fill in. :raises KindUnknown: if there is no such kind."""
        if kind not in KINDS:
            raise KindUnknown(field="kind")
        template = make_template(self.tools.rules, kind, language=language, event=event)
        return write_template(template, language=language, is_xlsx=is_xlsx)

    @asynccontextmanager
    async def _open(self, one: TableImport, file: BinaryIO) -> AsyncIterator[OpenTable]:
        async with self.tools.database.connection() as connection:
            saved = await load_columns(connection, source=one.source, kind=one.kind)
        opened = await asyncio.to_thread(OpenTable, file, one, self.tools, saved=saved)
        try:
            yield opened
        finally:
            opened.close()

    async def _turn(self, one: TableImport, state: str, *, out_of: tuple[str, ...]) -> None:
        async with self.tools.database.transaction() as transaction:
            turned = await turn_import(
                transaction,
                one.id,
                state,  # type: ignore[arg-type]
                out_of=out_of,  # type: ignore[arg-type]
                at=self.tools.clock.now(),
            )
        if not turned:
            raise ImportNotReady(f"the import is {one.state}; that is not possible now")
