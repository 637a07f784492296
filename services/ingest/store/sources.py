"""What each source sent and what became of it: counts that grow, and the newest of what they count.

The edges add what they let in and what they refused; the resolver adds what became of each message, in the
transaction that made it so, under the partition it came from, so that no two workers wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

CREATE: Final = """
CREATE TABLE source_accepted (
    source text COLLATE "C" PRIMARY KEY,
    messages bigint NOT NULL,
    newest bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE source_accepted IS 'messages that the edges kept; short of what killed ones had not written';

CREATE TABLE source_refused (
    source text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    requests bigint NOT NULL,
    newest bigint NOT NULL,
    PRIMARY KEY (source, code)
) WITH (fillfactor = 50);
COMMENT ON TABLE source_refused IS 'requests that the edges refused; the source is empty if nobody knows it';

CREATE TABLE source_resolved (
    source text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    messages bigint NOT NULL,
    newest bigint NOT NULL,
    PRIMARY KEY (partition, source, outcome, code)
) WITH (fillfactor = 50);
COMMENT ON TABLE source_resolved IS
    'what became of messages; the source is empty for those that were there before anybody counted by it';
COMMENT ON COLUMN source_resolved.outcome IS 'a column of receipt, with which these counts agree';
COMMENT ON COLUMN source_resolved.code IS 'why a message lies in quarantine, else empty';
"""

_ADD_ACCEPTED: Final = """
INSERT INTO source_accepted AS s SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
ON CONFLICT (source) DO UPDATE SET
    messages = s.messages + excluded.messages, newest = greatest(s.newest, excluded.newest)
"""
_ADD_REFUSED: Final = """
INSERT INTO source_refused AS s SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
ON CONFLICT (source, code) DO UPDATE SET
    requests = s.requests + excluded.requests, newest = greatest(s.newest, excluded.newest)
"""
_ADD_RESOLVED: Final = """
WITH fresh AS (
    SELECT partition FROM unnest($3::int[]) AS p(partition) GROUP BY partition
    HAVING NOT EXISTS (SELECT FROM source_resolved s WHERE s.partition = p.partition)
), begun AS (
    INSERT INTO source_resolved
    SELECT '', r.partition, outcome, '', sum(counted), 0
    FROM fresh JOIN receipt r ON r.partition = fresh.partition AND r.consumer_group = $7 AND r.topic = $8,
         LATERAL (VALUES ('processed', r.processed), ('duplicate', r.duplicate),
                         ('quarantined', r.quarantined), ('dead', r.dead)) AS o(outcome, counted)
    GROUP BY r.partition, outcome
)
INSERT INTO source_resolved AS s
SELECT * FROM unnest($1::text[], $3::int[], $2::text[], $4::text[], $5::bigint[], $6::bigint[])
ON CONFLICT (partition, source, outcome, code) DO UPDATE SET
    messages = s.messages + excluded.messages, newest = greatest(s.newest, excluded.newest)
"""
"""The first time in a partition, what its receipts hold already is counted under no source."""


@dataclass(slots=True)
class Accepted:
    """Messages of a source that the edge kept, and when it took the newest."""

    source: str
    messages: int = 0
    newest: Instant = 0


@dataclass(slots=True)
class Refused:
    """Requests that were refused for one reason, and when the newest was."""

    source: str
    code: str
    requests: int = 0
    newest: Instant = 0


@dataclass(slots=True)
class Resolved:
    """Messages that ended in one way, and when the newest of them was received."""

    source: str
    partition: int
    outcome: str
    code: str
    messages: int = 0
    newest: Instant = 0


class Ending:
    """Collects how the messages of one batch ended."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str, str, str], Resolved] = {}

    def add(self, source: str, partition: int, *, outcome: str, code: str, received: Instant) -> None:
        """Count one message."""
        key = (partition, source, outcome, code)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = Resolved(source, partition, outcome, code)
        row.messages += 1
        row.newest = max(row.newest, received)

    @property
    def rows(self) -> list[Resolved]:
        """The counts, in the order in which their rows are locked."""
        return [self._rows[key] for key in sorted(self._rows)]


async def add_accepted(transaction: Transaction, counts: Iterable[Accepted]) -> None:
    """Add what an edge kept."""
    rows = sorted(counts, key=lambda row: row.source)
    if rows:
        await transaction.execute(
            _ADD_ACCEPTED,
            [row.source for row in rows],
            [row.messages for row in rows],
            [row.newest for row in rows],
        )


async def add_refused(transaction: Transaction, counts: Iterable[Refused]) -> None:
    """Add what an edge refused."""
    rows = sorted(counts, key=lambda row: (row.source, row.code))
    if rows:
        await transaction.execute(
            _ADD_REFUSED,
            [row.source for row in rows],
            [row.code for row in rows],
            [row.requests for row in rows],
            [row.newest for row in rows],
        )


async def add_resolved(transaction: Transaction, rows: Sequence[Resolved], *, group: str, topic: str) -> None:
    """Add how messages of a topic ended; ``rows`` are in the order of their keys."""
    if rows:
        await transaction.execute(
            _ADD_RESOLVED,
            [row.source for row in rows],
            [row.outcome for row in rows],
            [row.partition for row in rows],
            [row.code for row in rows],
            [row.messages for row in rows],
            [row.newest for row in rows],
            *(group, topic),
        )
