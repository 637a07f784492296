"""The story: append-only lines, written in the transaction of the message that they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.ingest.domain.story import StoryRow
from shared.postgres.database import Row, Transaction

CREATE: Final = """
CREATE TABLE story (
    profile text COLLATE "C" NOT NULL,
    lead text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    kind text NOT NULL,
    text text NOT NULL,
    message_id text,
    cause bytea NOT NULL,
    event bytea
);
CREATE INDEX story_profile ON story (profile);
CREATE INDEX story_move ON story (lead) WHERE kind IN ('lead_merged', 'lead_unmerged');
COMMENT ON TABLE story IS 'what came in about each profile and became known, for good; names nobody';
COMMENT ON COLUMN story.at IS 'when it occurred, in microseconds since 1970';
COMMENT ON COLUMN story.cause IS 'id of the raw record; event is that of the event it brought about';
"""

_COLUMNS: Final = ("profile", "lead", "at", "kind", "text", "message_id", "cause", "event")
_LOAD: Final = """
SELECT * FROM story WHERE profile = ANY (ARRAY(SELECT id FROM profile WHERE lead = $1))
UNION ALL
SELECT * FROM story s WHERE kind IN ('lead_merged', 'lead_unmerged') AND (lead = $1 OR profile = $1)
    AND NOT EXISTS (SELECT FROM profile p WHERE p.id = s.profile AND p.lead = $1)
"""


async def save_story(transaction: Transaction, rows: Sequence[StoryRow]) -> None:
    """Append lines."""
    if rows:
        await transaction.copy(
            "story",
            columns=_COLUMNS,
            rows=[
                (*row[:6], bytes.fromhex(row.cause), bytes.fromhex(row.event) if row.event else None)
                for row in rows
            ],
        )


async def load_story(transaction: Transaction, lead: str) -> list[StoryRow]:
    """Return the lines of all profiles that live with a lead, and every move to it or from it, by time."""
    rows = [read_line(row) for row in await transaction.fetch(_LOAD, lead)]
    return sorted(rows, key=lambda row: row.at)


def read_line(row: Row) -> StoryRow:
    """Return a row of the table as a line."""
    return StoryRow(
        *(row["profile"], row["lead"], row["at"], row["kind"], row["text"], row["message_id"]),
        row["cause"].hex(),
        row["event"].hex() if row["event"] else "",
    )
