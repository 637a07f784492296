"""Errands: what a vendor told by its id alone and is still to be fetched, or to be erased.

A row is written in the transaction that read the notice, and deleted once the content lies in the raw
topic; whoever claims it has it for a lease. Leases and waits go by the clock of this database.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from services.ingest.domain.dialects.hooks import Errand
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

WAITING: Final = "waiting"
STUCK: Final = "stuck"

_SAVE: Final = """
INSERT INTO hook_errand (id, source, provider, what, external_id, form, account, received)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                     $8::bigint[])
ON CONFLICT (id) DO NOTHING
"""
_CLAIM: Final = """
WITH due AS MATERIALIZED (
    SELECT id FROM hook_errand WHERE state = 'waiting' AND next_attempt <= clock_timestamp()
    ORDER BY next_attempt, id LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE hook_errand e SET next_attempt = clock_timestamp() + $1::interval, attempts = e.attempts + 1
FROM due WHERE e.id = due.id RETURNING e.*
"""
_PUT_OFF: Final = """
UPDATE hook_errand SET last_fault = $2,
    state = CASE WHEN $3 OR clock_timestamp() - taken > $4::interval THEN 'stuck' ELSE 'waiting' END,
    next_attempt = clock_timestamp() + greatest(
        $5::interval,
        least($6::interval * power(2, least(attempts, 20) - 1), $7::interval) * (0.75 + random() / 2))
WHERE id = $1 RETURNING state
"""
_RETRY: Final = """
UPDATE hook_errand SET state = 'waiting', next_attempt = clock_timestamp(), taken = clock_timestamp(),
    attempts = 0
WHERE ($1::text IS NULL OR source = $1) AND ($2::text IS NULL OR provider = $2)
"""


class ClaimedErrand(NamedTuple):
    """An errand that is ours for the lease; ``id`` is the raw record that told of it."""

    id: str
    source: str
    errand: Errand
    received: Instant


class WaitingErrands(NamedTuple):
    """How many errands of a source and provider wait or are stuck, since when, and why."""

    source: str
    provider: str
    state: str
    many: int
    oldest: datetime
    last_fault: str | None


class Patience(NamedTuple):
    """How long an errand waits after its first failure, doubling each time, and at most.

    After ``gives_up`` it counts as stuck, and waits for a person.
    """

    first: timedelta = timedelta(seconds=10)
    longest: timedelta = timedelta(minutes=30)
    gives_up: timedelta = timedelta(days=3)


async def save_errands(transaction: Transaction, errands: Sequence[tuple[str, str, Errand, Instant]]) -> None:
    """Note what is to be done: (raw record, source, errand, received). One that is noted stays as it is."""
    rows = sorted({row[0]: row for row in errands}.values(), key=lambda row: row[0])
    if rows:
        await transaction.execute(
            _SAVE,
            [record_id for record_id, _, _, _ in rows],
            [source for _, source, _, _ in rows],
            [errand.provider for _, _, errand, _ in rows],
            [errand.what for _, _, errand, _ in rows],
            [errand.external_id for _, _, errand, _ in rows],
            [errand.form for _, _, errand, _ in rows],
            [errand.account for _, _, errand, _ in rows],
            [received for _, _, _, received in rows],
        )


async def claim_errands(transaction: Transaction, *, lease: timedelta, limit: int) -> list[ClaimedErrand]:
    """Take errands that are due; nobody else gets them before the lease is over."""
    rows = await transaction.fetch(_CLAIM, lease, limit)
    return [
        ClaimedErrand(
            row["id"],
            row["source"],
            Errand(
                provider=row["provider"],
                what=row["what"],
                external_id=row["external_id"],
                form=row["form"],
                account=row["account"],
            ),
            row["received"],
        )
        for row in rows
    ]


async def finish_errand(transaction: Transaction, done: ClaimedErrand) -> None:
    """Forget an errand that is done; of somebody who was erased nothing is fetched any more."""
    errand = done.errand
    await transaction.execute(
        "DELETE FROM hook_errand WHERE id = $1"
        " OR ($2 AND source = $3 AND provider = $4 AND external_id = $5)",
        *(done.id, errand.what == "erase", done.source, errand.provider, errand.external_id),
    )


async def put_off_errand(
    transaction: Transaction,
    errand_id: str,
    *,
    fault: str,
    is_final: bool = False,
    at_least: timedelta = timedelta(0),
    patience: Patience,
) -> bool:
    """Note why an errand failed and when it is tried again; returns whether it is stuck.

    ``is_final`` ones are stuck at once, others after ``patience.gives_up``.
    """
    state = await transaction.fetch_value(
        _PUT_OFF,
        *(errand_id, fault, is_final, patience.gives_up),
        *(at_least, patience.first, patience.longest),
    )
    return bool(state == STUCK)


async def retry_errands(transaction: Transaction, *, source: str | None, provider: str | None) -> int:
    """Make errands due now, stuck ones too; returns how many."""
    return await transaction.execute(_RETRY, source, provider)


async def count_errands(transaction: Transaction) -> list[WaitingErrands]:
    """Return how many errands wait and are stuck, by source, provider and state."""
    rows = await transaction.fetch(
        "SELECT source, provider, state, count(*) AS many, min(taken) AS oldest,"
        " (array_agg(last_fault ORDER BY next_attempt DESC))[1] AS fault"
        " FROM hook_errand GROUP BY source, provider, state ORDER BY source, provider, state"
    )
    return [WaitingErrands(*row) for row in rows]
