"""Scores and tier changes of versions in shadow: tables of their own, of which nobody is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from services.scoring.domain.effects import Told
from services.scoring.domain.life.shadow import Shadowed
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction

CREATE: Final = """
CREATE TABLE shadow_due (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lead text COLLATE "C" NOT NULL
);
CREATE TABLE shadow_score (
    model text COLLATE "C" NOT NULL,
    lead text COLLATE "C" NOT NULL,
    version int NOT NULL,
    at bigint NOT NULL,
    tier text NOT NULL,
    points bigint NOT NULL,
    live_tier text,
    live_points bigint,
    due bigint,
    told bytea NOT NULL,
    PRIMARY KEY (model, lead)
);
CREATE INDEX shadow_score_due ON shadow_score (due) WHERE due IS NOT NULL;
CREATE TABLE shadow_change (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model text COLLATE "C" NOT NULL,
    version int NOT NULL,
    lead text COLLATE "C" NOT NULL,
    seen_at bigint NOT NULL,
    at bigint NOT NULL,
    direction text NOT NULL,
    from_tier text NOT NULL,
    to_tier text NOT NULL,
    points bigint NOT NULL,
    restated boolean NOT NULL
);
CREATE INDEX shadow_change_model ON shadow_change (model, version, number);
COMMENT ON TABLE shadow_due IS 'leads that were saved since a version in shadow has looked at them';
COMMENT ON TABLE shadow_score IS 'what a version in shadow makes of leads, and the live one at that instant';
COMMENT ON TABLE shadow_change IS 'tier changes that a version in shadow would have told; nobody was told';
"""

_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtext('shadow_due'))"
# an array of numbers is looked up in the index whatever is believed of the table's size
_TAKE: Final = """
DELETE FROM shadow_due WHERE number = ANY (ARRAY(SELECT number FROM shadow_due ORDER BY number LIMIT $1))
RETURNING lead
"""
_RING: Final = """
SELECT DISTINCT lead FROM (SELECT lead FROM shadow_score WHERE due <= $1 ORDER BY due LIMIT $2) AS d
"""
_SAVE: Final = """
INSERT INTO shadow_score (model, lead, version, at, tier, points, live_tier, live_points, due, told)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::text[], $6::bigint[], $7::text[],
                     $8::bigint[], $9::bigint[], $10::bytea[])
ON CONFLICT (model, lead) DO UPDATE SET version = excluded.version, at = excluded.at, tier = excluded.tier,
    points = excluded.points, live_tier = excluded.live_tier, live_points = excluded.live_points,
    due = excluded.due, told = excluded.told
"""
_APPEND: Final = """
INSERT INTO shadow_change (model, version, lead, seen_at, at, direction, from_tier, to_tier, points, restated)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
                     $8::text[], $9::bigint[], $10::boolean[])
"""
_COMPARE: Final = """
SELECT live_tier, tier, count(*) AS leads FROM shadow_score WHERE model = $1 AND version = $2
GROUP BY live_tier, tier
"""
_DIFFERING: Final = """
SELECT lead, live_tier, live_points, tier, points, at FROM shadow_score
WHERE model = $1 AND version = $2 AND lead > $3 AND live_tier IS DISTINCT FROM tier ORDER BY lead LIMIT $4
"""
_CHANGES: Final = """
SELECT number, lead, seen_at, at, direction, from_tier, to_tier, points, restated FROM shadow_change
WHERE model = $1 AND version = $2 AND number > $3 ORDER BY number LIMIT $4
"""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Told).decode


class Cast(NamedTuple):
    """A version's shadow on a lead."""

    model: str
    version: int
    lead: str
    shadowed: Shadowed


async def mark_due(transaction: Transaction, leads: Collection[str]) -> None:
    """Let shadows look at these leads; a row is only appended, so nobody waits for anybody."""
    await transaction.execute("INSERT INTO shadow_due (lead) SELECT unnest($1::text[])", list(leads))


async def lock_shadows(transaction: Transaction) -> bool:
    """Let nobody else look before this transaction has ended; False if somebody does."""
    return bool(await transaction.fetch_value(_LOCK))


async def take_due(transaction: Transaction, *, now: Instant, limit: int) -> list[str]:
    """Return leads that shadows are to look at, and take note that they have."""
    rows = await transaction.fetch(_TAKE, limit)
    ringing = await transaction.fetch(_RING, now, limit)
    return sorted({row["lead"] for row in (*rows, *ringing)})


async def forget_due(transaction: Transaction) -> None:
    """Nothing is in shadow any more: no tier in shadow is waited for."""
    await transaction.execute("UPDATE shadow_score SET due = NULL WHERE due IS NOT NULL")


async def load_told(
    transaction: Transaction, leads: Collection[str], versions: Mapping[str, int]
) -> dict[tuple[str, str], Told]:
    """Return what would have been told, by model and lead, of the versions that are in shadow."""
    rows = await transaction.fetch(
        "SELECT model, lead, version, told FROM shadow_score WHERE lead = ANY($1::text[])"
        " AND model = ANY($2::text[])",
        list(leads),
        list(versions),
    )
    return {
        (row["model"], row["lead"]): _decode(row["told"])
        for row in rows
        if versions[row["model"]] == row["version"]
    }


async def save_casts(transaction: Transaction, casts: Sequence[Cast]) -> None:
    """Keep shadows, and append what would have been told."""
    if not casts:
        return
    rows = [one.shadowed for one in casts]
    await transaction.execute(
        _SAVE,
        [one.model for one in casts],
        [one.lead for one in casts],
        [one.version for one in casts],
        [row.at for row in rows],
        [row.shadow.tier for row in rows],
        [row.shadow.points for row in rows],
        [None if row.live is None else row.live.tier for row in rows],
        [None if row.live is None else row.live.points for row in rows],
        [row.due for row in rows],
        [_encode(row.told) for row in rows],
    )
    said = [(one, change) for one in casts for change in one.shadowed.changes]
    if said:
        await transaction.execute(
            _APPEND,
            [one.model for one, _ in said],
            [one.version for one, _ in said],
            [one.lead for one, _ in said],
            [one.shadowed.at for one, _ in said],
            [change.at for _, change in said],
            [change.direction for _, change in said],
            [change.from_tier for _, change in said],
            [change.to_tier for _, change in said],
            [change.points for _, change in said],
            [change.restated for _, change in said],
        )


async def drop_shadows(
    transaction: Transaction, *, model: str | None = None, leads: Collection[str] | None = None
) -> None:
    """Let the shadows of a model, or on some leads, go; what would have been told stays."""
    await transaction.execute(
        "DELETE FROM shadow_score WHERE ($1::text IS NULL OR model = $1)"
        " AND ($2::text[] IS NULL OR lead = ANY($2))",
        model,
        None if leads is None else list(leads),
    )


async def compare_tiers(transaction: Transaction, model: str, version: int) -> Sequence[Row]:
    """Return how many leads have which tier in the live version and in the one in shadow."""
    return await transaction.fetch(_COMPARE, model, version)


async def load_differing(
    transaction: Transaction, model: str, version: int, *, after: str, limit: int
) -> Sequence[Row]:
    """Return leads whose tiers differ, by id."""
    return await transaction.fetch(_DIFFERING, model, version, after, limit)


async def load_shadow_changes(
    transaction: Transaction, model: str, version: int, *, after: int, limit: int
) -> Sequence[Row]:
    """Return what would have been told, oldest first."""
    return await transaction.fetch(_CHANGES, model, version, after, limit)
