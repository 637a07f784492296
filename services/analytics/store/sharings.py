"""Opportunities as they stand, conversions, and who is credited with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from services.analytics.domain.credits import Credit
from services.analytics.domain.desk import Sharing
from services.analytics.domain.outcomes import Conversion, ConversionKey, Opportunity, Standing
from shared.postgres.database import Row, Transaction

CREATE: Final = """
CREATE TABLE opportunity (
    name text COLLATE "C" PRIMARY KEY,
    profile text COLLATE "C",
    status text,
    opened bigint,
    event text COLLATE "C"
);
COMMENT ON TABLE opportunity IS 'opportunities as they stand after everything that was said';
COMMENT ON COLUMN opportunity.profile IS 'whom the word that decides names; null: no word counts';
COMMENT ON COLUMN opportunity.status IS 'open, won or lost';
COMMENT ON COLUMN opportunity.event IS 'the word that decides';

CREATE TABLE conversion (
    contribution text COLLATE "C" NOT NULL,
    opportunity text COLLATE "C" NOT NULL,
    payment text COLLATE "C" NOT NULL,
    profile text COLLATE "C" NOT NULL,
    event text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    closing bigint NOT NULL,
    minor bigint NOT NULL,
    currency text NOT NULL,
    PRIMARY KEY (contribution, opportunity, payment)
);
CREATE INDEX conversion_opportunity ON conversion (opportunity);
COMMENT ON TABLE conversion IS 'outcomes to be shared: deals that are won, and payments';
COMMENT ON COLUMN conversion.contribution IS 'won: the deal; paid: one payment';
COMMENT ON COLUMN conversion.closing IS 'touches after this instant earn nothing';
COMMENT ON COLUMN conversion.minor IS 'amount in the currency''s smallest unit';

CREATE TABLE credit (
    contribution text COLLATE "C" NOT NULL,
    opportunity text COLLATE "C" NOT NULL,
    payment text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    touch text COLLATE "C" NOT NULL,
    minor bigint NOT NULL,
    PRIMARY KEY (contribution, opportunity, payment, model, touch)
);
CREATE INDEX credit_touch ON credit (touch);
COMMENT ON TABLE credit IS 'shares of conversions; per conversion and model they sum to its amount';
COMMENT ON COLUMN credit.touch IS 'event of the touch point; empty: nothing led there that is known';
"""

_CONVERSION: Final = "contribution, opportunity, payment, profile, event, at, closing, minor, currency"
_THESE: Final = "unnest($1::text[], $2::text[], $3::text[]) AS k(contribution, opportunity, payment)"
_IS_THE_SAME: Final = (
    "row.contribution = k.contribution AND row.opportunity = k.opportunity AND row.payment = k.payment"
)


async def load_sharings(
    transaction: Transaction, opportunities: Collection[str]
) -> dict[ConversionKey, Sharing]:
    """Return the conversions of these opportunities and their credits, in order of model and touch."""
    names = list(opportunities)
    conversions = await transaction.fetch(
        f"SELECT {_CONVERSION} FROM conversion WHERE opportunity = ANY($1::text[])",  # noqa: S608
        names,
    )
    if not conversions:
        return {}
    credits_: dict[ConversionKey, list[Credit]] = {}
    for row in await transaction.fetch(
        "SELECT contribution, opportunity, payment, model, touch, minor FROM credit"
        " WHERE opportunity = ANY($1::text[]) ORDER BY model, touch",
        names,
    ):
        credits_.setdefault(_key(row), []).append(Credit(row["model"], row["touch"], row["minor"]))
    return {_key(row): Sharing(_conversion(row), tuple(credits_.get(_key(row), ()))) for row in conversions}


async def save_sharings(transaction: Transaction, sharings: Mapping[ConversionKey, Sharing | None]) -> None:
    """Write conversions with all their credits, or take them out where None stands."""
    if not sharings:
        return
    keys = [list(column) for column in zip(*sharings, strict=True)]
    await transaction.execute(f"DELETE FROM credit AS row USING {_THESE} WHERE {_IS_THE_SAME}", *keys)  # noqa: S608
    await transaction.execute(f"DELETE FROM conversion AS row USING {_THESE} WHERE {_IS_THE_SAME}", *keys)  # noqa: S608
    kept = [sharing for _, sharing in sorted(sharings.items()) if sharing is not None]
    await _insert_conversions(transaction, [sharing.conversion for sharing in kept])
    await _insert_credits(
        transaction, [(sharing.conversion.key, credit) for sharing in kept for credit in sharing.credits]
    )


async def _insert_conversions(transaction: Transaction, conversions: Sequence[Conversion]) -> None:
    if conversions:
        await transaction.execute(
            f"INSERT INTO conversion ({_CONVERSION}) SELECT * FROM unnest($1::text[], $2::text[], $3::text[],"  # noqa: S608
            " $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[])",
            [one.key.contribution for one in conversions],
            [one.key.opportunity for one in conversions],
            [one.key.payment for one in conversions],
            [one.profile for one in conversions],
            [one.event for one in conversions],
            [one.at for one in conversions],
            [one.closing for one in conversions],
            [one.minor for one in conversions],
            [one.currency for one in conversions],
        )


async def _insert_credits(transaction: Transaction, credited: Sequence[tuple[ConversionKey, Credit]]) -> None:
    if credited:
        await transaction.execute(
            "INSERT INTO credit (contribution, opportunity, payment, model, touch, minor) SELECT * FROM"
            " unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])",
            [key.contribution for key, _ in credited],
            [key.opportunity for key, _ in credited],
            [key.payment for key, _ in credited],
            [credit.model for _, credit in credited],
            [credit.touch for _, credit in credited],
            [credit.minor for _, credit in credited],
        )


async def lock_opportunities(transaction: Transaction, names: Collection[str]) -> None:
    """Lock opportunities in order of their names, also those that nothing was said about yet."""
    ordered = sorted(names)
    await transaction.execute(
        "INSERT INTO opportunity (name) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING", ordered
    )
    await transaction.execute(
        "SELECT FROM opportunity WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE", ordered
    )


async def save_opportunities(transaction: Transaction, stands: Mapping[str, Opportunity | None]) -> None:
    """Write how opportunities stand; None: nothing that was said counts."""
    if stands:
        found = sorted(stands.items())
        await transaction.execute(
            "UPDATE opportunity AS o SET profile = s.profile, status = s.status, opened = s.opened,"
            " event = s.event FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])"
            " AS s(name, profile, status, opened, event) WHERE o.name = s.name",
            [name for name, _ in found],
            [one and one.profile for _, one in found],
            [one and one.status for _, one in found],
            [one and one.opened for _, one in found],
            [one and one.event for _, one in found],
        )


async def load_standing(transaction: Transaction, names: Collection[str]) -> dict[str, Standing]:
    """Return how these opportunities stand; of those that nothing counts of, nothing."""
    rows = await transaction.fetch(
        "SELECT name, profile, status, opened, event FROM opportunity"
        " WHERE name = ANY($1::text[]) AND status IS NOT NULL",
        list(names),
    )
    return {row["name"]: Standing(row[1], row[2], row[3], row[4]) for row in rows}


def _key(row: Row) -> ConversionKey:
    return ConversionKey(row["contribution"], row["opportunity"], row["payment"])


def _conversion(row: Row) -> Conversion:
    return Conversion(
        _key(row),
        row["profile"],
        row["event"],
        row["at"],
        row["closing"],
        row["minor"],
        row["currency"],
    )
