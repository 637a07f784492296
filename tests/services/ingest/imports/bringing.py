"""Brings tables in beside a running service, as the command does."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from services.ingest.bootstrap import build_import_desk
from services.ingest.domain.imports.options import ImportOptions
from services.ingest.domain.imports.survey import Counts
from services.ingest.jobs.imports.desk import ImportDesk
from services.ingest.store.imports.imports import TableImport
from tests.services.ingest.running import RunningIngest


def desk_of(ingest: RunningIngest) -> ImportDesk:
    return build_import_desk(ingest.resources, database=ingest.blueprint.database)


def as_csv(headings: str, *rows: str) -> bytes:
    return "\r\n".join([headings, *rows]).encode()


async def begin(
    desk: ImportDesk, content: bytes, *, kind: str = "leads", source: str = "crm", **options: Any
) -> TableImport:
    """Begin, look through and start an import."""
    one = await desk.begin(
        kind,
        source=source,
        digest=str(hash(content)),
        file_name="table.csv",
        options=ImportOptions(**options),
        is_local=True,
    )
    await desk.check(one, io.BytesIO(content))
    return await desk.start(one.id)


async def bring_in(desk: ImportDesk, content: bytes, **options: Any) -> tuple[TableImport, Counts]:
    """Bring a table in, from beginning to end."""
    one = await begin(desk, content, **options)
    counts = await desk.carry_out(one, io.BytesIO(content), claim="tests")
    return one, counts


async def faults_of(desk: ImportDesk, one: TableImport) -> Sequence[tuple[int, str, str]]:
    """The refused rows: number, column, code."""
    return [tuple(fault) async for fault in desk.faults(one.id)]  # type: ignore[misc]
