"""Consents: every word about being written to, with its text, source and time; append-only until erased."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.ingest.domain.desk.consent import ConsentWord
from shared.postgres.database import Transaction

CREATE: Final = """
CREATE TABLE consent (
    number bigserial PRIMARY KEY,
    profile text COLLATE "C" NOT NULL,
    lead text COLLATE "C" NOT NULL,
    channel text NOT NULL,
    purpose text NOT NULL,
    given boolean,
    text text NOT NULL,
    source text NOT NULL,
    at bigint NOT NULL,
    by text NOT NULL
);
CREATE INDEX consent_profile ON consent (profile);
COMMENT ON TABLE consent IS 'what was said about being written to, word by word; gone once erased';
COMMENT ON COLUMN consent.purpose IS 'empty: every purpose';
COMMENT ON COLUMN consent.given IS 'null: the word was taken back by hand';
COMMENT ON COLUMN consent.text IS 'form and version of the text that was shown, empty if none was';
COMMENT ON COLUMN consent.by IS 'who put it down by hand, empty if the person said it';
"""

_SAVE: Final = """
INSERT INTO consent (profile, lead, channel, purpose, given, text, source, at, by)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::text[], $7::text[],
                     $8::bigint[], $9::text[])
"""
_LOAD: Final = """
SELECT profile, lead, channel, purpose, given, text, source, at, by FROM consent
WHERE profile = ANY (ARRAY(SELECT id FROM profile WHERE lead = $1)) ORDER BY at, number
"""


async def save_consents(transaction: Transaction, words: Sequence[ConsentWord]) -> None:
    """Append words, in order."""
    if words:
        await transaction.execute(
            _SAVE,
            [word.profile for word in words],
            [word.lead for word in words],
            [word.channel for word in words],
            [word.purpose for word in words],
            [word.given for word in words],
            [word.text for word in words],
            [word.source for word in words],
            [word.at for word in words],
            [word.by for word in words],
        )


async def load_consents(transaction: Transaction, lead: str) -> list[ConsentWord]:
    """Return what was said by everybody who lives with a lead, oldest first."""
    return [ConsentWord(*row.values()) for row in await transaction.fetch(_LOAD, lead)]
