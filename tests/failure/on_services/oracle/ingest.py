"""Ingest's oracle: its pure domain folded over the raw records in one directory, in the journaled order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from services.ingest.bootstrap import build_resolver
from services.ingest.domain.dialects.hooks import Errand
from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.erasure import ErasePerson
from services.ingest.domain.evidence.doubts import Doubt
from services.ingest.domain.identifiers import Identifier, IdentifierKind, identifier_hasher
from services.ingest.domain.identity.merging import UnmergeLead, find_homecomers
from services.ingest.domain.identity.repeats import FormWindow
from services.ingest.domain.intake import ERASED, Intake, Refusal
from services.ingest.domain.story import StoryRow
from services.ingest.domain.validity.judging import Judge
from services.ingest.handlers.erasing import on_erasure
from services.ingest.handlers.judging import Judging
from services.ingest.handlers.reading import RawReader
from services.ingest.handlers.resolution import IntakeHandler, PersonErased, retell_contact
from services.ingest.handlers.story import tell_story
from services.ingest.handlers.unmerging import Unmerging
from services.ingest.metrics import IngestMetrics
from services.ingest.store.directory_rows import load_leads
from services.ingest.store.documents import read_rulebook
from services.ingest.store.resolver import LateContact, RawFact
from services.ingest.store.story import read_line
from shared.contracts.events.leads import LeadMerged
from shared.contracts.topics import CONTACTS
from shared.kernel.changes import Emission, Fact
from shared.kernel.errors import BUG_CODE, Rejected, Verdict
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from tests.failure.on_services.oracle.inputs import Expected, Reader, bury
from tests.failure.on_services.oracle.saying import Saying
from tests.failure.on_services.worker import CONFIG, IDENTITY_KEY
from tests.failure.oracle.comparison import Differences
from tests.failure.oracle.journal import Entry


class Kept(NamedTuple):
    """A message in quarantine."""

    source: str
    code: str
    received: Instant
    key: bytes
    record: bytes
    tries: int


class Correction(NamedTuple):
    """A merge taken back, or a person forgotten: of which lead, when that was asked, and why."""

    lead: str
    at: Instant
    forgets: bool
    reason: str = "two"


class Arrived(NamedTuple):
    """A fact with the record that it came in."""

    fact: Fact
    record: Record
    reading: Intake | Refusal | None


@dataclass(slots=True)
class IngestExpected(Expected):
    """What ingest should have made of the raw topic."""

    directory: Directory = field(default_factory=Directory)
    kinds: dict[str, str] = field(default_factory=dict)
    seen: dict[str, Instant] = field(default_factory=dict)
    quarantine: dict[str, Kept] = field(default_factory=dict)
    story: Counter[StoryRow] = field(default_factory=Counter)
    likenesses: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """By id: reason, record and whose message it was."""
    merges: int = 0
    replies: dict[str, object] = field(default_factory=dict)
    suppressed: set[str] = field(default_factory=set)
    """Messages about people who had been forgotten: they take no effect."""


class IngestReplay:
    """Replays ingest's journal; call :meth:`run` once.

    ``commands`` are the merges taken back and the people forgotten.
    """

    def __init__(
        self,
        log: Mapping[TopicPartition, Sequence[Record]],
        commands: Mapping[str, Correction],
        *,
        identity_key: bytes = IDENTITY_KEY,
    ) -> None:
        self.expected = IngestExpected()
        self._commands = commands
        self._others: dict[str, str] = {}
        self._unmerging = Unmerging(identifier_hasher(identity_key))
        self._reader = Reader(log)
        self._resolver = build_resolver(
            CONFIG, identity_key=identity_key, metrics=IngestMetrics(CollectorRegistry())
        )
        rulebook = read_rulebook(CONFIG / "ingest", default_region="CN")
        hasher = identifier_hasher(identity_key)
        self._raw = RawReader(rulebook, hash_identifier=hasher)
        self._window = FormWindow({}, seconds=rulebook.matching.same_form_seconds)
        self._judging = Judging(Judge(rulebook.validity, rulebook.identity, hash_identifier=hasher))
        handler = IntakeHandler(rulebook.matching, hash_identifier=hasher, judge=self._judging.on_message)
        self._on_intake = self._judging.with_bursts(handler.on_intake)

    def run(self, entries: Sequence[Entry]) -> IngestExpected:
        """Fold every transaction, in this order."""
        for entry in entries:
            saying = Saying("ingest")
            if entry.command:
                self._correct(entry.command, saying)
            else:
                self._batch(entry, saying)
            self.expected.close(entry, saying)
        return self.expected

    def _batch(self, entry: Entry, saying: Saying) -> None:
        arrived = self._read(entry, saying)
        received: dict[str, Instant] = {}
        for fact, _, reading in arrived:
            if isinstance(reading, Intake):
                received[fact.id] = fact.received  # of one id twice in a batch the last is stored
        unseen = {one for one in received if one not in self.expected.seen}
        claimed = set(unseen)
        kept: dict[str, Kept] = {}
        buried_late = []
        for one in arrived:
            tp = TopicPartition(one.record.topic, one.record.partition)
            tally = self.expected.tally_of(tp)
            fact, reading = one.fact, one.reading
            if isinstance(fact.event, LateContact):
                saying.add([self._retell(fact.event.lead, fact.received)], fact)
            elif isinstance(reading, Refusal):
                assert isinstance(fact.event, RawFact)
                tally.quarantined += 1
                raw = fact.event
                kept[fact.id] = Kept(raw.raw.source, reading.code, fact.received, raw.key, raw.record, 0)
            elif fact.id not in unseen or self._comes_again(fact, reading):
                unseen.discard(fact.id)
                tally.duplicate += 1
            else:
                unseen.discard(fact.id)
                assert isinstance(reading, Intake)
                error = self._take_in(fact, reading, saying)
                if reading.form and (error is None or error.reason == ERASED):
                    self._window.note(reading.form, fact.received)
                if error is None:
                    tally.processed += 1
                elif error.reason == ERASED:
                    tally.processed += 1
                    self.expected.suppressed.add(fact.id)
                else:
                    claimed.discard(fact.id)
                    tally.dead += 1
                    buried_late.append(bury(one.record, error))
        saying.buried += buried_late
        for record_id, message in kept.items():
            before = self.expected.quarantine.get(record_id)
            tries = 1 if before is None else before.tries + 1
            first = message if before is None else before
            self.expected.quarantine[record_id] = first._replace(code=message.code, tries=tries)
        for record_id in claimed:
            self.expected.seen[record_id] = received[record_id]

    def _comes_again(self, fact: Fact, reading: Intake | None) -> bool:
        """Return whether it is the same form with the same values within minutes."""
        assert reading is not None
        return bool(reading.form) and self._window.is_repeat(reading.form, fact.received)

    def _correct(self, name: str, saying: Saying) -> None:
        """Carry one command out."""
        lead, at, forgets, reason = self._commands[name]
        if forgets:
            self._forget(name, lead, at, saying)
        else:
            self._take_back(name, UnmergeLead(lead, reason), at, saying)

    def _forget(self, name: str, lead_id: str, at: Instant, saying: Saying) -> None:
        expected, directory = self.expected, self.expected.directory
        home = directory.leads[directory.profiles[lead_id].lead]
        if home.erased is not None:
            expected.replies[name] = {"lead": home.id, "profiles": 0}
            return
        identifier = Identifier(IdentifierKind.LEAD, lead_id)
        fact = Fact(correction_id(name), "erasure", at, ErasePerson(identifier))
        erased, emissions, story = on_erasure(directory, home.id, at=at, cause=fact.id)
        profiles = {profile.id for profile in erased.profiles}
        keys = {
            hash_.encode()
            for hash_, profile in directory.profiles_of_identifiers.items()
            if profile in profiles
        }
        for record_id, message in list(expected.quarantine.items()):
            if message.key in keys:
                del expected.quarantine[record_id]
        expected.story = Counter(
            {row: count for row, count in expected.story.items() if row.profile not in profiles}
        )
        expected.story.update(story)
        expected.likenesses = {k: one for k, one in expected.likenesses.items() if one not in profiles}
        for conflict, (_, _, profile) in list(expected.conflicts.items()):
            if profile in profiles or self._others.get(conflict) in profiles:
                del expected.conflicts[conflict]
        saying.add(emissions, fact)
        expected.replies[name] = {"lead": home.id, "profiles": len(profiles)}

    def _take_back(self, name: str, command: UnmergeLead, at: Instant, saying: Saying) -> None:
        expected, directory, lead = self.expected, self.expected.directory, command.lead
        home = directory.profiles[lead].lead
        profiles = [profile.id for profile in find_homecomers(directory, lead)]
        identifiers = {
            hash_: IdentifierKind(expected.kinds[hash_])
            for hash_, profile in directory.profiles_of_identifiers.items()
            if profile in profiles
        }
        fact = Fact(correction_id(name), lead, at, command)
        try:
            emissions, story = self._unmerging.on_unmerge(
                directory, command, identifiers, at=at, cause=fact.id
            )
        except Rejected as refused:
            expected.faults.append(f"command: {name} took effect, should be refused: {refused}")
            return
        verdicts, lines = self._judging.rejudge(
            directory, [home, lead], at=at, cause=fact.id, first=len(emissions)
        )
        expected.story.update([*story, *lines])
        saying.add([*emissions, *verdicts], fact)
        expected.replies[name] = {"lead": lead, "from_lead": home, "profiles": profiles}

    def _read(self, entry: Entry, saying: Saying) -> list[Arrived]:
        arrived: list[Arrived] = []
        for tp, record, is_repeat in self._reader.records(entry):
            tally = self.expected.tally_of(tp)
            if tp.topic == CONTACTS.name:
                self.expected.repeats += is_repeat
                if is_repeat:
                    tally.duplicate += 1
                    late = self._resolver.heal(record)
                    assert late is not None
                    arrived.append(Arrived(late, record, None))
                else:
                    tally.processed += 1
                continue
            try:
                fact = self._resolver.read(record)
            except Verdict as error:
                tally.dead += 1
                saying.bury(bury(record, error))
                continue
            assert fact is not None
            assert isinstance(fact.event, RawFact)
            reading = self._raw.on_raw_received(fact.event.raw, record_id=fact.id, received=fact.received)
            assert not isinstance(reading, Errand)  # nothing in its traffic comes by a hook
            arrived.append(Arrived(fact, record, reading))
        return arrived

    def _take_in(self, fact: Fact, intake: Intake, saying: Saying) -> Rejected | None:
        expected = self.expected
        try:
            emissions = self._on_intake(expected.directory, intake, cause=fact.id)
        except PersonErased as refused:
            expected.directory.undo_fact()
            return refused
        except Exception:  # noqa: BLE001 - whatever the domain does, it does only to this message
            expected.directory.undo_fact()
            return Rejected("the message could not be taken in", code=BUG_CODE)
        for identifier in (*intake.anchors, *intake.anonymous):
            expected.kinds.setdefault(identifier.hash, identifier.kind.value)
        expected.merges += len(
            {one.event.from_lead for one in emissions if isinstance(one.event, LeadMerged)}
        )
        saying.add(emissions, fact)
        expected.story.update(tell_story(expected.directory, intake, emissions, cause=fact.id))
        doubts = list(expected.directory.doubts)
        for alike in expected.directory.alike:
            first = expected.likenesses.setdefault(alike.key, alike.profile)
            if first != alike.profile:
                doubts.append(Doubt(alike.reason, "likeness", alike.key, alike.profile, first))
        for doubt in doubts:
            self._others[doubt.id] = doubt.other
            expected.conflicts.setdefault(doubt.id, (doubt.reason.value, fact.id, doubt.profile))
        return None

    def _retell(self, lead_id: str, at: Instant) -> Emission:
        directory = self.expected.directory
        home = directory.profiles.get(lead_id)
        lead = directory.leads.get(lead_id, Lead(id=lead_id))
        return retell_contact(lead, lives_with="" if home is None else home.lead, at=at)


def correction_id(name: str) -> str:
    """Return the id of the fact that a command is."""
    return deterministic_id("command", "ingest", name)


async def load_corrections(database: Database) -> dict[str, Correction]:
    """Return the commands that took effect, by idempotency key; the key names the lead and what was asked."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT idempotency_key, received FROM command")
    named = [(row["idempotency_key"], row["received"]) for row in rows]
    return {
        name: Correction(name.split(":")[1], received, forgets=name.endswith(":forget"))
        for name, received in named
    }


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
        conflicts = await connection.fetch("SELECT id, reason, cause, profile FROM conflict")
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
        "conflict",
        {row["id"]: (row["reason"], row["cause"].hex(), row["profile"]) for row in conflicts},
        expected.conflicts,
        differences,
    )
    compare_maps(
        "contact",
        {row["lead"]: (row["email"], row["phone"]) for row in contacts},
        {
            lead.id: (lead.contact.text("email"), lead.contact.text("phone"))
            for lead in directory.leads.values()
            if lead.contact.version
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
    for line in (story - expected.story) + (expected.story - story):
        differences.add("story", f"{line} is there {story[line]} times, should be {expected.story[line]}")


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
