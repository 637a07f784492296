"""The resolver on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.domain.tag_rules.rules import TagRules
from services.ingest.domain.validity.judging import Judge
from services.ingest.handlers.erasing import on_erasure
from services.ingest.handlers.hearing import hear
from services.ingest.handlers.judging import Judging
from services.ingest.handlers.resolution import IntakeHandler, retell_contact
from services.ingest.handlers.settling import Settling
from services.ingest.handlers.story import tell_story
from services.ingest.handlers.tags.tagging import Tagging
from services.ingest.handlers.unmerging import Unmerging
from services.ingest.metrics import IngestMetrics
from services.ingest.queries.leads import LeadSearch
from services.ingest.store.directory_commands import DirectoryCommands
from services.ingest.store.resolver import Resolver
from services.ingest.store.resolving.ports import Reading, ReadRaw
from shared.contracts.events import contacts, leads
from shared.contracts.events.raw import RawReceived
from shared.contracts.topics import CONTACTS
from shared.kernel.errors import BUG_CODE, Rejected
from shared.kernel.instants import Instant
from shared.log.port import NewRecord
from shared.postgres.database import Database, Transaction
from shared.processor.stage import Decision
from tests.examples import tried
from tests.services.ingest.arrivals import Arrivals, as_fetched, facts_of, make_resolver, resolve
from tests.unit.ingest.requests import IDENTITY_KEY, RULEBOOK, make_reader

pytestmark = pytest.mark.postgres


def reading_with(read: ReadRaw) -> Resolver:
    """Return a resolver that reads by a function of the test's own."""
    hasher = identifier_hasher(IDENTITY_KEY)
    judging = Judging(Judge(RULEBOOK.validity, RULEBOOK.identity, hash_identifier=hasher))
    tagging = Tagging(
        TagRules(RULEBOOK.tags),
        taking_in=IntakeHandler(RULEBOOK.matching, hash_identifier=hasher, judge=judging.on_message),
        unmerging=Unmerging(hasher),
        settling=Settling(RULEBOOK.matching),
    )
    return Resolver(
        read_raw=read,
        take_in=judging.with_bursts(tagging.on_intake),
        watch_bursts=judging.watch_bursts,
        tell_story=tell_story,
        command=DirectoryCommands(
            on_erasure=on_erasure,
            on_unmerge=tagging.on_unmerge,
            on_correction=tagging.on_correction,
            on_word=judging.on_word,
            rejudge=judging.rejudge,
            on_tag_leads=tagging.on_tag_leads,
        ).carry_out,
        retell_contact=retell_contact,
        hear=hear,
        on_word_heard=judging.on_word_heard,
        rules=RULEBOOK.matching,
        meter=IngestMetrics(CollectorRegistry()),
    )


def outcomes(decisions: list[Decision]) -> list[str]:
    return [decision.outcome.value for decision in decisions]


def events(decisions: list[Decision]) -> list[Any]:
    return [emission.event for decision in decisions for emission in decision.emissions]


async def rows(database: Database, sql: str) -> list[dict[str, Any]]:
    async with database.connection() as connection:
        return [dict(row) for row in await connection.fetch(sql)]


class TestABatch:
    async def test_opens_leads_and_finds_them_again(self, ingest_database: Database) -> None:
        resolver, arrivals = make_resolver(), Arrivals()
        first = await resolve(
            ingest_database,
            resolver,
            [
                arrivals.record({"anonymousId": "a", "properties": {"path": "/pricing"}}, kind="page"),
                arrivals.record(
                    {"anonymousId": "a", "traits": {"email": "ada@example.com"}}, kind="identify"
                ),
            ],
        )
        second = await resolve(
            ingest_database,
            resolver,
            [arrivals.record({"email": "ada@example.com", "title": "CEO"}, kind="lead", source="crm")],
        )
        assert outcomes([*first, *second]) == ["processed"] * 3
        names = [type(event).__name__ for event in events([*first, *second])]
        captured = ["PageViewed", "LeadCaptured", "ContactUpdated", "TagsChanged"]
        assert names == [*captured, "LeadChanged", "ContactUpdated", "TagsChanged"]
        assert len({emission.subject for one in [*first, *second] for emission in one.emissions}) == 1

    async def test_drops_what_it_has_seen(self, ingest_database: Database) -> None:
        resolver, arrivals = make_resolver(), Arrivals()
        message = {"userId": "u", "event": "E", "messageId": "m"}
        first = await resolve(ingest_database, resolver, [arrivals.record(message) for _ in range(2)])
        second = await resolve(ingest_database, resolver, [arrivals.record(message)])
        other = await resolve(ingest_database, resolver, [arrivals.record(message, source="app")])
        assert outcomes([*first, *second, *other]) == ["processed", "duplicate", "duplicate", "processed"]

    async def test_keeps_what_it_cannot_use(self, ingest_database: Database) -> None:
        resolver, arrivals = make_resolver(), Arrivals()
        broken = arrivals.record(b"{not json")
        decisions = await resolve(
            ingest_database, resolver, [broken, arrivals.record({"userId": "u", "event": "E"})]
        )
        assert outcomes(decisions) == ["quarantined", "processed"]
        (kept,) = await rows(ingest_database, "SELECT code, source, record, tries FROM quarantine")
        assert kept == {
            "code": "intake.malformed_json",
            "source": "website",
            "record": broken.value,
            "tries": 1,
        }
        again = await resolve(ingest_database, resolver, [broken])
        assert outcomes(again) == ["quarantined"]
        assert (await rows(ingest_database, "SELECT tries FROM quarantine")) == [{"tries": 2}]

    async def test_goes_on_past_a_message_over_which_our_reader_falls(
        self, ingest_database: Database
    ) -> None:
        reader, arrivals = make_reader(), Arrivals()

        def read(raw: RawReceived, *, record_id: str, received: Instant) -> Reading:
            if "bug" in raw.content.decode():
                raise ZeroDivisionError
            return reader.on_raw_received(raw, record_id=record_id, received=received)

        decisions = await resolve(
            ingest_database,
            reading_with(read),
            [arrivals.record({"userId": name, "event": "E"}) for name in ("u1", "bug", "u2")],
        )
        assert outcomes(decisions) == ["processed", "dead", "processed"]
        assert decisions[1].error is not None
        assert decisions[1].error.reason == BUG_CODE

    async def test_leaves_no_identifier_without_an_owner(self, ingest_database: Database) -> None:
        resolver, arrivals = make_resolver(), Arrivals()
        await resolve(
            ingest_database,
            resolver,
            [
                arrivals.record({"userId": "u1", "traits": {"email": "ada@example.com"}}, kind="identify"),
                arrivals.record(
                    {"userId": "u1", "external_id": "x", "traits": {"email": "other@example.com"}},
                    kind="identify",
                ),
                arrivals.record({"anonymousId": "a", "userId": "u2"}, kind="identify"),
            ],
        )
        orphans = await rows(
            ingest_database,
            "SELECT 1 FROM identifier i LEFT JOIN profile p ON p.id = i.profile WHERE p.id IS NULL",
        )
        assert orphans == []

    async def test_moves_every_profile_of_the_lead_that_goes(self, ingest_database: Database) -> None:
        resolver, arrivals = make_resolver(), Arrivals()
        lead = {"kind": "lead"}
        await resolve(ingest_database, resolver, [arrivals.record({"email": "a@example.com"}, **lead)])
        await resolve(ingest_database, resolver, [arrivals.record({"phone": "13800138000"}, **lead)])
        joined = await resolve(
            ingest_database,
            resolver,
            [arrivals.record({"email": "a@example.com", "phone": "13800138000"}, **lead)],
        )
        moved = events(joined)[0]
        assert isinstance(moved, leads.LeadMerged)
        homes = await rows(ingest_database, "SELECT DISTINCT lead FROM profile")
        assert homes == [{"lead": moved.lead}]

    async def test_refuses_what_is_no_raw_record(self, ingest_database: Database) -> None:
        resolver = make_resolver()
        with pytest.raises(Rejected):
            resolver.read(as_fetched(NewRecord(b"k", b"junk", [], 0), offset=0))

    async def test_hurts_only_the_message_that_fails(self, ingest_database: Database) -> None:
        resolver, arrivals = make_resolver(), Arrivals()
        working = resolver._take_in

        def take_in(directory: Any, intake: Any, *, cause: str) -> Any:
            said = working(directory, intake, cause=cause)
            if intake.message_id == "bad":
                raise ZeroDivisionError
            return said

        resolver._take_in = take_in
        batch = [
            arrivals.record({"userId": one, "event": "E", "messageId": name})
            for one, name in (("u", "good"), ("v", "bad"), ("w", "fine"))
        ]
        decisions = await resolve(ingest_database, resolver, batch)
        assert outcomes(decisions) == ["processed", "dead", "processed"]
        assert decisions[1].error is not None
        assert len(await rows(ingest_database, "SELECT id FROM lead")) == 2
        resolver._take_in = working
        again = await resolve(ingest_database, resolver, batch)
        assert outcomes(again) == [
            "duplicate",
            "processed",
            "duplicate",
        ]


class CountingTransaction:
    """A transaction that counts its statements."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        self.statements += 1
        return getattr(self._transaction, name)


class TestTheNumberOfStatements:
    async def test_does_not_grow_with_the_batch(self, ingest_database: Database) -> None:
        resolver, arrivals = make_resolver(), Arrivals()
        counts = []
        for size in (2, 60):
            batch = [
                arrivals.record({"email": f"{n}@firm-{size}.example", "title": "CEO"}, kind="lead")
                for n in range(size)
            ]
            for _ in range(2):
                async with ingest_database.transaction() as transaction:
                    counting = CountingTransaction(transaction)
                    await resolver.apply(cast("Transaction", counting), facts_of(resolver, batch))
                counts.append(counting.statements)
                batch = [
                    arrivals.record(
                        {"email": f"{n}@firm-{size}.example", "anonymous_id": f"{size}-{n}"}, kind="lead"
                    )
                    for n in range(size)
                ]
        assert counts[0] == counts[2] <= 12
        assert counts[1] == counts[3] <= 17


class TestALateContact:
    async def test_is_answered_with_the_latest(self, ingest_database: Database) -> None:
        resolver, arrivals = make_resolver(), Arrivals()
        said = await resolve(
            ingest_database, resolver, [arrivals.record({"email": "ada@example.com"}, kind="lead")]
        )
        lead = said[0].emissions[0].subject
        late = resolver.heal(
            as_fetched(NewRecord(lead.encode(), b"old", [], 5), offset=9, topic=CONTACTS.name)
        )
        unknown = resolver.heal(as_fetched(NewRecord(b"x", b"old", [], 5), offset=10, topic=CONTACTS.name))
        assert late is not None
        assert unknown is not None
        async with ingest_database.transaction() as transaction:
            healed, gone = await resolver.apply(transaction, [late, unknown])
        (told,) = healed.emissions
        assert isinstance(told.event, contacts.ContactUpdated)
        assert (told.key, told.event.email) == (lead, "ada@example.com")
        (tombstone,) = gone.emissions
        assert (tombstone.event, tombstone.key, tombstone.topic) == (None, "x", CONTACTS.name)


class TestTwoWorkers:
    async def test_never_make_two_leads_of_one_person(self, ingest_database: Database) -> None:
        arrivals = Arrivals()
        batches = [
            [
                arrivals.record({"email": f"p{person}@example.com", "title": f"T{worker}"}, kind="lead")
                for person in (range(40) if worker % 2 else reversed(range(40)))
            ]
            for worker in range(4)
        ]
        decided = await asyncio.gather(
            *(resolve(ingest_database, make_resolver(), batch) for batch in batches)
        )
        captured = [
            event
            for decisions in decided
            for event in events(decisions)
            if isinstance(event, leads.LeadCaptured)
        ]
        assert len(captured) == 40
        assert len(await rows(ingest_database, "SELECT id FROM lead")) == 40


messages = st.lists(
    st.tuples(
        st.sampled_from(["identify", "page"]),
        st.fixed_dictionaries(
            {"anonymousId": st.sampled_from(["a", "b", "c"])},
            optional={
                "userId": st.sampled_from(["u1", "u2"]),
                "email": st.sampled_from(["a@example.com", "b@example.com"]),
                "phone": st.sampled_from(["13800138000"]),
                "messageId": st.sampled_from(["1", "2", "3", "4"]),
            },
        ),
    ),
    min_size=1,
    max_size=12,
)


class TestAnyCut:
    @settings(
        max_examples=tried(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(history=messages, cuts=st.lists(st.integers(1, 5), min_size=12, max_size=12))
    def test_of_the_input_says_the_same(
        self, database_of_any_cut: Any, history: list[tuple[str, dict[str, str]]], cuts: list[int]
    ) -> None:
        run, database = database_of_any_cut
        arrivals, resolver = Arrivals(), make_resolver()
        batch = []
        for kind, given_fields in history:
            fields = dict(given_fields)
            traits = {name: fields.pop(name) for name in ("email", "phone") if name in fields}
            batch.append(arrivals.record({**fields, "context": {"traits": traits}}, kind=kind))

        async def decide(sizes: list[int]) -> list[tuple[str, list[Any]]]:
            async with database.connection() as connection:
                await connection.execute(
                    "TRUNCATE seen_message, identifier, profile, lead, contact, quarantine, conflict"
                )
            decided: list[Decision] = []
            start = 0
            for size in sizes:
                if start < len(batch):
                    decided += await resolve(database, resolver, batch[start : start + size])
                    start += size
            assert len(decided) == len(batch)
            return [(one.outcome.value, list(one.emissions)) for one in decided]

        assert run(decide(cuts)) == run(decide([len(batch)]))


class TestSearch:
    async def test_finds_a_lead_by_what_is_known_of_it(self, ingest_database: Database) -> None:
        arrivals = Arrivals()
        lead = {"external_id": "7", "email": "ada@example.com", "phone": "13800138000", "title": "CEO"}
        await resolve(ingest_database, make_resolver(), [arrivals.record(lead, kind="lead", source="crm")])
        search = LeadSearch(
            ingest_database, rules=RULEBOOK.identity, hash_identifier=identifier_hasher(IDENTITY_KEY)
        )
        nothing: dict[str, str | None] = dict.fromkeys(("email", "phone", "source", "external_id"))
        asked: list[dict[str, str | None]] = [
            {"email": " ADA@example.com "},
            {"phone": "138-0013-8000"},
            {"source": "crm", "external_id": "7"},
        ]
        for question in asked:
            (found,) = shown = await search.find(**{**nothing, **question})
            assert found.attributes == {"title_level": "cxo"}
            assert found.reachable
            (external_id,) = msgspec.json.decode(msgspec.json.encode(shown))[0]["external_ids"]
            assert external_id == {"source": "crm", "id": "7"}
        assert await search.find(**{**nothing, "email": "bob@example.com"}) == []
