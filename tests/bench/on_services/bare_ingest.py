"""Ingest's work and nothing around it: the same documents, the same pure identity, the same rows."""

from __future__ import annotations

from typing import Any, Final

from services.ingest.domain.directory import Directory, Profile
from services.ingest.domain.intake import Intake
from services.ingest.domain.story import StoryRow
from services.ingest.handlers.reading import RawReader
from services.ingest.handlers.story import tell_story
from services.ingest.store.directory_rows import load_leads, save_directory
from services.ingest.store.resolving.ports import TakeIn
from services.ingest.store.story import save_story
from services.ingest.store.tags.book import load_book
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.raw import RawReceived
from shared.kernel.changes import Fact
from shared.postgres.database import Transaction
from tests.bench.loops.bare import Decided, Fetched
from tests.bench.loops.saying import Saying

_FIND: Final = (
    "SELECT i.value_hash, i.profile, p.lead FROM identifier i JOIN profile p ON p.id = i.profile"
    " WHERE i.value_hash = ANY($1::text[])"
)


class IngestWork:
    """Resolves: six queries, one fold, seven writes. Nothing is locked."""

    def __init__(self, reader: RawReader, take_in: TakeIn) -> None:
        self._reader = reader
        self._take_in = take_in

    async def decide(self, connection: Any, fetched: Fetched) -> Decided:
        """See :class:`tests.bench.loops.bare.Work`."""
        intakes: dict[str, tuple[Fact, Intake]] = {}
        for records in fetched.values():
            for record in records:
                envelope = decode_envelope(record.value)
                raw = decode_event(envelope)
                assert isinstance(raw, RawReceived)
                intake = self._reader.on_raw_received(raw, record_id=envelope.id, received=envelope.received)
                assert isinstance(intake, Intake)
                fact = Fact(
                    *(envelope.id, envelope.partitionkey, envelope.received, raw),
                    *(envelope.correlationid, envelope.traceparent),
                )
                intakes.setdefault(envelope.id, (fact, intake))
        ids = [bytes.fromhex(one) for one in intakes]
        rows = await connection.fetch("SELECT record_id FROM seen_message WHERE record_id = ANY($1)", ids)
        for row in rows:
            del intakes[row["record_id"].hex()]
        kinds = {
            identifier.hash: identifier.kind.value
            for _, intake in intakes.values()
            for identifier in (*intake.anchors, *intake.anonymous)
        }
        directory = await _load_directory(connection, list(kinds))
        known = set(directory.profiles_of_identifiers)
        story: list[StoryRow] = []
        saying = Saying("ingest")
        for fact, intake in intakes.values():
            emissions = self._take_in(directory, intake, cause=fact.id)
            saying.add(emissions, fact)
            story += tell_story(directory, intake, emissions, cause=fact.id)

        async def write(connection: Any) -> None:
            await connection.execute(
                "INSERT INTO seen_message SELECT * FROM unnest($1::bytea[], $2::bigint[])",
                [bytes.fromhex(one) for one in intakes],
                [fact.received for fact, _ in intakes.values()],
            )
            owners = directory.profiles_of_identifiers
            new = sorted(owners.keys() - known)
            await connection.execute(
                "INSERT INTO identifier (value_hash, kind, profile)"
                " SELECT * FROM unnest($1::text[], $2::text[], $3::text[])",
                new,
                [kinds[one] for one in new],
                [owners[one] for one in new],
            )
            await save_directory(Transaction(connection), directory, fresh=())
            await save_story(Transaction(connection), story)

        return Decided(write, saying.output())


async def _load_directory(connection: Any, hashes: list[str]) -> Directory:
    found = await connection.fetch(_FIND, hashes)
    wanted = sorted({row["lead"] for row in found})
    profiles = await connection.fetch("SELECT * FROM profile WHERE lead = ANY($1::text[])", wanted)
    transaction = Transaction(connection)
    directory = Directory(
        profiles_of_identifiers={row["value_hash"]: row["profile"] for row in found},
        profiles={
            row["id"]: Profile(row["id"], row["lead"], row["version"], row["came_from"], row["verdict"])
            for row in profiles
        },
        leads=await load_leads(transaction, wanted),
    )
    await load_book(transaction, directory)
    return directory
