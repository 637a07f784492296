"""The table of leads by tier. Whoever saves a lead notes that it is due; a job looks where it stands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from services.scoring.domain.tier_lists.place import Order, Place, Range
from shared.postgres.database import Transaction

CREATE: Final = """
CREATE TABLE tier_list (
    lead text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    version int NOT NULL,
    tier text COLLATE "C" NOT NULL,
    since bigint NOT NULL,
    points bigint NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (lead, model)
);
CREATE INDEX tier_list_points ON tier_list (model, tier, points, lead);
CREATE INDEX tier_list_since ON tier_list (model, tier, since, lead);
CREATE TABLE tier_list_due (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lead text COLLATE "C" NOT NULL
);
CREATE TABLE tier_list_filling (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    after text COLLATE "C" NOT NULL,
    done boolean NOT NULL
);
INSERT INTO tier_list_filling (after, done) VALUES ('', false);
COMMENT ON TABLE tier_list IS 'where each lead stands in each model, as of the last time it was looked at';
COMMENT ON TABLE tier_list_due IS 'leads that were saved since it was looked where they stand';
COMMENT ON TABLE tier_list_filling IS 'how far leads from before there were lists have been looked at';
"""

# an array of numbers is looked up in the index whatever is believed of the table's size
_TAKE: Final = """
DELETE FROM tier_list_due
WHERE number = ANY (ARRAY(SELECT number FROM tier_list_due ORDER BY number LIMIT $1)) RETURNING lead
"""
_LEAVE: Final = """
DELETE FROM tier_list AS t WHERE lead = ANY($1::text[]) AND NOT EXISTS
    (SELECT FROM unnest($2::text[], $3::text[]) AS s(lead, model) WHERE s.lead = t.lead AND s.model = t.model)
"""
_STAND: Final = """
INSERT INTO tier_list AS t (lead, model, version, tier, since, points, at)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
ON CONFLICT (lead, model) DO UPDATE SET version = excluded.version, tier = excluded.tier,
    since = excluded.since, points = excluded.points, at = excluded.at
WHERE (t.version, t.tier, t.since, t.points)
    IS DISTINCT FROM (excluded.version, excluded.tier, excluded.since, excluded.points)
"""
_PAGES: Final = {
    "points": ("points", "<", "DESC"),
    "newest": ("since", "<", "DESC"),
    "oldest": ("since", ">", "ASC"),
}
_BOUNDS: Final = ("points >=", "points <=", "since >=", "since <=")


async def lock_lists(transaction: Transaction) -> tuple[str, bool] | None:
    """Let nobody else keep the lists until the transaction ends; None if somebody does.

    Returns up to which lead the lists were filled, and whether they are.
    """
    row = await transaction.fetch_row("SELECT after, done FROM tier_list_filling FOR UPDATE SKIP LOCKED")
    return None if row is None else (row["after"], row["done"])


async def note_filling(transaction: Transaction, *, after: str, is_done: bool) -> None:
    """Note up to which lead the lists were filled."""
    await transaction.execute("UPDATE tier_list_filling SET after = $1, done = $2", after, is_done)


async def take_listed_due(transaction: Transaction, *, limit: int) -> list[str]:
    """Return leads that are due, as often as they were noted, and take note that they were looked at."""
    return [row["lead"] for row in await transaction.fetch(_TAKE, limit)]


async def load_settled_places(transaction: Transaction, leads: Collection[str]) -> dict[str, list[Place]]:
    """Return where those of these leads stand that are not due; none while the lists are being filled."""
    if not await transaction.fetch_value("SELECT done FROM tier_list_filling"):
        return {}
    due = await transaction.fetch("SELECT lead FROM tier_list_due WHERE lead = ANY($1::text[])", list(leads))
    settled: dict[str, list[Place]] = {lead: [] for lead in leads}
    for row in due:
        settled.pop(row["lead"], None)
    rows = await transaction.fetch(
        "SELECT lead, model, version, tier, since, points, at FROM tier_list WHERE lead = ANY($1::text[])",
        list(settled),
    )
    for row in rows:
        settled[row["lead"]].append(Place(*row))
    return settled


async def save_places(transaction: Transaction, leads: Collection[str], places: Sequence[Place]) -> None:
    """Let these leads stand where they do, and nowhere else."""
    names, models = [place.lead for place in places], [place.model for place in places]
    await transaction.execute(_LEAVE, list(leads), names, models)
    await transaction.execute(
        _STAND,
        names,
        models,
        [place.version for place in places],
        [place.tier for place in places],
        [place.since for place in places],
        [place.points for place in places],
        [place.at for place in places],
    )


def page_query(
    *, model: str, tier: str, order: Order, within: Range, after: tuple[int, str] | None, limit: int
) -> tuple[str, list[object]]:
    """Return the query of a page and its parameters; only what is asked for stands in it, for the index."""
    column, beyond, direction = _PAGES[order]
    conditions, given = ["model = $1", "tier = $2"], [model, tier, *(after or ())]
    if after is not None:
        conditions.append(f"({column}, lead) {beyond} ($3, $4)")
    for bound, value in zip(_BOUNDS, within, strict=True):
        if value is not None:
            given.append(value)
            conditions.append(f"{bound} ${len(given)}")
    query = (
        "SELECT lead, model, version, tier, since, points, at FROM tier_list"  # noqa: S608 - our own names
        f" WHERE {' AND '.join(conditions)} ORDER BY {column} {direction}, lead {direction} LIMIT {limit}"
    )
    return query, given


async def find_places(
    transaction: Transaction,
    *,
    model: str,
    tier: str,
    order: Order,
    within: Range,
    after: tuple[int, str] | None,
    limit: int,
) -> list[Place]:
    """Return the leads of a tier after a place in the order."""
    query, given = page_query(model=model, tier=tier, order=order, within=within, after=after, limit=limit)
    return [Place(*row) for row in await transaction.fetch(query, *given)]
