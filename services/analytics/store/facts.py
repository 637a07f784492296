"""The table of facts: one row per event, appended; the truth that every other table follows from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from services.analytics.domain.facts import Fact
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction

CREATE: Final = """
CREATE TABLE fact (
    id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    profile text COLLATE "C" NOT NULL,
    occurred bigint NOT NULL,
    received bigint NOT NULL,
    cause text,
    message_id text,
    fields jsonb NOT NULL
);
CREATE INDEX fact_profile ON fact (profile);
COMMENT ON TABLE fact IS 'what analytics knows: one row per event; times in microseconds since 1970';
COMMENT ON COLUMN fact.id IS 'id of the event';
COMMENT ON COLUMN fact.kind IS 'name of the event, for example page_viewed';
COMMENT ON COLUMN fact.profile IS 'whose it is: a profile, or the one a lead is named after; empty for costs';
COMMENT ON COLUMN fact.cause IS 'id of the event that caused it';
COMMENT ON COLUMN fact.message_id IS 'the client''s own id of the message; gone once the person is erased';
COMMENT ON COLUMN fact.fields IS 'what reports and stories need of the event; no personal data';
"""

KEPT_KINDS: Final = ("lead_merged", "lead_unmerged")
"""Kinds of facts that stay when a person is erased, whenever they were received."""

_COLUMNS: Final = "id, kind, profile, occurred, received, cause, message_id, fields"

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, object]).decode


async def save_facts(transaction: Transaction, facts: Sequence[Fact]) -> None:
    """Append facts; one that is there already stays as it is."""
    if not facts:
        return
    await transaction.execute(
        f"INSERT INTO fact ({_COLUMNS}) SELECT id, kind, profile, occurred, received, cause, message_id,"  # noqa: S608
        " fields::jsonb FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],"
        f" $6::text[], $7::text[], $8::text[]) AS new({_COLUMNS}) ON CONFLICT DO NOTHING",
        [fact.id for fact in facts],
        [fact.kind for fact in facts],
        [fact.profile for fact in facts],
        [fact.occurred for fact in facts],
        [fact.received for fact in facts],
        [fact.cause for fact in facts],
        [fact.message_id for fact in facts],
        [_encode(fact.fields).decode() for fact in facts],
    )


async def replace_facts(transaction: Transaction, facts: Sequence[Fact]) -> None:
    """Give facts that are there another text and no message id, as an erasure asks."""
    await transaction.execute(
        "UPDATE fact SET fields = new.fields::jsonb, message_id = NULL"
        " FROM unnest($1::text[], $2::text[]) AS new(id, fields) WHERE fact.id = new.id",
        [fact.id for fact in facts],
        [_encode(fact.fields).decode() for fact in facts],
    )


async def forget_facts(transaction: Transaction, erased: Mapping[str, Instant]) -> None:
    """Delete what was received of these profiles after the instant at which they were erased."""
    await transaction.execute(
        "DELETE FROM fact USING unnest($1::text[], $2::bigint[]) AS gone(profile, erased)"
        " WHERE fact.profile = gone.profile AND fact.received > gone.erased AND fact.kind <> ALL($3::text[])",
        list(erased),
        list(erased.values()),
        list(KEPT_KINDS),
    )


async def load_facts(transaction: Transaction, profiles: Collection[str]) -> list[Fact]:
    """Return everything that is known of these profiles, oldest first."""
    rows = await transaction.fetch(
        f"SELECT {_COLUMNS} FROM fact WHERE profile = ANY($1::text[]) ORDER BY occurred, received, id",  # noqa: S608
        list(profiles),
    )
    return [_fact(row) for row in rows]


async def count_facts(transaction: Transaction, profiles: Collection[str]) -> dict[str, int]:
    """Return how many facts there are of each of these profiles that has any."""
    rows = await transaction.fetch(
        "SELECT profile, count(*) AS facts FROM fact WHERE profile = ANY($1::text[]) GROUP BY profile",
        list(profiles),
    )
    return {row["profile"]: row["facts"] for row in rows}


async def load_facts_page(transaction: Transaction, *, after: str, limit: int) -> list[Fact]:
    """Return the next facts by id, for checks."""
    rows = await transaction.fetch(
        f"SELECT {_COLUMNS} FROM fact WHERE id > $1 ORDER BY id LIMIT $2",  # noqa: S608
        after,
        limit,
    )
    return [_fact(row) for row in rows]


async def find_absent(transaction: Transaction, wanted: Sequence[str]) -> set[str]:
    """Return those of these fact ids that are not there."""
    rows = await transaction.fetch(
        "SELECT w.id FROM unnest($1::text[]) AS w(id) LEFT JOIN fact f ON f.id = w.id WHERE f.id IS NULL",
        list(wanted),
    )
    return {row["id"] for row in rows}


def _fact(row: Row) -> Fact:
    return Fact(
        row["id"],
        row["kind"],
        row["profile"],
        row["occurred"],
        row["received"],
        row["cause"],
        row["message_id"],
        _decode(row["fields"]),
    )
