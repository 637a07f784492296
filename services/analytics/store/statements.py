"""By which documents everything was derived; and how it is derived again when they have changed.

Rows of touches and milestones are replaced a page of facts at a time, then every conversion is shared
anew under its lead's lock. Whoever works in between stays right: what it shared by rows of before is
shared again when its lead's turn comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.analytics.domain.credits import Crediting
from services.analytics.domain.derivation import Derivation
from services.analytics.domain.desk import Sharing
from services.analytics.domain.facts import Fact
from services.analytics.domain.homes import homes_of, lead_of
from services.analytics.domain.outcomes import ConversionKey
from services.analytics.store.derived_rows import MILESTONES, TOUCHES, VERDICTS, RowTable
from services.analytics.store.desk_rows import lock_leads
from services.analytics.store.histories import load_lead_history
from services.analytics.store.sharings import load_sharings, save_sharings
from shared.postgres.database import Transaction

CREATE: Final = """
CREATE TABLE statement (digest text PRIMARY KEY, stated timestamptz NOT NULL DEFAULT clock_timestamp());
COMMENT ON TABLE statement IS 'by which documents all rows and credits were derived; the last one counts';
"""

_DOCUMENTED: Final[tuple[RowTable[Any], ...]] = (TOUCHES, MILESTONES, VERDICTS)
"""Tables whose rows depend on documents, or on the edition of what derives them."""


async def load_statement(transaction: Transaction) -> str | None:
    """Return the digest of the documents by which everything was derived last, None for none."""
    digest: str | None = await transaction.fetch_value(
        "SELECT digest FROM statement ORDER BY stated DESC LIMIT 1"
    )
    return digest


async def save_statement(transaction: Transaction, digest: str) -> None:
    """Note by which documents everything is derived now."""
    await transaction.execute(
        "INSERT INTO statement (digest) VALUES ($1)"
        " ON CONFLICT (digest) DO UPDATE SET stated = clock_timestamp()",
        digest,
    )


async def restate_rows(transaction: Transaction, facts: Sequence[Fact], derivation: Derivation) -> None:
    """Derive the rows of these facts again, and replace those that say something else now."""
    derived = [(fact.id, derivation.rows_of(fact)) for fact in facts]
    for table in _DOCUMENTED:
        stored: dict[str, set[Any]] = {}
        for row in await table.load(transaction, "event = ANY($1::text[])", [one.id for one in facts]):
            stored.setdefault(row.event, set()).add(row)
        due = {event: {row for row in rows if isinstance(row, table.struct)} for event, rows in derived}
        differing = sorted(event for event, rows in due.items() if rows != stored.get(event, set()))
        if differing:
            await table.replace(transaction, differing, [row for event in differing for row in due[event]])


async def restate_credits(transaction: Transaction, leads: Sequence[str], crediting: Crediting) -> None:
    """Share the conversions of these leads again, and rewrite those that are shared otherwise now."""
    await lock_leads(transaction, leads)
    history = await load_lead_history(transaction, leads)
    stored = await load_sharings(transaction, {word.opportunity for word in history.words})
    homes, ours = homes_of(history.moves), set(leads)
    differing: dict[ConversionKey, Sharing | None] = {}
    for conversion, credits_ in history.sharings(crediting):
        sharing = Sharing(conversion, credits_)
        if lead_of(homes, conversion.profile) in ours and stored.get(conversion.key) != sharing:
            differing[conversion.key] = sharing
    await save_sharings(transaction, differing)
