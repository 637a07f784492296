"""Notes: what people wrote about a lead by hand; personal data, gone when the lead is erased."""

from __future__ import annotations

from typing import Final

from services.ingest.domain.desk.corrections import Note
from shared.postgres.database import Transaction

CREATE: Final = """
CREATE TABLE note (
    number bigserial PRIMARY KEY,
    profile text COLLATE "C" NOT NULL,
    lead text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    by text NOT NULL,
    text text NOT NULL,
    cause bytea NOT NULL
);
CREATE INDEX note_profile ON note (profile);
COMMENT ON TABLE note IS 'personal data: what people wrote about a lead by hand; goes when it is erased';
COMMENT ON COLUMN note.profile IS 'moves with its profile; lead is where that lived when it was written';
"""


async def save_note(transaction: Transaction, note: Note) -> None:
    """Append a note."""
    await transaction.execute(
        "INSERT INTO note (profile, lead, at, by, text, cause) VALUES ($1, $2, $3, $4, $5, $6)",
        *(note.profile, note.lead, note.at, note.by, note.text, bytes.fromhex(note.cause)),
    )


async def load_notes(transaction: Transaction, lead: str) -> list[Note]:
    """Return the notes of everybody who lives with a lead, oldest first."""
    rows = await transaction.fetch(
        "SELECT * FROM note WHERE profile = ANY (ARRAY(SELECT id FROM profile WHERE lead = $1))"
        " ORDER BY at, number",
        lead,
    )
    return [
        Note(
            profile=row["profile"],
            lead=row["lead"],
            at=row["at"],
            by=row["by"],
            text=row["text"],
            cause=row["cause"].hex(),
        )
        for row in rows
    ]
