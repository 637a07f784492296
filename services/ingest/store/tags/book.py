"""Trails and cards: what profiles bring along, and what stands on a lead, as rows of JSON.

They are read with the leads of a batch, under the locks of these, and written where something changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.ingest.domain.channels.touches import Touch
from services.ingest.domain.directory import Directory
from services.ingest.domain.tags.trail import EMPTY_CARD, Card, HandWord, RuleWords, TagBook, Trail
from services.ingest.store.tags.catalogue import load_own_tags
from shared.postgres.database import Row, Transaction

CREATE: Final = """
CREATE TABLE trail (
    profile text COLLATE "C" PRIMARY KEY,
    first_touch jsonb,
    last_touch jsonb,
    sources text[] NOT NULL,
    words jsonb NOT NULL,
    by_hand jsonb NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE trail IS 'what a profile brings along: touches, sources, words on tags';
COMMENT ON COLUMN trail.words IS 'tag to [[put on, rule], [taken off, rule]], because of what happened';
COMMENT ON COLUMN trail.by_hand IS 'tag to [when, cause, put on, who], the last word of a person';

CREATE TABLE lead_card (
    lead text COLLATE "C" PRIMARY KEY,
    version int NOT NULL,
    tags text[] NOT NULL,
    because jsonb NOT NULL,
    sources text[] NOT NULL,
    first_touch jsonb,
    last_touch jsonb,
    first_channel text GENERATED ALWAYS AS (first_touch ->> 'channel') STORED
) WITH (fillfactor = 70);
CREATE INDEX lead_card_tags ON lead_card USING gin (tags);
CREATE INDEX lead_card_channel ON lead_card (first_channel);
CREATE INDEX lead_created ON lead (created DESC, id DESC) WHERE is_captured AND erased IS NULL;
COMMENT ON TABLE lead_card IS 'what stands on a lead: tags, sources, touches; version counts changes of tags';
COMMENT ON COLUMN lead_card.because IS 'tag to the rule that put it on, or by: and who';
"""

_LOAD_BOTH: Final = """
SELECT p.id, t.first_touch, t.last_touch, t.sources, t.words, t.by_hand, k.version, k.because,
       k.sources AS all_sources, k.first_touch AS card_first, k.last_touch AS card_last
FROM unnest($1::text[]) AS p(id) LEFT JOIN trail t ON t.profile = p.id LEFT JOIN lead_card k ON k.lead = p.id
WHERE t.profile IS NOT NULL OR k.lead IS NOT NULL
"""
_LOAD_CARDS: Final = "SELECT * FROM lead_card WHERE lead = ANY($1::text[])"
_SAVE_TRAILS: Final = """
INSERT INTO trail (profile, first_touch, last_touch, sources, words, by_hand)
SELECT profile, first_touch::jsonb, last_touch::jsonb,
       ARRAY(SELECT jsonb_array_elements_text(sources::jsonb)), words::jsonb, by_hand::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS s(profile, first_touch, last_touch, sources, words, by_hand)
ON CONFLICT (profile) DO UPDATE SET first_touch = excluded.first_touch, last_touch = excluded.last_touch,
    sources = excluded.sources, words = excluded.words, by_hand = excluded.by_hand
"""
_SAVE_CARDS: Final = """
INSERT INTO lead_card (lead, version, tags, because, sources, first_touch, last_touch)
SELECT lead, version, ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)), because::jsonb,
       ARRAY(SELECT jsonb_array_elements_text(sources::jsonb)), first_touch::jsonb, last_touch::jsonb
FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
    AS s(lead, version, tags, because, sources, first_touch, last_touch)
ON CONFLICT (lead) DO UPDATE SET version = excluded.version, tags = excluded.tags,
    because = excluded.because, sources = excluded.sources, first_touch = excluded.first_touch,
    last_touch = excluded.last_touch
"""

_encode: Final = msgspec.json.Encoder().encode
_read_touch: Final = msgspec.json.Decoder(Touch).decode
_read_words: Final = msgspec.json.Decoder(dict[str, RuleWords]).decode
_read_by_hand: Final = msgspec.json.Decoder(dict[str, HandWord]).decode
_read_because: Final = msgspec.json.Decoder(dict[str, str]).decode


async def load_book(transaction: Transaction, directory: Directory) -> None:
    """Load what the profiles bring along, what stands on the leads, and the tags that people changed."""
    book = directory.book
    book.own = await load_own_tags(transaction)
    if directory.profiles:
        for row in await transaction.fetch(_LOAD_BOTH, sorted(directory.profiles)):
            if row["words"] is not None:
                book.trails[row["id"]] = _trail(row)
            if row["version"] is not None:
                book.cards[row["id"]] = _card(row, row["all_sources"], row["card_first"], row["card_last"])


async def load_cards(transaction: Transaction, leads: Sequence[str]) -> dict[str, Card]:
    """Return what stands on these leads; those on which nothing does are left out."""
    return {
        row["lead"]: _card(row, row["sources"], row["first_touch"], row["last_touch"])
        for row in await transaction.fetch(_LOAD_CARDS, leads)
    }


async def load_card(transaction: Transaction, lead: str) -> Card:
    """Return what stands on one lead."""
    return (await load_cards(transaction, [lead])).get(lead, EMPTY_CARD)


async def save_book(transaction: Transaction, book: TagBook) -> None:
    """Write what changed."""
    if book.changed_trails:
        trails = [(one, book.trails[one]) for one in sorted(book.changed_trails)]
        await transaction.execute(
            _SAVE_TRAILS,
            [profile for profile, _ in trails],
            [_touch(trail.first) for _, trail in trails],
            [_touch(trail.last) for _, trail in trails],
            [_encode(trail.sources).decode() for _, trail in trails],
            [_encode(trail.words).decode() for _, trail in trails],
            [_encode(trail.by_hand).decode() for _, trail in trails],
        )
    if book.changed_cards:
        cards = [(one, book.cards[one]) for one in sorted(book.changed_cards)]
        await transaction.execute(
            _SAVE_CARDS,
            [lead for lead, _ in cards],
            [card.version for _, card in cards],
            [_encode(list(card.tags)).decode() for _, card in cards],
            [_encode(card.tags).decode() for _, card in cards],
            [_encode(card.sources).decode() for _, card in cards],
            [_touch(card.first) for _, card in cards],
            [_touch(card.last) for _, card in cards],
        )


def _touch(touch: Touch | None) -> str | None:
    return None if touch is None else _encode(touch).decode()


def _trail(row: Row) -> Trail:
    return Trail(
        first=_read(row["first_touch"]),
        last=_read(row["last_touch"]),
        sources=tuple(row["sources"]),
        words=_read_words(row["words"]),
        by_hand=_read_by_hand(row["by_hand"]),
    )


def _card(row: Row, sources: Sequence[str], first: str | None, last: str | None) -> Card:
    return Card(
        version=row["version"],
        tags=dict(sorted(_read_because(row["because"]).items())),
        sources=tuple(sources),
        first=_read(first),
        last=_read(last),
    )


def _read(touch: str | None) -> Touch | None:
    return None if touch is None else _read_touch(touch)
