"""How far everybody is under the versions that rule: a sweep over all leads, a portion at a time.

A pass begins by noting which transactions are running, and takes its first portion when they have ended:
whoever saves a lead after that has looked at the register after the step (ADR 29). It sets a timer for each
lead that was scored under other versions; the owner of its partition does the rest, as with every clock.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from services.scoring.domain.life.ruling import RENEWAL
from services.scoring.store.scoring_models.steps import load_number
from shared.kernel.instants import SECOND, Instant
from shared.postgres.database import Transaction

PATIENCE: Final = 10 * SECOND
SKEW: Final = SECOND

CREATE: Final = """
CREATE TABLE model_pass (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    done bigint NOT NULL,
    target bigint NOT NULL,
    barrier text NOT NULL,
    begun text COLLATE "C" NOT NULL,
    after text COLLATE "C" NOT NULL,
    swept boolean NOT NULL,
    seen bigint NOT NULL,
    renewed bigint NOT NULL
);
INSERT INTO model_pass (done, target, barrier, begun, after, swept, seen, renewed)
VALUES (0, 0, '0', '', '', false, 0, 0);
COMMENT ON TABLE model_pass IS 'up to which step of the register every lead is under the versions that rule';
COMMENT ON COLUMN model_pass.begun IS 'the last portion are the leads after begun, up to after';
"""

_LOAD: Final = "SELECT done, target, barrier, after, swept, seen, renewed FROM model_pass"
_BEGIN: Final = """
UPDATE model_pass SET target = $1, barrier = pg_snapshot_xmax(pg_current_snapshot())::text, begun = '',
    after = '', swept = false, seen = 0, renewed = 0
"""
_READY: Final = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8"
_WAITING: Final = """
SELECT count(*) FROM timer WHERE partition = ANY($1::int[]) AND due > $2 AND due <= $3 AND name = $4
"""
_IS_LEFT: Final = "SELECT EXISTS (SELECT FROM timer WHERE name = $1)"
_ADVANCE: Final = """
UPDATE model_pass SET begun = after, after = $1, swept = $2, seen = seen + $3, renewed = renewed + $4
"""


class Pass(NamedTuple):
    """How far a pass is: up to which step all is done, which it is about, where it is, and its counts."""

    done: int
    target: int
    barrier: str
    after: str
    swept: bool
    seen: int
    renewed: int


async def load_pass(transaction: Transaction, *, lock: bool = False) -> Pass:
    """Return how far it is."""
    row = await transaction.fetch_row(_LOAD + (" FOR UPDATE" if lock else ""))
    assert row is not None
    return Pass(*row)


async def is_passing(transaction: Transaction) -> bool:
    """Return whether some lead may not be under the ruling versions yet."""
    return (await load_pass(transaction)).done != await load_number(transaction)


async def begin_pass(transaction: Transaction, number: int) -> None:
    """Begin with the first lead, for a step of the register."""
    await transaction.execute(_BEGIN, number)


async def is_open(transaction: Transaction, state: Pass) -> bool:
    """Return whether whoever could still save by an older ruling has ended."""
    return bool(await transaction.fetch_value(_READY, state.barrier))


async def count_waiting(transaction: Transaction, *, partitions: int, now: Instant) -> int:
    """Return how many leads wait for their clock that was set within :data:`PATIENCE`.

    Clocks of another process, which may be ahead by :data:`SKEW`, are counted; those that wait for longer
    belong to a partition that stands still, and are not.
    """
    numbers = list(range(partitions))
    return int(await transaction.fetch_value(_WAITING, numbers, now - PATIENCE, now + SKEW, RENEWAL) or 0)


async def is_left(transaction: Transaction) -> bool:
    """Return whether some lead waits for its clock."""
    return bool(await transaction.fetch_value(_IS_LEFT, RENEWAL))


async def advance_pass(
    transaction: Transaction, *, after: str, is_last: bool, seen: int, renewed: int
) -> None:
    """Note a portion that ends with the lead ``after``."""
    await transaction.execute(_ADVANCE, after, is_last, seen, renewed)


async def end_pass(transaction: Transaction) -> None:
    """Note that every lead is under the versions that ruled when the pass began, or later ones."""
    await transaction.execute("UPDATE model_pass SET done = target")
