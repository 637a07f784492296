"""Rows for a fold: of what occurred and was known by an instant, or of some leads."""

from __future__ import annotations

from collections.abc import Collection

from services.analytics.domain.history import History
from services.analytics.store.derived_rows import (
    MILESTONES,
    MOVES,
    SENT_MESSAGES,
    TOUCHES,
    VERDICTS,
    WORDS,
)
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

_FURTHEST = 2**63 - 1


async def load_history(
    transaction: Transaction, *, as_of: Instant | None, known_at: Instant | None
) -> History:
    """Return all rows of what occurred and was received by these instants, None for any."""
    occurred = _FURTHEST if as_of is None else as_of
    received = _FURTHEST if known_at is None else known_at
    known = ("received <= $1", received)
    both = ("occurred <= $1 AND received <= $2", occurred, received)
    return History(
        moves=await MOVES.load(transaction, *known),
        touches=await TOUCHES.load(transaction, *both),
        words=await WORDS.load(transaction, *both),
        milestones=await MILESTONES.load(transaction, "at <= $1 AND received <= $2", occurred, received),
        messages=await SENT_MESSAGES.load(transaction, *known),
        verdicts=await VERDICTS.load(transaction, *known),
    )


async def load_lead_history(transaction: Transaction, leads: Collection[str]) -> History:
    """Return what the credits of these leads follow from.

    That is: the touches of whoever lives there, the verdicts about them, and everything that was said about
    the opportunities which one of them is named in, also where it names others, with where those live.
    """
    listed = list(leads)
    residents = await transaction.fetch(
        "SELECT id FROM profile WHERE lead = ANY($1::text[]) UNION SELECT one FROM unnest($1::text[]) AS one",
        listed,
    )
    profiles = [row["id"] for row in residents]
    words = await WORDS.load(
        transaction,
        "opportunity IN (SELECT opportunity FROM word WHERE profile = ANY($1::text[]))",
        profiles,
    )
    everybody = sorted({*profiles, *(word.profile for word in words)})
    return History(
        moves=await MOVES.load(transaction, "profile = ANY($1::text[])", everybody),
        touches=await TOUCHES.load(transaction, "profile = ANY($1::text[])", everybody),
        words=words,
        verdicts=await VERDICTS.load(transaction, "profile = ANY($1::text[])", everybody),
    )
