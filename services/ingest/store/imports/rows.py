"""What became of rows: what they said last, why they were refused; and which column fills which field."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from shared.postgres.database import Transaction
from shared.postgres.faults import WriteConflict

_SAVE_ROWS: Final = """
INSERT INTO imported_row AS r (row_key, content, version)
SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::int[])
ON CONFLICT (row_key) DO UPDATE SET content = excluded.content, version = excluded.version
WHERE excluded.version > r.version
"""
_SAVE_FAULTS: Final = """
INSERT INTO import_fault (import_id, row_number, column_name, code)
SELECT $1, * FROM unnest($2::int[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING
"""
_SAVE_COLUMNS: Final = """
INSERT INTO import_columns (source, kind, columns) VALUES ($1, $2, $3::jsonb)
ON CONFLICT (source, kind) DO UPDATE SET columns = excluded.columns
"""
_FAULTS_AT_ONCE: Final = 5_000


class SaidRow(NamedTuple):
    """What a row said last, as a keyed hash, and how many different things it has said."""

    content: bytes
    version: int


class SavedFault(NamedTuple):
    """Why a row was refused."""

    row: int
    column: str
    code: str


async def load_said(transaction: Transaction, keys: Collection[bytes]) -> dict[bytes, SaidRow]:
    """Return what rows said last, of those that were imported before."""
    rows = await transaction.fetch(
        "SELECT row_key, content, version FROM imported_row WHERE row_key = ANY($1::bytea[])", list(keys)
    )
    return {bytes(row["row_key"]): SaidRow(bytes(row["content"]), row["version"]) for row in rows}


async def save_said(transaction: Transaction, said: Mapping[bytes, SaidRow]) -> None:
    """Note what rows said.

    :raises WriteConflict: if another import has noted something of one of them meanwhile.
    """
    if said:
        keys = sorted(said)
        noted = await transaction.execute(
            _SAVE_ROWS, keys, [said[key].content for key in keys], [said[key].version for key in keys]
        )
        if noted < len(keys):
            raise WriteConflict


async def save_faults(transaction: Transaction, import_id: str, faults: Sequence[SavedFault]) -> None:
    """Note why rows were refused."""
    if faults:
        await transaction.execute(
            _SAVE_FAULTS,
            import_id,
            [one.row for one in faults],
            [one.column for one in faults],
            [one.code for one in faults],
        )


async def load_faults(transaction: Transaction, import_id: str) -> AsyncIterator[SavedFault]:
    """Yield why rows were refused, in order of the rows."""
    after = 0
    while True:
        rows = await transaction.fetch(
            "SELECT row_number, column_name, code FROM import_fault WHERE import_id = $1 AND row_number > $2"
            " ORDER BY row_number LIMIT $3",
            *(import_id, after, _FAULTS_AT_ONCE),
        )
        for row in rows:
            yield SavedFault(row["row_number"], row["column_name"], row["code"])
        if len(rows) < _FAULTS_AT_ONCE:
            return
        after = rows[-1]["row_number"]


async def load_columns(transaction: Transaction, *, source: str, kind: str) -> dict[str, str]:
    """Return which column of a source's tables fills which field, as somebody said before."""
    found = await transaction.fetch_value(
        "SELECT columns FROM import_columns WHERE source = $1 AND kind = $2", source, kind
    )
    return {} if found is None else msgspec.json.decode(found, type=dict[str, str])


async def save_columns(
    transaction: Transaction, *, source: str, kind: str, columns: Mapping[str, str]
) -> None:
    """Remember it; what was remembered of other columns stays."""
    known = await load_columns(transaction, source=source, kind=kind)
    await transaction.execute(_SAVE_COLUMNS, source, kind, msgspec.json.encode({**known, **columns}).decode())


async def find_known(transaction: Transaction, hashes: Sequence[str]) -> set[str]:
    """Return those of these identifiers that belong to somebody who is a lead already."""
    rows = await transaction.fetch(
        "SELECT i.value_hash FROM identifier i JOIN profile p ON p.id = i.profile"
        " JOIN lead l ON l.id = p.lead WHERE i.value_hash = ANY($1::text[]) AND l.is_captured",
        list(hashes),
    )
    return {row["value_hash"] for row in rows}
