"""Imports: each is a row, worked on by one process at a time, whose position moves with what it appended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec

from services.ingest.domain.imports.definitions import TableKind
from services.ingest.domain.imports.options import ImportOptions
from services.ingest.domain.imports.survey import Preview
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction

State: TypeAlias = Literal["uploaded", "checked", "started", "done", "failed", "cancelled"]

_COLUMNS: Final = (
    "id, source, kind, digest, file_name, state, is_local, created, ended, options, preview, rows_done,"
    " counts, code"
)
_INSERT: Final = """
INSERT INTO table_import (id, source, kind, digest, file_name, state, is_local, created, options)
VALUES ($1, $2, $3, $4, $5, 'uploaded', $6, $7, $8::jsonb)
"""
_CLAIM: Final = """
UPDATE table_import SET claim = $2, lease_until = clock_timestamp() + interval '5 minutes'
WHERE id = $1 AND state = 'started' RETURNING id
"""
_CLAIM_NEXT: Final = """
UPDATE table_import SET claim = $1, lease_until = clock_timestamp() + interval '5 minutes'
WHERE id = (
    SELECT id FROM table_import
    WHERE (state IN ('uploaded', 'started') OR (state = 'checked' AND options ->> 'starts' = 'true'))
        AND NOT is_local AND digest <> '' AND (lease_until IS NULL OR lease_until < clock_timestamp())
    ORDER BY created, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id
"""
_ADVANCE: Final = """
UPDATE table_import SET rows_done = $3, counts = $4::jsonb,
    lease_until = clock_timestamp() + interval '5 minutes'
WHERE id = $1 AND claim = $2 AND state = 'started' RETURNING id
"""
_TURN: Final = """
UPDATE table_import SET state = $2, ended = $3, code = $4, preview = coalesce($5::jsonb, preview),
    claim = NULL, lease_until = NULL
WHERE id = $1 AND state = ANY($6::text[]) RETURNING id
"""
_ENDED: Final = frozenset({"done", "failed", "cancelled"})

_encode: Final = msgspec.json.Encoder().encode
_read_options: Final = msgspec.json.Decoder(ImportOptions).decode
_read_preview: Final = msgspec.json.Decoder(Preview).decode


class ImportLost(Rejected):
    """Another process works on this import now, or somebody ended it; ask how it stands."""

    code = "import.taken"


class TableImport(msgspec.Struct, frozen=True, kw_only=True):
    """One import, as it stands. ``rows_done`` counts the rows of its table that are behind it."""

    id: str
    source: str
    kind: TableKind
    digest: str
    file_name: str
    state: State
    is_local: bool
    created: Instant
    ended: Instant | None
    options: ImportOptions
    preview: Preview | None
    rows_done: int
    counts: dict[str, Any]
    code: str | None


async def save_import(transaction: Transaction, one: TableImport) -> None:
    """Begin an import."""
    await transaction.execute(
        _INSERT,
        *(one.id, one.source, one.kind, one.digest, one.file_name, one.is_local, one.created),
        _encode(one.options).decode(),
    )


async def complete_upload(transaction: Transaction, import_id: str, *, digest: str, file_name: str) -> None:
    """Say that all pieces of an uploaded file are there."""
    await transaction.execute(
        "UPDATE table_import SET digest = $2, file_name = $3 WHERE id = $1 AND state = 'uploaded'",
        *(import_id, digest, file_name),
    )


async def load_import(transaction: Transaction, import_id: str) -> TableImport | None:
    """Return an import, None if there is none of this id."""
    row = await transaction.fetch_row(
        f"SELECT {_COLUMNS} FROM table_import WHERE id = $1",  # noqa: S608 - our own names
        import_id,
    )
    return None if row is None else _import(row)


async def load_imports(transaction: Transaction, *, limit: int) -> list[TableImport]:
    """Return imports, newest first."""
    rows = await transaction.fetch(
        f"SELECT {_COLUMNS} FROM table_import ORDER BY created DESC, id LIMIT $1",  # noqa: S608 - our own names
        limit,
    )
    return [_import(row) for row in rows]


async def find_open_import(
    transaction: Transaction, *, source: str, kind: str, digest: str
) -> TableImport | None:
    """Return the import of this very file that was begun from a command and has not ended."""
    row = await transaction.fetch_row(
        f"SELECT {_COLUMNS} FROM table_import WHERE source = $1 AND kind = $2 AND digest = $3"  # noqa: S608
        " AND is_local AND state = 'started' ORDER BY created DESC LIMIT 1",
        *(source, kind, digest),
    )
    return None if row is None else _import(row)


async def claim_import(transaction: Transaction, import_id: str, *, claim: str) -> None:
    """Take over a started import; whoever worked on it before writes nothing more.

    :raises ImportLost: if it has ended.
    """
    if await transaction.fetch_value(_CLAIM, import_id, claim) is None:
        raise ImportLost


async def claim_next_import(transaction: Transaction, *, claim: str) -> TableImport | None:
    """Return an uploaded import that wants to be looked at, begun or carried out, None if none does.

    One that starts by itself may have been looked through by a process that was killed before it began it.
    """
    found = await transaction.fetch_value(_CLAIM_NEXT, claim)
    return None if found is None else await load_import(transaction, found)


async def save_progress(
    transaction: Transaction, import_id: str, *, claim: str, rows_done: int, counts: Mapping[str, Any]
) -> None:
    """Move the position of an import. :raises ImportLost: if it is not ours any more."""
    told = await transaction.fetch_value(_ADVANCE, *(import_id, claim, rows_done, _encode(counts).decode()))
    if told is None:
        raise ImportLost


async def turn_import(
    transaction: Transaction,
    import_id: str,
    state: State,
    *,
    out_of: Sequence[State],
    at: Instant,
    code: str | None = None,
    preview: Preview | None = None,
) -> bool:
    """Bring an import into another state and let go of it; False if it was in none of ``out_of``.

    What was uploaded is deleted when it ends.
    """
    ended = at if state in _ENDED else None
    told = await transaction.fetch_value(
        _TURN,
        *(import_id, state, ended, code, None if preview is None else _encode(preview).decode()),
        list(out_of),
    )
    if told is not None and ended is not None:
        await transaction.execute("DELETE FROM import_piece WHERE import_id = $1", import_id)
    return told is not None


async def forget_uploads(transaction: Transaction, *, created_before: Instant) -> int:
    """Cancel imports that were uploaded and never started, and delete what they brought."""
    rows = await transaction.fetch(
        "SELECT id FROM table_import WHERE state IN ('uploaded', 'checked') AND created < $1", created_before
    )
    for row in rows:
        await turn_import(
            transaction, row["id"], "cancelled", out_of=("uploaded", "checked"), at=created_before
        )
    return len(rows)


def _import(row: Row) -> TableImport:
    return TableImport(
        id=row["id"],
        source=row["source"],
        kind=row["kind"],
        digest=row["digest"],
        file_name=row["file_name"],
        state=row["state"],
        is_local=row["is_local"],
        created=row["created"],
        ended=row["ended"],
        options=_read_options(row["options"]),
        preview=None if row["preview"] is None else _read_preview(row["preview"]),
        rows_done=row["rows_done"],
        counts=msgspec.json.decode(row["counts"]),
        code=row["code"],
    )
