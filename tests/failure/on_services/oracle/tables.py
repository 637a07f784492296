"""What ingest's tables hold, compared row by row with what the raw records say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from services.ingest.domain.desk.consent import ConsentWord
from services.ingest.domain.desk.corrections import Note
from services.ingest.domain.directory import Contact, Directory, Profile
from services.ingest.domain.evidence.doubts import Doubt
from services.ingest.domain.tags.trail import EMPTY_CARD, EMPTY_TRAIL
from services.ingest.store.directory_rows import load_leads
from services.ingest.store.story import read_line
from services.ingest.store.tags.book import load_book
from shared.postgres.database import Database
from tests.failure.on_services.oracle.ingest import IngestExpected, Kept
from tests.failure.oracle.comparison import Differences


async def compare_ingest(database: Database, expected: IngestExpected, differences: Differences) -> None:
    """Compare ingest's tables, row by row, with what the raw records say."""
    directory = expected.directory
    async with database.connection() as connection:
        identifiers = await connection.fetch("SELECT value_hash, kind, profile FROM identifier")
        profiles = await connection.fetch("SELECT id, lead, version FROM profile")
        lead_ids = [row["id"] for row in await connection.fetch("SELECT id FROM lead")]
        leads = await load_leads(connection, lead_ids)
        contacts = await connection.fetch("SELECT lead, email, phone FROM contact")
        seen = await connection.fetch("SELECT record_id, received FROM seen_message")
        quarantine = await connection.fetch("SELECT * FROM quarantine")
        story = Counter(read_line(row) for row in await connection.fetch("SELECT * FROM story"))
        notes = await connection.fetch(
            "SELECT profile, lead, at, by, text, encode(cause, 'hex') AS cause FROM note"
        )
        consents = await connection.fetch(
            "SELECT profile, lead, channel, purpose, given, text, source, at, by FROM consent"
        )
        owners = await connection.fetch("SELECT lead, rep FROM lead_owner")
        conflicts = await connection.fetch("SELECT * FROM conflict")
        tagged = await connection.fetch("SELECT profile AS id FROM trail UNION SELECT lead FROM lead_card")
        stored = Directory(profiles={row["id"]: Profile(row["id"], row["id"]) for row in tagged})
        await load_book(connection, stored)
    compare_maps(
        "identifier",
        {row["value_hash"]: (row["kind"], row["profile"]) for row in identifiers},
        {one: (expected.kinds[one], profile) for one, profile in directory.profiles_of_identifiers.items()},
        differences,
    )
    compare_maps(
        "profile",
        {row["id"]: (row["lead"], row["version"]) for row in profiles},
        {one.id: (one.lead, one.version) for one in directory.profiles.values()},
        differences,
    )
    compare_maps("lead", leads, directory.leads, differences)
    compare_maps(
        "contact",
        {row["lead"]: (row["email"], row["phone"]) for row in contacts},
        {
            lead.id: (lead.contact.text("email"), lead.contact.text("phone"))
            for lead in directory.leads.values()
            if lead.contact != Contact()
        },
        differences,
    )
    compare_maps(
        "seen_message", {row["record_id"].hex(): row["received"] for row in seen}, expected.seen, differences
    )
    compare_maps(
        "quarantine",
        {
            row["record_id"]: Kept(
                *(row["source"], row["code"], row["received"], row["record_key"], row["record"], row["tries"])
            )
            for row in quarantine
        },
        expected.quarantine,
        differences,
    )
    compare_maps("owner", {row["lead"]: row["rep"] for row in owners}, expected.owners, differences)
    compare_maps(
        "conflict",
        {
            row["id"]: (
                row["cause"].hex(),
                Doubt(row["reason"], row["kind"], row["identifier"], row["profile"], row["other"]),
            )
            for row in conflicts
        },
        expected.doubts,
        differences,
    )
    for kind, found, wanted, nothing in (
        ("trail", stored.book.trails, directory.book.trails, EMPTY_TRAIL),
        ("lead_card", stored.book.cards, directory.book.cards, EMPTY_CARD),
    ):
        compare_maps(kind, _without(nothing, found), _without(nothing, wanted), differences)
    _compare_counts("story", story, expected.story, differences)
    _compare_counts(
        "note",
        Counter(map(_note_key, (Note(**dict(row)) for row in notes))),
        Counter(map(_note_key, expected.notes)),
        differences,
    )
    _compare_counts(
        "consent",
        Counter(ConsentWord(*row.values()) for row in consents),
        Counter(directory.consents),
        differences,
    )


def _note_key(note: Note) -> tuple[object, ...]:
    return note.profile, note.lead, note.at, note.by, note.text, note.cause


def _compare_counts(kind: str, found: Counter[Any], wanted: Counter[Any], differences: Differences) -> None:
    """Compare rows that may be there more than once."""
    for row in (found - wanted) + (wanted - found):
        differences.add(kind, f"{row} is there {found[row]} times, should be {wanted[row]}")


def _without(nothing: object, rows: Mapping[str, object]) -> dict[str, object]:
    """Leave out what says nothing: a message that was undone may leave such a row behind, or none."""
    return {key: row for key, row in rows.items() if row != nothing}


def compare_maps(
    kind: str, found: Mapping[str, object], wanted: Mapping[str, object], differences: Differences
) -> None:
    """Compare two mappings, key by key."""
    for key in sorted({*found, *wanted}):
        if found.get(key) != wanted.get(key):
            differences.add(kind, f"{key} is {found.get(key)}, should be {wanted.get(key)}")


def compare_letters(found: Sequence[object], wanted: Sequence[object], differences: Differences) -> None:
    """Compare dead letters, however often each is there."""
    for letter, count in (Counter(wanted) - Counter(found)).items():
        differences.add("dead_letter", f"missing {count} of {letter}")
    for letter, count in (Counter(found) - Counter(wanted)).items():
        differences.add("dead_letter", f"{count} too many of {letter}")
