"""The table of told tier changes: append-only, kept beside the ledger, and read as a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.scoring.domain.effects import TierChange
from services.scoring.domain.told_changes import Details, TierChangeRow, ToldChange
from shared.postgres.database import Row, Transaction

CREATE = """
CREATE TABLE tier_change (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    written xid8 NOT NULL DEFAULT pg_current_xact_id(),
    lead text COLLATE "C" NOT NULL,
    model text NOT NULL,
    model_version int NOT NULL,
    cause text NOT NULL,
    told_at bigint NOT NULL,
    at bigint NOT NULL,
    direction text NOT NULL,
    from_tier text NOT NULL,
    to_tier text NOT NULL,
    points bigint NOT NULL,
    restated boolean NOT NULL,
    details bytea NOT NULL,
    UNIQUE (lead, model, cause)
);
CREATE INDEX tier_change_written ON tier_change (written, number);
COMMENT ON TABLE tier_change IS 'every tier change that was told, with the fact that brought it about';
COMMENT ON COLUMN tier_change.details IS 'MessagePack: reasons and external ids';
"""

FIRST_CURSOR: Final = "0.0"
"""The place before the first change: the number of a transaction, a dot, the number of a row."""

_MOST_TRANSACTION: Final = 2**64 - 1
_MOST_NUMBER: Final = 2**63 - 1

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Details).decode


async def save_tier_changes(transaction: Transaction, rows: Sequence[TierChangeRow]) -> None:
    """Append told changes; a cause tells at most one change of a model."""
    await transaction.execute(
        "INSERT INTO tier_change (lead, model, model_version, cause, told_at, at, direction, from_tier,"
        " to_tier, points, restated, details) SELECT * FROM unnest($1::text[], $2::text[], $3::int[],"
        " $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::bigint[],"
        " $11::boolean[], $12::bytea[])",
        [row.lead for row in rows],
        [row.change.model for row in rows],
        [row.change.version for row in rows],
        [row.cause for row in rows],
        [row.told_at for row in rows],
        [row.change.at for row in rows],
        [row.change.direction for row in rows],
        [row.change.from_tier for row in rows],
        [row.change.to_tier for row in rows],
        [row.change.points for row in rows],
        [row.change.restated for row in rows],
        [_details(row) for row in rows],
    )


def _details(row: TierChangeRow) -> bytes:
    reasons = [(line.rule, line.points, line.event) for line in row.change.reasons]
    return _encode(Details(reasons, row.external_ids, row.event))


def is_cursor(text: str) -> bool:
    """Return whether a text can be the place of a change."""
    written, dot, number = text.partition(".")
    are_numbers = (written + number).isascii() and written.isdigit() and number.isdigit()
    return bool(dot and are_numbers and int(written) <= _MOST_TRANSACTION and int(number) <= _MOST_NUMBER)


async def load_told_changes(transaction: Transaction, *, after: str, limit: int) -> list[ToldChange]:
    """Return changes told after a cursor, oldest first.

    Numbers are not drawn in commit order, so a change is shown only once no older transaction can
    still write one before it: the stream never skips.
    """
    written, _, number = after.partition(".")
    rows = await transaction.fetch(
        "SELECT * FROM tier_change WHERE written < pg_snapshot_xmin(pg_current_snapshot())"
        " AND (written, number) > ($1::text::xid8, $2::bigint) ORDER BY written, number LIMIT $3",
        written,
        int(number),
        limit,
    )
    return [_told(row) for row in rows]


async def load_latest_cursor(transaction: Transaction) -> str:
    """Return the cursor of the newest that the stream may show, the first cursor if it may show nothing."""
    row = await transaction.fetch_row(
        "(SELECT written, number FROM tier_change WHERE written < pg_snapshot_xmin(pg_current_snapshot())"
        " ORDER BY written DESC, number DESC LIMIT 1) UNION ALL"
        " (SELECT written, number FROM activation WHERE written < pg_snapshot_xmin(pg_current_snapshot())"
        " ORDER BY written DESC, number DESC LIMIT 1) ORDER BY written DESC, number DESC LIMIT 1"
    )
    return FIRST_CURSOR if row is None else f"{row['written']}.{row['number']}"


async def load_lead_changes(transaction: Transaction, lead: str) -> list[ToldChange]:
    """Return everything that was told of one lead, in order of telling."""
    rows = await transaction.fetch("SELECT * FROM tier_change WHERE lead = $1 ORDER BY number", lead)
    return [_told(row) for row in rows]


async def load_numbered_changes(transaction: Transaction, numbers: Sequence[int]) -> dict[int, ToldChange]:
    """Return told changes by the numbers of their rows; numbers of other tables are not there."""
    rows = await transaction.fetch(
        "SELECT * FROM tier_change WHERE number = ANY($1::bigint[])", list(numbers)
    )
    return {row["number"]: _told(row) for row in rows}


def _told(row: Row) -> ToldChange:
    change = TierChange(
        model=row["model"],
        version=row["model_version"],
        direction=row["direction"],
        from_tier=row["from_tier"],
        to_tier=row["to_tier"],
        points=row["points"],
        at=row["at"],
        restated=row["restated"],
        reasons=(),
    )
    return ToldChange(
        f"{row['written']}.{row['number']}",
        row["lead"],
        row["told_at"],
        change,
        _decode(row["details"]),
        row["cause"],
    )
