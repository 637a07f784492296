"""Works on what was uploaded: one import at a time in each process, whichever process took it in."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from datetime import timedelta
from typing import Any, Final

from services.ingest.jobs.imports.desk import ImportDesk
from services.ingest.store.imports.imports import (
    ImportLost,
    TableImport,
    claim_next_import,
    forget_uploads,
)
from services.ingest.store.imports.pieces import load_pieces
from shared.kernel.errors import Rejected, Unavailable
from shared.kernel.instants import MICROSECOND
from shared.telemetry.logging import get_logger

KEPT: Final = timedelta(days=2)
"""How long an uploaded table waits to be started."""

_IN_MEMORY: Final = 8 * 1024 * 1024
_PAUSE: Final = 2.0

logger = get_logger(__name__)


class _Stopping(Exception):
    """The process is to end; whoever comes next goes on from the position."""


class Working:
    """Looks through uploaded tables and brings started ones in."""

    def __init__(self, desk: ImportDesk) -> None:
        self._desk = desk

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop; an import that is under way is left where it stands."""
        while not stopping.is_set():
            try:
                await self.work(stopping)
            except Unavailable as error:
                logger.warning("job_put_off", job="ingest-imports", code=error.reason)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE):
                    await stopping.wait()

    async def work(self, stopping: asyncio.Event) -> None:
        """Do what there is to do. :raises Unavailable: if log or database do not answer."""
        tools = self._desk.tools
        before = tools.clock.now() - KEPT // timedelta(microseconds=MICROSECOND)
        async with tools.database.transaction() as transaction:
            await forget_uploads(transaction, created_before=before)
        while not stopping.is_set():
            claim = tools.new_id()
            async with tools.database.transaction() as transaction:
                one = await claim_next_import(transaction, claim=claim)
            if one is None:
                return
            try:
                await self._work_on(one, claim, stopping)
            except ImportLost:
                continue
            except _Stopping:
                return
            except Rejected as refused:
                logger.info("import_failed", import_id=one.id, code=refused.reason)
                await self._desk.fail(one, refused.reason)

    async def _work_on(self, one: TableImport, claim: str, stopping: asyncio.Event) -> None:
        def look_up(_rows: int) -> None:
            if stopping.is_set():
                raise _Stopping

        if one.state == "checked":
            await self._desk.start(one.id)
            return
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, prefix="leadmill-import-") as spooled:
            file: Any = spooled
            async with self._desk.tools.database.connection() as connection:
                async for piece in load_pieces(connection, one.id):
                    await asyncio.to_thread(file.write, piece)
            if one.state == "uploaded":
                await self._desk.check(one, file, progress=look_up)
                if one.options.starts:
                    await self._desk.start(one.id)
            else:
                await self._desk.carry_out(one, file, claim=claim, progress=look_up)
