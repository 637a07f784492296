"""Tracking links: one row each, for good, and the commands that make and change them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol

import msgspec

from services.ingest.domain.links.definitions import AddLink, ChangeLink, Link
from shared.kernel.changes import Fact
from shared.kernel.instants import Instant
from shared.postgres.database import Row, Transaction
from shared.processor.stage import Decision, Outcome

CREATE: Final = """
CREATE TABLE link (
    name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    target text NOT NULL CHECK (target ~ '^https?://'),
    source text NOT NULL,
    campaign text NOT NULL,
    ad text NOT NULL,
    keyword text NOT NULL,
    utm_source text NOT NULL,
    utm_medium text NOT NULL,
    rep text NOT NULL,
    note text NOT NULL,
    created bigint NOT NULL,
    created_by text NOT NULL,
    changed bigint NOT NULL,
    changed_by text NOT NULL,
    retired bigint,
    saved_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX link_saved ON link (saved_at);
COMMENT ON TABLE link IS 'tracking links, for good: one that is retired still leads on';
COMMENT ON COLUMN link.source IS 'the source that its clicks belong to';
COMMENT ON COLUMN link.saved_at IS 'by which processes that hold links in memory find what is new';
"""

_COLUMNS: Final = (
    *("name", "target", "source", "campaign", "ad", "keyword", "utm_source", "utm_medium", "rep", "note"),
    *("created", "created_by", "changed", "changed_by", "retired"),
)
_SAVE: Final = """
INSERT INTO link (name, target, source, campaign, ad, keyword, utm_source, utm_medium, rep, note,
                  created, created_by, changed, changed_by, retired)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (name) DO UPDATE SET target = excluded.target, source = excluded.source,
    campaign = excluded.campaign, ad = excluded.ad, keyword = excluded.keyword,
    utm_source = excluded.utm_source, utm_medium = excluded.utm_medium, rep = excluded.rep,
    note = excluded.note, changed = excluded.changed, changed_by = excluded.changed_by,
    retired = excluded.retired, saved_at = clock_timestamp()
"""
_SOURCE: Final = "INSERT INTO source (id, created_at) VALUES ($1, clock_timestamp()) ON CONFLICT DO NOTHING"


class OnLinkCommand(Protocol):
    """Decides what a link is from now on; pure."""

    def __call__(self, link: Link | None, command: AddLink | ChangeLink, *, at: Instant) -> Link:
        """Return the link, or raise Rejected."""
        ...


async def carry_out(transaction: Transaction, fact: Fact, *, decide: OnLinkCommand) -> Decision:
    """Carry out one command about a link: lock it, decide, write. :raises Rejected: if it cannot be."""
    command = fact.event
    assert isinstance(command, AddLink | ChangeLink)
    # a name that nobody has yet has no row to lock
    await transaction.execute("SELECT pg_advisory_xact_lock(hashtext('link'), hashtext($1))", command.name)
    link = await load_link(transaction, command.name)
    wanted = decide(link, command, at=fact.received)
    if wanted != link:
        await transaction.execute(_SOURCE, wanted.source)
        await transaction.execute(_SAVE, *(getattr(wanted, column) for column in _COLUMNS))
    return Decision(Outcome.PROCESSED, reply=msgspec.to_builtins(wanted))


async def load_link(transaction: Transaction, name: str) -> Link | None:
    """Return the link of this name, or None."""
    row = await transaction.fetch_row("SELECT * FROM link WHERE name = $1", name)
    return None if row is None else _read(row)


async def load_links(
    transaction: Transaction, *, campaign: str | None, rep: str | None, after: str, limit: int
) -> list[Link]:
    """Return links in order of their names, those of one campaign or rep if one is named."""
    rows = await transaction.fetch(
        "SELECT * FROM link WHERE name > $1 AND ($2::text IS NULL OR campaign = $2)"
        " AND ($3::text IS NULL OR rep = $3) ORDER BY name LIMIT $4",
        *(after, campaign, rep, limit),
    )
    return [_read(row) for row in rows]


class SavedLinks(NamedTuple):
    """Links that were saved, and up to when."""

    links: Sequence[Link]
    until: datetime | None


async def load_saved_since(transaction: Transaction, since: datetime | None) -> SavedLinks:
    """Return what was saved since then, a minute before it included; all there is for None.

    A transaction that began earlier may commit later, so what was looked at last is looked at again.
    """
    rows = await transaction.fetch(
        "SELECT * FROM link WHERE $1::timestamptz IS NULL OR saved_at > $1::timestamptz - interval '1 minute'"
        " ORDER BY saved_at",
        since,
    )
    return SavedLinks([_read(row) for row in rows], rows[-1]["saved_at"] if rows else since)


def _read(row: Row) -> Link:
    return Link(**{column: row[column] for column in _COLUMNS})
