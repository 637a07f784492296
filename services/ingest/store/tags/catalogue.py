"""The catalogue of tags: what people added and changed, beside what the document ships, with its history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from services.ingest.domain.tags.commands import ChangeTag
from services.ingest.domain.tags.definitions import Tag
from services.ingest.domain.tags.work import TagChange
from shared.kernel.changes import Fact
from shared.postgres.database import Row, Transaction
from shared.processor.stage import Decision, Outcome

CREATE: Final = """
CREATE TABLE tag (
    tag text COLLATE "C" PRIMARY KEY,
    tag_group text NOT NULL,
    zh text NOT NULL,
    en text NOT NULL,
    state text NOT NULL,
    merged_into text NOT NULL
);
COMMENT ON TABLE tag IS 'tags that people added or changed; they win over those of the document';
CREATE TABLE tag_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tag text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    what text NOT NULL,
    who text NOT NULL,
    reason text NOT NULL,
    zh text NOT NULL,
    en text NOT NULL,
    state text NOT NULL,
    merged_into text NOT NULL
);
CREATE INDEX tag_change_tag ON tag_change (tag, id);
COMMENT ON TABLE tag_change IS 'every change of a tag, for good: how it was afterwards, and who did it';
"""

_SAVE: Final = """
INSERT INTO tag (tag, tag_group, zh, en, state, merged_into) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tag) DO UPDATE SET zh = excluded.zh, en = excluded.en, state = excluded.state,
    merged_into = excluded.merged_into
"""
_LOG: Final = """
INSERT INTO tag_change (tag, at, what, who, reason, zh, en, state, merged_into)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


class OnChangeTag(Protocol):
    """Decides what a tag is from now on; pure."""

    def __call__(self, own: Mapping[str, Tag], command: ChangeTag) -> Tag:
        """Return the tag, or raise Rejected."""
        ...


async def carry_out(transaction: Transaction, fact: Fact, *, decide: OnChangeTag) -> Decision:
    """Carry out one command about the catalogue, one after the other. :raises Rejected: if it cannot be."""
    command = fact.event
    assert isinstance(command, ChangeTag)
    await transaction.execute("SELECT pg_advisory_xact_lock(hashtext('tag'), 0)")
    tag = decide(await load_own_tags(transaction), command)
    await transaction.execute(_SAVE, tag.tag, tag.group, tag.zh, tag.en, tag.state, tag.into)
    await transaction.execute(
        _LOG,
        *(tag.tag, fact.received, command.what, command.by, command.reason, tag.zh, tag.en, tag.state),
        tag.into,
    )
    return Decision(Outcome.PROCESSED, reply=msgspec.to_builtins(tag))


async def load_own_tags(transaction: Transaction) -> dict[str, Tag]:
    """Return the tags that people added or changed, by id."""
    return {row["tag"]: _tag(row) for row in await transaction.fetch("SELECT * FROM tag ORDER BY tag")}


async def load_changes(transaction: Transaction, tag: str) -> list[TagChange]:
    """Return what was done to a tag, oldest first."""
    rows = await transaction.fetch("SELECT * FROM tag_change WHERE tag = $1 ORDER BY id", tag)
    return [
        TagChange(
            *(row["at"], row["what"], row["who"], row["reason"], row["zh"], row["en"], row["state"]),
            row["merged_into"],
        )
        for row in rows
    ]


def _tag(row: Row) -> Tag:
    return Tag(
        tag=row["tag"],
        group=row["tag_group"],
        zh=row["zh"],
        en=row["en"],
        state=row["state"],
        into=row["merged_into"],
    )
