"""Deliveries and their attempts: one row for each change on its way to each webhook that wants it.

A number is a place in the stream; of one lead numbers rise as things were told. Only the first of a
lead that waits may be tried, so what is told of one lead arrives in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from services.scoring.domain.webhooks.attempts import Attempt, Course, DeliveryState
from services.scoring.domain.webhooks.webhook import Kind
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction

CREATE: Final = """
CREATE TABLE webhook_delivery (
    webhook text NOT NULL REFERENCES webhook ON DELETE CASCADE,
    number bigint NOT NULL,
    kind text NOT NULL,
    lead text COLLATE "C" NOT NULL,
    event text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
    created_at bigint NOT NULL,
    next_attempt bigint NOT NULL,
    tries int NOT NULL DEFAULT 0,
    attempts int NOT NULL DEFAULT 0,
    ended_at bigint,
    status int,
    code text NOT NULL DEFAULT '',
    PRIMARY KEY (webhook, number)
);
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (webhook, lead, number) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook, next_attempt) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE state <> 'waiting';
CREATE TABLE webhook_attempt (
    webhook text NOT NULL,
    number bigint NOT NULL,
    attempt int NOT NULL,
    at bigint NOT NULL,
    status int,
    code text NOT NULL,
    PRIMARY KEY (webhook, number, attempt),
    FOREIGN KEY (webhook, number) REFERENCES webhook_delivery ON DELETE CASCADE
);
COMMENT ON COLUMN webhook_delivery.number IS 'the number of the row of tier_change or activation it tells of';
COMMENT ON COLUMN webhook_delivery.event IS 'the webhook-id: the same for every attempt and every webhook';
COMMENT ON COLUMN webhook_delivery.tries IS 'attempts of this round; sent again by hand, it begins another';
COMMENT ON TABLE webhook_attempt IS 'each attempt with what was answered; never a word of the answer';
"""

_SAVE: Final = """
INSERT INTO webhook_delivery (webhook, number, kind, lead, event, created_at, next_attempt)
SELECT $1, *, $6, $6 FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[])
ON CONFLICT (webhook, number) DO NOTHING
"""
_DUE: Final = """
SELECT * FROM (
    SELECT DISTINCT ON (lead) * FROM webhook_delivery WHERE webhook = $1 AND state = 'waiting'
    ORDER BY lead, number) AS first_of_lead
WHERE next_attempt <= $2 ORDER BY next_attempt, number LIMIT $3
"""  # reads what waits once, by whatever plan: to ask of each row whether one waits before it was quadratic
_END: Final = """
WITH tried AS (
    SELECT * FROM unnest(
        $2::bigint[], $3::text[], $4::bigint[], $5::int[], $6::bigint[], $7::int[], $8::text[])
        AS t (number, state, next_attempt, tries, at, status, code)
), ended AS (
    UPDATE webhook_delivery d SET state = t.state, next_attempt = t.next_attempt, tries = t.tries,
        attempts = attempts + 1, status = t.status, code = t.code,
        ended_at = CASE WHEN t.state = 'waiting' THEN NULL ELSE t.at END
    FROM tried t WHERE d.webhook = $1 AND d.number = t.number
    RETURNING d.number, d.attempts, t.at, t.status, t.code
)
INSERT INTO webhook_attempt (webhook, number, attempt, at, status, code)
SELECT $1, number, attempts, at, status, code FROM ended
"""
_LIST: Final = """
SELECT * FROM webhook_delivery WHERE webhook = $1 AND ($2::text IS NULL OR state = $2)
AND ($3::bigint IS NULL OR number < $3) ORDER BY number DESC LIMIT $4
"""
_RETRY: Final = """
UPDATE webhook_delivery SET state = 'waiting', next_attempt = $2, tries = 0, ended_at = NULL
WHERE webhook = $1 AND ($3::bigint IS NULL AND state <> 'delivered' OR number = $3)
"""
_FORGET: Final = """
DELETE FROM webhook_delivery WHERE state = $1 AND (webhook, number) IN (
    SELECT webhook, number FROM webhook_delivery WHERE state = $1 AND state <> 'waiting' AND ended_at < $2
    ORDER BY ended_at LIMIT $3)
"""


_MOST: Final = 2**63 - 1


class Delivery(NamedTuple):
    """One change on its way to one webhook; ``status`` and ``code`` are those of the last attempt."""

    webhook: str
    number: int
    kind: Kind
    lead: str
    event: str
    state: DeliveryState
    created_at: Instant
    next_attempt: Instant
    tries: int
    attempts: int
    ended_at: Instant | None
    status: int | None
    code: str

    @property
    def course(self) -> Course:
        """How it stands now."""
        return Course(self.state, self.next_attempt, self.tries)


class Tried(NamedTuple):
    """An attempt of one delivery, by its number."""

    number: int
    attempt: int
    at: Instant
    status: int | None
    code: str


class Counts(NamedTuple):
    """How many deliveries of a webhook wait and are dead."""

    waiting: int
    dead: int


async def save_deliveries(
    transaction: Transaction, webhook_id: str, told: Sequence[tuple[int, Kind, str, str]], *, now: Instant
) -> None:
    """Write down what is to be told: (number, kind, lead, event id). What is there already stays."""
    if told:
        await transaction.execute(
            _SAVE,
            webhook_id,
            [number for number, _, _, _ in told],
            [kind for _, kind, _, _ in told],
            [lead for _, _, lead, _ in told],
            [event for _, _, _, event in told],
            now,
        )


async def is_full(transaction: Transaction, webhook_id: str, *, at_most: int) -> bool:
    """Return whether so many deliveries of a webhook wait, or more."""
    found = await transaction.fetch_value(
        "SELECT 1 FROM webhook_delivery WHERE webhook = $1 AND state = 'waiting' OFFSET $2 LIMIT 1",
        *(webhook_id, at_most - 1),
    )
    return found is not None


async def load_due(transaction: Transaction, webhook_id: str, *, now: Instant, limit: int) -> list[Delivery]:
    """Return deliveries that may be tried now, one for each lead, the longest due first."""
    rows = await transaction.fetch(_DUE, webhook_id, now, limit)
    return [_delivery(row) for row in rows]


async def load_next(transaction: Transaction, webhook_id: str) -> list[Delivery]:
    """Return the delivery that will be due next, whenever that is; none if none waits."""
    rows = await transaction.fetch(_DUE, webhook_id, _MOST, 1)
    return [_delivery(row) for row in rows]


async def save_attempts(
    transaction: Transaction, webhook_id: str, tried: Sequence[tuple[Delivery, Attempt, Course]]
) -> None:
    """Write down attempts of different deliveries of a webhook, and how each delivery goes on."""
    await transaction.execute(
        _END,
        webhook_id,
        [delivery.number for delivery, _, _ in tried],
        [course.state for _, _, course in tried],
        [course.next_attempt for _, _, course in tried],
        [course.tries for _, _, course in tried],
        [attempt.at for _, attempt, _ in tried],
        [attempt.status for _, attempt, _ in tried],
        [attempt.code for _, attempt, _ in tried],
    )


async def hasten(transaction: Transaction, webhook_id: str, *, now: Instant) -> None:
    """Make everything that waits due now: the receiver is back."""
    await transaction.execute(
        "UPDATE webhook_delivery SET next_attempt = $2 WHERE webhook = $1 AND state = 'waiting'"
        " AND next_attempt > $2",
        *(webhook_id, now),
    )


async def retry_deliveries(
    transaction: Transaction, webhook_id: str, *, now: Instant, number: int | None = None
) -> int:
    """Begin a new round of attempts: of one delivery, delivered or not, or of all that are not delivered."""
    return await transaction.execute(_RETRY, webhook_id, now, number)


async def load_deliveries(
    transaction: Transaction, webhook_id: str, *, state: str | None, before: int | None, limit: int
) -> list[Delivery]:
    """Return deliveries, newest first."""
    rows = await transaction.fetch(_LIST, webhook_id, state, before, limit)
    return [_delivery(row) for row in rows]


async def load_attempts(
    transaction: Transaction,
    webhook_id: str,
    *,
    number: int | None,
    after: tuple[int, int, int] | None,
    limit: int,
) -> list[Tried]:
    """Return attempts, newest first: of one delivery, or of all. ``after`` is (at, number, attempt)."""
    rows = await transaction.fetch(
        "SELECT number, attempt, at, status, code FROM webhook_attempt WHERE webhook = $1"
        " AND ($2::bigint IS NULL OR number = $2)"
        " AND ($3::bigint IS NULL OR (at, number, attempt) < ($3, $4::bigint, $5::int))"
        " ORDER BY at DESC, number DESC, attempt DESC LIMIT $6",
        *(webhook_id, number, *(after or (None, None, None)), limit),
    )
    return [Tried(*row) for row in rows]


async def count_deliveries(transaction: Transaction) -> dict[str, Counts]:
    """Return for each webhook how many deliveries wait and how many are dead."""
    rows = await transaction.fetch(
        "SELECT webhook, count(*) FILTER (WHERE state = 'waiting') AS waiting,"
        " count(*) FILTER (WHERE state = 'dead') AS dead FROM webhook_delivery"
        " WHERE state <> 'delivered' GROUP BY webhook"
    )
    return {row["webhook"]: Counts(row["waiting"], row["dead"]) for row in rows}


async def load_oldest_waiting(transaction: Transaction) -> Instant | None:
    """Return since when the oldest delivery waits, of webhooks that are not disabled; None if none does."""
    oldest: Instant | None = await transaction.fetch_value(
        "SELECT min(d.created_at) FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook"
        " WHERE d.state = 'waiting' AND w.state = 'active'"
    )
    return oldest


async def forget_deliveries(
    transaction: Transaction, *, state: DeliveryState, before: Instant, limit: int
) -> int:
    """Forget deliveries that ended before an instant, with their attempts; returns how many."""
    return await transaction.execute(_FORGET, state, before, limit)


def _delivery(row: Row) -> Delivery:
    kind: Any = row["kind"]
    state: Any = row["state"]
    return Delivery(
        *(row["webhook"], row["number"], kind, row["lead"], row["event"], state),
        *(row["created_at"], row["next_attempt"], row["tries"], row["attempts"]),
        *(row["ended_at"], row["status"], row["code"]),
    )
