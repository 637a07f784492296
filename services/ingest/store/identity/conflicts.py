"""Doubts and likenesses: written in the resolver's transaction, settled by people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.ingest.domain.evidence.doubts import Conflict, Doubt, Likeness
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction


class Cause(NamedTuple):
    """The message that something follows from: its record, the client's own id, when it was received."""

    record_id: str
    message_id: str | None
    received: Instant


_SAVE: Final = """
INSERT INTO conflict (id, reason, kind, identifier, profile, other, cause, message_id, at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[],
                     $8::text[], $9::bigint[])
ON CONFLICT DO NOTHING
"""
_CLAIM_LIKENESS: Final = """
INSERT INTO likeness (key, profile) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING
"""
_FIND_LIKENESS: Final = "SELECT key, profile FROM likeness WHERE key = ANY($1::text[])"
_FIND: Final = """
SELECT c.*, p.lead, coalesce(o.lead, '') AS other_lead
FROM conflict c JOIN profile p ON p.id = c.profile LEFT JOIN profile o ON o.id = c.other
"""
_OPEN: Final = f"""
{_FIND}
WHERE settled IS NULL AND p.lead IS DISTINCT FROM o.lead AND ($1::text IS NULL OR reason = $1)
  AND (at, c.id) > ($2, $3)
ORDER BY at, c.id LIMIT $4
"""
_SETTLED: Final = f"""
{_FIND}
WHERE settled IS NOT NULL AND ($1::text IS NULL OR reason = $1) AND (at, c.id) > ($2, $3)
ORDER BY at, c.id LIMIT $4
"""
_COLLEAGUES: Final = """
SELECT other.id FROM lead own JOIN lead other ON other.company = own.company AND other.id <> own.id
JOIN profile p ON p.id = other.id AND p.lead = other.id
WHERE own.id = (SELECT lead FROM profile WHERE id = $1) AND own.company <> ''
ORDER BY other.created, other.id LIMIT $2
"""
_DUPLICATES: Final = """
WITH own AS (SELECT id FROM profile WHERE lead = (SELECT lead FROM profile WHERE id = $1)),
     open_ones AS (SELECT profile, other FROM conflict WHERE settled IS NULL),
     doubted AS (SELECT other AS profile FROM open_ones WHERE profile IN (SELECT id FROM own)
                 UNION SELECT profile FROM open_ones WHERE other IN (SELECT id FROM own))
SELECT DISTINCT p.lead AS id FROM doubted JOIN profile p ON p.id = doubted.profile
WHERE p.id NOT IN (SELECT id FROM own) ORDER BY id LIMIT $2
"""
_SETTLE: Final = """
UPDATE conflict SET settled = $2, settled_at = $3, settled_by = $4, note = $5 WHERE id = $1
"""


async def save_doubts(transaction: Transaction, found: Sequence[tuple[Cause, Doubt]]) -> None:
    """Note doubts; one that was noted before stays as it is, settled or not."""
    rows = {doubt.id: (cause, doubt) for cause, doubt in reversed(found)}
    if not rows:
        return
    ids = sorted(rows)
    causes, doubts = [rows[one][0] for one in ids], [rows[one][1] for one in ids]
    await transaction.execute(
        _SAVE,
        ids,
        [doubt.reason.value for doubt in doubts],
        [doubt.kind for doubt in doubts],
        [doubt.identifier for doubt in doubts],
        [doubt.profile for doubt in doubts],
        [doubt.other for doubt in doubts],
        [bytes.fromhex(cause.record_id) for cause in causes],
        [cause.message_id for cause in causes],
        [cause.received for cause in causes],
    )


async def compare_alike(
    transaction: Transaction, found: Sequence[tuple[Cause, Likeness]]
) -> list[tuple[Cause, Doubt]]:
    """Return who is like the first who had the same; who is the first is remembered as that."""
    if not found:
        return []
    first_here: dict[str, str] = {}
    for _, alike in found:
        first_here.setdefault(alike.key, alike.profile)
    keys = sorted(first_here)
    await transaction.execute(_CLAIM_LIKENESS, keys, [first_here[key] for key in keys])
    rows = await transaction.fetch(_FIND_LIKENESS, keys)
    first = {row["key"]: row["profile"] for row in rows}
    return [
        (cause, Doubt(alike.reason, "likeness", alike.key, alike.profile, first[alike.key]))
        for cause, alike in found
        if first[alike.key] != alike.profile
    ]


async def load_conflicts(
    transaction: Transaction,
    *,
    is_settled: bool,
    reason: str | None,
    after: tuple[Instant, str],
    limit: int,
) -> list[Conflict]:
    """Return conflicts behind ``after`` (when, id), oldest first; open ones whose two became one are over."""
    rows = await transaction.fetch(_SETTLED if is_settled else _OPEN, reason, *after, limit)
    return [_conflict(row) for row in rows]


async def load_conflict(transaction: Transaction, conflict: str) -> Conflict | None:
    """Return one conflict, locked until commit."""
    row = await transaction.fetch_row(f"{_FIND} WHERE c.id = $1 FOR UPDATE OF c", conflict)
    return None if row is None else _conflict(row)


async def find_colleagues(transaction: Transaction, lead: str, *, limit: int) -> list[str]:
    """Return the leads at the same company, the longest known first."""
    return [row["id"] for row in await transaction.fetch(_COLLEAGUES, lead, limit)]


async def find_duplicates(transaction: Transaction, lead: str, *, limit: int) -> list[str]:
    """Return the leads of which it is open whether they are the same person, in order of their ids."""
    return [row["id"] for row in await transaction.fetch(_DUPLICATES, lead, limit)]


async def save_settled(
    transaction: Transaction, conflict: str, *, settled: str, at: Instant, by: str, note: str
) -> None:
    """Note how a conflict was settled, when, and by whom."""
    await transaction.execute(_SETTLE, conflict, settled, at, by, note)


async def forget_doubts(transaction: Transaction, profiles: Sequence[str]) -> None:
    """Delete what is doubted about profiles whose person was erased."""
    await transaction.execute(
        "DELETE FROM conflict WHERE profile = ANY($1::text[]) OR other = ANY($1::text[])", profiles
    )
    await transaction.execute("DELETE FROM likeness WHERE profile = ANY($1::text[])", profiles)


def _conflict(row: Row) -> Conflict:
    values = {name: row[name] for name in Conflict._fields if name != "cause"}
    return Conflict(**values, cause=row["cause"].hex())
