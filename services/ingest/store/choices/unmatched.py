"""Texts that stood for nothing, counted: no more than some for each attribute in each partition.

Counted in the transaction of the message, under the partition it came from, so that no two workers wait for
each other. What looks as if it named somebody never comes here, and an erasure takes along what the person
said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

CREATE: Final = """
CREATE TABLE choice_missed (
    partition int NOT NULL,
    attribute text COLLATE "C" NOT NULL,
    text text COLLATE "C" NOT NULL,
    times bigint NOT NULL,
    newest bigint NOT NULL,
    PRIMARY KEY (partition, attribute, text)
) WITH (fillfactor = 80);
COMMENT ON TABLE choice_missed IS 'texts of choices that stood for no value, folded, and how often';
"""

MOST_TEXTS: Final = 500
"""The most different texts of one attribute that one partition keeps; the rest is not counted."""

_KEPT_TEXTS: Final = 400

_COUNT: Final = """
WITH said AS (
    SELECT * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])
        AS s(attribute, text, times, newest)
), known AS (
    UPDATE choice_missed m SET times = m.times + s.times, newest = greatest(m.newest, s.newest)
    FROM said s WHERE m.partition = $1 AND m.attribute = s.attribute AND m.text = s.text
    RETURNING m.attribute, m.text
), fresh AS (
    SELECT s.*, row_number() OVER (PARTITION BY s.attribute ORDER BY s.times DESC, s.text) AS place
    FROM said s WHERE NOT EXISTS (SELECT FROM known k WHERE k.attribute = s.attribute AND k.text = s.text)
), room AS (
    SELECT f.attribute, (SELECT count(*) FROM choice_missed m
                         WHERE m.partition = $1 AND m.attribute = f.attribute) AS taken
    FROM (SELECT DISTINCT attribute FROM fresh) f
)
INSERT INTO choice_missed (partition, attribute, text, times, newest)
SELECT $1, f.attribute, f.text, f.times, f.newest FROM fresh f JOIN room r USING (attribute)
WHERE r.taken + f.place <= $6
ON CONFLICT DO NOTHING
"""
_FIND: Final = """
SELECT attribute, text, sum(times)::bigint AS times, max(newest) AS newest FROM choice_missed
WHERE $1::text IS NULL OR attribute = $1
GROUP BY attribute, text ORDER BY times DESC, newest DESC, attribute, text
"""
_MAKE_ROOM: Final = """
DELETE FROM choice_missed m USING (
    SELECT partition, attribute, text,
           row_number() OVER (PARTITION BY partition, attribute ORDER BY times DESC, newest DESC) AS place,
           newest
    FROM choice_missed
) AS o
WHERE m.partition = o.partition AND m.attribute = o.attribute AND m.text = o.text
  AND (o.place > $1 OR o.newest < $2)
"""
_FORGET: Final = """
DELETE FROM choice_missed
WHERE text = ANY($1::text[])
   OR EXISTS (SELECT FROM unnest($2::text[]) AS n(name) WHERE position(n.name IN text) > 0)
"""


class Missed(NamedTuple):
    """A text that stood for no value of an attribute, how often, and when it was said last."""

    attribute: str
    text: str
    times: int
    newest: Instant


async def count_missed(transaction: Transaction, partition: int, missed: Sequence[Missed]) -> None:
    """Count texts of messages of one partition; there is room for :data:`MOST_TEXTS` of an attribute."""
    if missed:
        await transaction.execute(
            _COUNT,
            partition,
            [one.attribute for one in missed],
            [one.text for one in missed],
            [one.times for one in missed],
            [one.newest for one in missed],
            MOST_TEXTS,
        )


async def load_missed(transaction: Transaction, *, attribute: str | None = None) -> list[Missed]:
    """Return what stood for nothing, most frequent first."""
    return [
        Missed(row["attribute"], row["text"], row["times"], row["newest"])
        for row in await transaction.fetch(_FIND, attribute)
    ]


async def make_room(transaction: Transaction, *, newest_before: Instant) -> int:
    """Let go what was said last before an instant, and where there is hardly room left, what is rare."""
    return await transaction.execute(_MAKE_ROOM, _KEPT_TEXTS, newest_before)


async def forget_missed(transaction: Transaction, *, texts: Collection[str], names: Collection[str]) -> None:
    """Let go what a person said: these folded texts, and all that hold one of these folded names."""
    if texts or names:
        await transaction.execute(_FORGET, sorted(texts), sorted(names))


def sum_up(said: Mapping[tuple[str, str], tuple[int, Instant]]) -> list[Missed]:
    """Return counts in the order in which their rows are written."""
    return [Missed(*key, *said[key]) for key in sorted(said)]
