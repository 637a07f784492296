"""The table of steps: append-only, numbered under a lock, so that they become visible in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, cast

import msgspec

from services.scoring.domain.life.steps import RULING, Kind, Paper, Step
from shared.postgres.database import Row, Transaction

CREATE: Final = """
CREATE TABLE model_step (
    number bigint PRIMARY KEY,
    model text COLLATE "C" NOT NULL,
    version int NOT NULL,
    kind text NOT NULL,
    at bigint NOT NULL,
    by text NOT NULL,
    why text NOT NULL,
    digest text NOT NULL,
    percent int NOT NULL,
    tells_past boolean NOT NULL,
    details text NOT NULL,
    document text,
    lists text
);
COMMENT ON TABLE model_step IS 'every step in the life of scoring models, for good: who took it, when, why';
COMMENT ON COLUMN model_step.document IS 'the text of the version where it was first spoken of';
COMMENT ON COLUMN model_step.lists IS 'JSON: the lists that the document names, as they were then';
"""

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('model_step'))"
_NUMBER: Final = "SELECT number FROM model_step WHERE kind = ANY($1::text[]) ORDER BY number DESC LIMIT 1"
_SAVE: Final = """
INSERT INTO model_step (number, model, version, kind, at, by, why, digest, percent, tells_past, details,
                        document, lists)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_PAPER: Final = """
SELECT document, lists FROM model_step WHERE model = $1 AND version = $2 AND document IS NOT NULL
ORDER BY number LIMIT 1
"""
_IS_READABLE: Final = "SELECT has_table_privilege(to_regclass('model_step'), 'SELECT')"
_KINDS: Final = sorted(RULING)

_read_details: Final = msgspec.json.Decoder(dict[str, object]).decode
_read_lists: Final = msgspec.json.Decoder(dict[str, tuple[str, ...]]).decode


class NewStep(NamedTuple):
    """A step to record, with the version's document if it is the first to speak of it."""

    step: Step
    paper: Paper | None


async def lock_steps(transaction: Transaction) -> None:
    """Let nobody else take a step before this transaction has ended."""
    await transaction.execute(_LOCK)


async def is_readable(transaction: Transaction) -> bool:
    """Return whether the table is there, and may be read."""
    return bool(await transaction.fetch_value(_IS_READABLE))


async def load_number(transaction: Transaction) -> int:
    """Return the number of the last step that changed which version rules some lead; 0 if none did."""
    return int(await transaction.fetch_value(_NUMBER, _KINDS) or 0)


async def load_steps(transaction: Transaction, *, model: str | None = None) -> list[Step]:
    """Return every step, in order; or those of one model."""
    rows = await transaction.fetch(
        "SELECT * FROM model_step WHERE $1::text IS NULL OR model = $1 ORDER BY number", model
    )
    return [_step(row) for row in rows]


async def load_paper(transaction: Transaction, model: str, version: int) -> Paper | None:
    """Return the document of a version, None if no step has brought it."""
    row = await transaction.fetch_row(_PAPER, model, version)
    return None if row is None else Paper(text=row["document"], lists=_read_lists(row["lists"]))


async def save_steps(transaction: Transaction, steps: Sequence[NewStep]) -> None:
    """Append steps; see :func:`lock_steps`."""
    for step, paper in steps:
        await transaction.execute(
            _SAVE,
            *(step.number, step.model, step.version, step.kind, step.at, step.by, step.why, step.digest),
            *(step.percent, step.tells_past, _text(step.details)),
            None if paper is None else paper.text,
            None if paper is None else _text(paper.lists),
        )


def _text(data: Mapping[str, object]) -> str:
    return msgspec.json.encode(data).decode()


def _step(row: Row) -> Step:
    return Step(
        number=row["number"],
        model=row["model"],
        version=row["version"],
        kind=cast(Kind, row["kind"]),
        at=row["at"],
        by=row["by"],
        why=row["why"],
        digest=row["digest"],
        percent=row["percent"],
        tells_past=row["tells_past"],
        details=_read_details(row["details"]),
    )
