"""Tagging in bulk: what was asked for, the leads that it is about, and how far it has come.

The leads are listed when it is asked for, so that a portion that is done twice is the same portion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.ingest.domain.tags.work import TagWork
from services.ingest.store.tags.searching import list_found
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction

CREATE: Final = """
CREATE TABLE tag_work (
    id text COLLATE "C" PRIMARY KEY,
    asked bigint NOT NULL,
    who text NOT NULL,
    owner text,
    put text[] NOT NULL,
    take text[] NOT NULL,
    reason text NOT NULL,
    chosen jsonb NOT NULL,
    leads int NOT NULL,
    done int NOT NULL DEFAULT 0,
    changed int NOT NULL DEFAULT 0,
    finished bigint,
    refused text
);
CREATE INDEX tag_work_open ON tag_work (asked) WHERE finished IS NULL;
COMMENT ON TABLE tag_work IS 'tags put on or taken off in bulk: who asked for what, and how far it is';
COMMENT ON COLUMN tag_work.chosen IS 'the filter or the ids by which leads were chosen';
CREATE TABLE tag_work_lead (
    work text COLLATE "C" NOT NULL,
    place bigint NOT NULL,
    lead text COLLATE "C" NOT NULL,
    PRIMARY KEY (work, place)
);
COMMENT ON TABLE tag_work_lead IS 'leads of work that is not finished, as they were when it was asked for';
"""


async def add_work(
    transaction: Transaction, work: TagWork, *, where: Any = None, leads: Sequence[str] = ()
) -> TagWork:
    """Note what is asked for, with the leads that ``where`` finds now, or these; return it with their number.

    What was noted under the same id before is returned as it stands.
    """
    known = await load_work(transaction, work.id)
    if known is not None:
        return known
    chosen = {"leads": len(leads)} if leads else {"where": where}
    count = len(leads)
    if leads:
        await transaction.execute(
            "INSERT INTO tag_work_lead (work, place, lead)"
            " SELECT $1, place, lead FROM unnest($2::text[]) WITH ORDINALITY AS u(lead, place)",
            *(work.id, list(leads)),
        )
    else:
        count = await list_found(transaction, where, owner=work.owner, into="tag_work_lead", name=work.id)
    added = work._replace(leads=count, finished=None if count else work.asked)
    await transaction.execute(
        "INSERT INTO tag_work (id, asked, who, owner, put, take, reason, chosen, leads, finished)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10)",
        *(added.id, added.asked, added.who, added.owner, list(added.put), list(added.take), added.reason),
        *(msgspec.json.encode(chosen).decode(), count, added.finished),
    )
    return added


async def load_work(transaction: Transaction, work: str) -> TagWork | None:
    """Return work in bulk by its id, or None."""
    row = await transaction.fetch_row("SELECT * FROM tag_work WHERE id = $1", work)
    return None if row is None else _work(row)


async def load_open_work(transaction: Transaction) -> TagWork | None:
    """Return the oldest work that is not finished, or None."""
    row = await transaction.fetch_row(
        "SELECT * FROM tag_work WHERE finished IS NULL ORDER BY asked, id LIMIT 1"
    )
    return None if row is None else _work(row)


async def load_portion(transaction: Transaction, work: TagWork, *, limit: int) -> list[str]:
    """Return the next leads of work, in order."""
    rows = await transaction.fetch(
        "SELECT lead FROM tag_work_lead WHERE work = $1 AND place > $2 ORDER BY place LIMIT $3",
        *(work.id, work.done, limit),
    )
    return [row["lead"] for row in rows]


async def save_progress(
    transaction: Transaction, work: TagWork, *, done: int, changed: int, at: Instant, refused: str | None
) -> None:
    """Note that a portion is done, unless somebody else noted it; what is finished needs no list."""
    rows = await transaction.execute(
        "UPDATE tag_work SET done = done + $3, changed = changed + $4, refused = $6,"
        " finished = CASE WHEN done + $3 >= leads OR $6::text IS NOT NULL THEN $5::bigint END"
        " WHERE id = $1 AND done = $2",
        *(work.id, work.done, done, changed, at, refused),
    )
    if rows and (refused is not None or work.done + done >= work.leads):
        await transaction.execute("DELETE FROM tag_work_lead WHERE work = $1", work.id)


def _work(row: Row) -> TagWork:
    names = [name for name in TagWork._fields if name not in {"put", "take"}]
    return TagWork(put=tuple(row["put"]), take=tuple(row["take"]), **{name: row[name] for name in names})
