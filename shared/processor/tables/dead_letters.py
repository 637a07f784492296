"""Dead letters: a record that can never be used hurts only itself, and is kept as it came.

The row in ``dead_letter`` is what people list, show and replay; the record on ``leadmill.dlq.…``
tells other systems. Both are written in the transaction that steps over the record. No message
text is kept, because it might repeat what a person typed: the code says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from shared.contracts.envelope import encode_event, source_of
from shared.contracts.events.dead_letters import DeadLettered
from shared.kernel.errors import code_of
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant, to_datetime
from shared.kernel.release import VERSION
from shared.log.port import Headers, Record, TopicPartition
from shared.postgres.database import Row, Transaction
from shared.processor.tables.outbox import OutboxRecord

_TOO_LARGE_TO_REPEAT = 500_000

_SAVE = """
INSERT INTO dead_letter (id, consumer_group, topic, partition, "offset", code, error_type, attempts,
                         record_timestamp, record_key, record_value, record_headers)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::text[],
                     $8::int[], $9::bigint[], $10::bytea[], $11::bytea[], $12::bytea[])
ON CONFLICT DO NOTHING
"""

_FORGET_HALTS = """
DELETE FROM halt h USING unnest($2::text[], $3::int[]) AS t(topic, partition)
WHERE h.consumer_group = $1 AND h.topic = t.topic AND h.partition = t.partition AND h.resumed IS NOT NULL
"""

_RESUME = """
UPDATE halt SET resumed = clock_timestamp() WHERE resumed IS NULL
AND ($1::text IS NULL OR consumer_group = $1) AND ($2::text IS NULL OR topic = $2)
AND ($3::int IS NULL OR partition = $3)
"""


class DeadLetter(NamedTuple):
    """A record that could not be used: where it stands, what is wrong, its untouched bytes."""

    group: str
    topic: str
    partition: int
    offset: int
    code: str
    error_type: str
    attempts: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def id(self) -> str:
        """The same record read by the same group always has the same dead letter.

        The key is part of it because timers of several leads may be due at one instant.
        """
        place = (self.topic, str(self.partition), str(self.offset), (self.key or b"").hex())
        return deterministic_id("dead-letter", self.group, *place)


def describe(record: Record, *, group: str, error: BaseException, attempts: int) -> DeadLetter:
    """Return the dead letter of a record; the exception's text is left out on purpose."""
    return DeadLetter(
        group=group,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        code=code_of(error),
        error_type=type(error).__name__,
        attempts=attempts,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )


def announce(letter: DeadLetter, *, failed: Instant) -> OutboxRecord:
    """Return the record for the dead letter topic; a value too large to repeat stays in the table."""
    is_whole = letter.value is None or len(letter.value) <= _TOO_LARGE_TO_REPEAT
    event = DeadLettered(
        code=letter.code,
        error_type=letter.error_type,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        key=letter.key,
        value=letter.value if is_whole else None,
        headers=[(name, content) for name, content in letter.headers],
        timestamp=letter.timestamp,
        group=letter.group,
        attempts=letter.attempts,
        first_failed=to_datetime(failed),
        last_failed=to_datetime(failed),
        code_version=VERSION,
    )
    value = encode_event(
        event,
        id=letter.id,
        source=source_of(letter.group),
        subject=letter.id,
        occurred=failed,
        received=failed,
        partition_key=letter.id,
        causation_id=None,
        correlation_id=letter.id,
    )
    return OutboxRecord(letter.id.encode(), value, letter.timestamp)


async def save(transaction: Transaction, letters: Sequence[DeadLetter]) -> None:
    """Store dead letters; one that is there already stays as it is."""
    if not letters:
        return
    await transaction.execute(
        _SAVE,
        [letter.id for letter in letters],
        [letter.group for letter in letters],
        [letter.topic for letter in letters],
        [letter.partition for letter in letters],
        [letter.offset for letter in letters],
        [letter.code for letter in letters],
        [letter.error_type for letter in letters],
        [letter.attempts for letter in letters],
        [letter.timestamp for letter in letters],
        [letter.key for letter in letters],
        [letter.value for letter in letters],
        [msgspec.msgpack.encode([list(header) for header in letter.headers]) for letter in letters],
    )


async def load_letter(transaction: Transaction, letter_id: str) -> DeadLetter | None:
    """Return a dead letter and keep its row locked until commit, or None if there is none."""
    row = await transaction.fetch_row("SELECT * FROM dead_letter WHERE id = $1 FOR UPDATE", letter_id)
    return None if row is None else letter_of(row)


class LetterSummary(NamedTuple):
    """A dead letter as it is listed: no bytes, nothing personal."""

    id: str
    topic: str
    partition: int
    offset: int
    code: str
    error_type: str
    attempts: int
    failed: datetime
    replayed: datetime | None


_FIND = """
SELECT id, topic, partition, "offset", code, error_type, attempts, failed, replayed FROM dead_letter
WHERE ($1::text IS NULL OR code = $1) AND ($2::text IS NULL OR topic = $2)
AND ($3::timestamptz IS NULL OR failed >= $3) AND ($4 OR replayed IS NULL)
ORDER BY failed, topic, partition, "offset" LIMIT $5
"""


async def find_letters(
    transaction: Transaction,
    *,
    code: str | None = None,
    topic: str | None = None,
    since: datetime | None = None,
    with_replayed: bool = False,
    limit: int = 100,
) -> list[LetterSummary]:
    """Return dead letters, oldest first."""
    rows = await transaction.fetch(_FIND, code, topic, since, with_replayed, limit)
    return [LetterSummary(*row) for row in rows]


def letter_of(row: Row) -> DeadLetter:
    """Return the dead letter that a row of the table holds."""
    headers = msgspec.msgpack.decode(row["record_headers"], type=list[tuple[str, bytes]])
    return DeadLetter(
        group=row["consumer_group"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        code=row["code"],
        error_type=row["error_type"],
        attempts=row["attempts"],
        timestamp=row["record_timestamp"],
        key=row["record_key"],
        value=row["record_value"],
        headers=headers,
    )


class Halt(NamedTuple):
    """A partition that waits for a person, since the record at ``offset``."""

    target: TopicPartition
    code: str
    offset: int
    detail: str
    resumed: bool = False


async def save_halts(transaction: Transaction, *, group: str, halts: Sequence[Halt]) -> None:
    """Store halts; the partition stays halted over restarts until somebody resumes it."""
    for halt in halts:
        await transaction.execute(
            'INSERT INTO halt (consumer_group, topic, partition, code, "offset", detail)'
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET"
            ' code = excluded.code, "offset" = excluded."offset", detail = excluded.detail,'
            " halted = clock_timestamp(), resumed = NULL",
            group,
            halt.target.topic,
            halt.target.partition,
            halt.code,
            halt.offset,
            halt.detail,
        )


async def load_halts(
    transaction: Transaction, *, group: str, partitions: Sequence[int]
) -> dict[TopicPartition, Halt]:
    """Return the halts of these partition numbers, resumed ones included."""
    rows = await transaction.fetch(
        "SELECT * FROM halt WHERE consumer_group = $1 AND partition = ANY($2::int[])", group, list(partitions)
    )
    halts = (
        Halt(
            TopicPartition(row["topic"], row["partition"]),
            row["code"],
            row["offset"],
            row["detail"],
            row["resumed"] is not None,
        )
        for row in rows
    )
    return {halt.target: halt for halt in halts}


async def forget_halts(transaction: Transaction, *, group: str, targets: Sequence[TopicPartition]) -> None:
    """Forget halts that were resumed and after which a good record has passed."""
    await transaction.execute(
        _FORGET_HALTS,
        group,
        [target.topic for target in targets],
        [target.partition for target in targets],
    )


async def resume(
    transaction: Transaction,
    *,
    group: str | None = None,
    topic: str | None = None,
    partition: int | None = None,
) -> int:
    """Let halted partitions go on; returns how many. None stands for all."""
    return await transaction.execute(
        _RESUME,
        group,
        topic,
        partition,
    )


async def empty_letters(transaction: Transaction, *, keys: Sequence[str]) -> int:
    """Take the bytes out of dead letters about these keys, as an erasure asks; returns how many had any.

    Where they stood and why they failed stays. One without bytes cannot be replayed.
    """
    return await transaction.execute(
        "UPDATE dead_letter SET record_value = NULL"
        " WHERE record_key = ANY($1::bytea[]) AND record_value IS NOT NULL",
        [key.encode() for key in keys],
    )
