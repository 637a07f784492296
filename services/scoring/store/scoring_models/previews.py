"""Previews: what a publication would change, counted over all leads a portion at a time."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from services.scoring.domain.life.preview import Tally
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction

CREATE: Final = """
CREATE TABLE model_preview (
    model text COLLATE "C" NOT NULL,
    version int NOT NULL,
    number bigint NOT NULL,
    at bigint NOT NULL,
    after text COLLATE "C" NOT NULL,
    done boolean NOT NULL,
    tally text NOT NULL,
    PRIMARY KEY (model, version)
);
COMMENT ON TABLE model_preview IS 'what publishing a version would change: the last count, or one under way';
COMMENT ON COLUMN model_preview.number IS 'the step of the register that ruled when it began';
"""

_BEGIN: Final = """
INSERT INTO model_preview (model, version, number, at, after, done, tally)
VALUES ($1, $2, $3, $4, '', false, '{}')
ON CONFLICT (model, version) DO UPDATE SET number = excluded.number, at = excluded.at, after = '',
    done = false, tally = '{}'
"""
_LOAD: Final = "SELECT * FROM model_preview WHERE model = $1 AND version = $2"
_OLDEST: Final = "SELECT * FROM model_preview WHERE NOT done ORDER BY at, model, version LIMIT 1"
_NEXT: Final = _OLDEST + " FOR UPDATE"
_ADVANCE: Final = """
UPDATE model_preview SET after = $3, done = $4, tally = $5 WHERE model = $1 AND version = $2
"""

_read: Final = msgspec.json.Decoder(Tally).decode


class Preview(NamedTuple):
    """A count: of which version, since when, under which step of the register, how far, and what it found."""

    model: str
    version: int
    number: int
    at: Instant
    after: str
    done: bool
    tally: Tally


async def begin_preview(
    transaction: Transaction, model: str, version: int, *, number: int, at: Instant
) -> None:
    """Count anew, from the first lead."""
    await transaction.execute(_BEGIN, model, version, number, at)


async def load_preview(transaction: Transaction, model: str, version: int) -> Preview | None:
    """Return the last count of a version, or the one under way."""
    row = await transaction.fetch_row(_LOAD, model, version)
    return None if row is None else _preview(row)


async def load_oldest(transaction: Transaction) -> Preview | None:
    """Return the count that has waited longest; None if none is under way."""
    row = await transaction.fetch_row(_OLDEST)
    return None if row is None else _preview(row)


async def claim_preview(transaction: Transaction) -> Preview | None:
    """Return the count that has waited longest, locked; None if none is under way."""
    row = await transaction.fetch_row(_NEXT)
    return None if row is None else _preview(row)


async def save_preview(transaction: Transaction, preview: Preview) -> None:
    """Note how far a count is."""
    text = msgspec.json.encode(preview.tally).decode()
    await transaction.execute(_ADVANCE, preview.model, preview.version, preview.after, preview.done, text)


def _preview(row: Row) -> Preview:
    return Preview(
        row["model"],
        row["version"],
        row["number"],
        row["at"],
        row["after"],
        row["done"],
        _read(row["tally"]),
    )
