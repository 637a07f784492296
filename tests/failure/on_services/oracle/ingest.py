"""Ingest's oracle: its pure domain folded over the raw records in one directory, in the journaled order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from services.ingest.bootstrap import build_resolver
from services.ingest.domain.desk.corrections import Note
from services.ingest.domain.desk.owners import OwnerHeard
from services.ingest.domain.dialects.hooks import Errand
from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.erasure import RemovalHeard
from services.ingest.domain.evidence.doubts import Doubt, Likeness
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.domain.identity.repeats import FormWindow
from services.ingest.domain.intake import ERASED, Intake, Refusal
from services.ingest.domain.story import StoryRow
from services.ingest.domain.tag_rules.rules import TagRules
from services.ingest.domain.validity.judging import Judge, WordHeard
from services.ingest.handlers.judging import Judging
from services.ingest.handlers.reading import RawReader
from services.ingest.handlers.resolution import IntakeHandler, retell_contact
from services.ingest.handlers.settling import Settling
from services.ingest.handlers.story import tell_story
from services.ingest.handlers.tags.tagging import Tagging
from services.ingest.handlers.unmerging import Unmerging
from services.ingest.metrics import IngestMetrics
from services.ingest.store.documents import read_rulebook
from services.ingest.store.resolver import LateContact, RawFact
from shared.contracts.events.leads import LeadMerged
from shared.contracts.topics import CONTACTS
from shared.kernel.changes import Emission, Fact
from shared.kernel.errors import BUG_CODE, Rejected, Verdict
from shared.kernel.instants import Instant
from shared.log.port import Record, TopicPartition
from tests.failure.on_services.oracle.commands import CommandFold, Correction, removed_in
from tests.failure.on_services.oracle.inputs import Expected, Reader, bury
from tests.failure.on_services.oracle.saying import Saying
from tests.failure.on_services.worker import CONFIG, IDENTITY_KEY
from tests.failure.oracle.journal import Entry


class Kept(NamedTuple):
    """A message in quarantine."""

    source: str
    code: str
    received: Instant
    key: bytes
    record: bytes
    tries: int


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
    merges: int = 0
    replies: dict[str, object] = field(default_factory=dict)
    owners: dict[str, str | None] = field(default_factory=dict)
    doubts: dict[str, tuple[str, Doubt]] = field(default_factory=dict)
    """By id: the message that left it, and what it is."""
    likenesses: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)
    """What others said that changed a lead."""
    suppressed: set[str] = field(default_factory=set)
    """Messages about people who had been forgotten: they take no effect."""


class IngestReplay:
    """Replays ingest's journal; call :meth:`run` once.

    ``commands`` are the merges taken back, the people forgotten and the leads put right.
    """

    def __init__(
        self,
        log: Mapping[TopicPartition, Sequence[Record]],
        commands: Mapping[str, Correction],
        *,
        identity_key: bytes = IDENTITY_KEY,
    ) -> None:
        self.expected = IngestExpected()
        self._reader = Reader(log)
        self._resolver = build_resolver(
            CONFIG, identity_key=identity_key, metrics=IngestMetrics(CollectorRegistry())
        )
        rulebook = read_rulebook(CONFIG / "ingest", default_region="CN")
        hasher = identifier_hasher(identity_key)
        self._raw = RawReader(rulebook, hash_identifier=hasher)
        self._judging = Judging(Judge(rulebook.validity, rulebook.identity, hash_identifier=hasher))
        self._tagging = Tagging(
            TagRules(rulebook.tags),
            taking_in=IntakeHandler(
                rulebook.matching, hash_identifier=hasher, judge=self._judging.on_message
            ),
            unmerging=Unmerging(hasher),
            settling=Settling(rulebook.matching),
        )
        self._on_intake = self._judging.with_bursts(self._tagging.on_intake)
        self._commands = CommandFold(
            self.expected, commands, tagging=self._tagging, judging=self._judging, removed=removed_in(log)
        )
        self._forms = FormWindow({}, seconds=rulebook.matching.same_form_seconds)

    def run(self, entries: Sequence[Entry]) -> IngestExpected:
        """Fold every transaction, in this order."""
        for entry in entries:
            saying = Saying("ingest")
            if entry.command:
                self._commands.carry_out(entry.command, saying)
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
        alike: list[tuple[str, Likeness]] = []
        buried_late = []
        for one in arrived:
            tp = TopicPartition(one.record.topic, one.record.partition)
            tally = self.expected.tally_of(tp)
            fact, reading = one.fact, one.reading
            if reading is None:
                tally.processed += self._hear(fact, saying)
            elif isinstance(reading, Refusal):
                tally.quarantined += 1
                kept[fact.id] = _kept(fact, reading.code)
            elif fact.id not in unseen:
                tally.duplicate += 1
            else:
                unseen.discard(fact.id)
                assert isinstance(reading, Intake)
                if reading.form and self._forms.is_repeat(reading.form, fact.received):
                    tally.duplicate += 1
                    continue
                error = self._take_in(fact, reading, saying)
                if error is None or error.reason == ERASED:
                    tally.processed += 1
                    alike += self._note(fact, reading)
                    if error is not None:
                        self.expected.suppressed.add(fact.id)
                    continue
                claimed.discard(fact.id)
                if error.reason == BUG_CODE:
                    tally.dead += 1
                    buried_late.append(bury(one.record, error))
                else:
                    tally.quarantined += 1
                    kept[fact.id] = _kept(fact, error.reason)
        saying.buried += buried_late
        self._compare_alike(alike)
        self._keep(kept)
        for record_id in claimed:
            self.expected.seen[record_id] = received[record_id]

    def _keep(self, kept: Mapping[str, Kept]) -> None:
        for record_id, message in kept.items():
            before = self.expected.quarantine.get(record_id)
            tries = 1 if before is None else before.tries + 1
            first = message if before is None else before
            self.expected.quarantine[record_id] = first._replace(code=message.code, tries=tries)

    def _note(self, fact: Fact, intake: Intake) -> list[tuple[str, Likeness]]:
        """Note what a message that took effect leaves for people to look at, and return its likenesses."""
        directory = self.expected.directory
        if intake.form:
            self._forms.note(intake.form, fact.received)
        for doubt in directory.doubts:
            self.expected.doubts.setdefault(doubt.id, (fact.id, doubt))
        return [(fact.id, alike) for alike in directory.alike]

    def _compare_alike(self, found: Sequence[tuple[str, Likeness]]) -> None:
        """A batch is over: note who is like the first who had the same."""
        first = self.expected.likenesses
        for _, alike in found:
            first.setdefault(alike.key, alike.profile)
        for cause, alike in found:
            if first[alike.key] != alike.profile:
                doubt = Doubt(alike.reason, "likeness", alike.key, alike.profile, first[alike.key])
                self.expected.doubts.setdefault(doubt.id, (cause, doubt))

    def _hear(self, fact: Fact, saying: Saying) -> bool:
        """Answer a late contact, or take somebody's word in sales; return whether it counts as processed.

        What came late was counted as a repeat when it was read.
        """
        if isinstance(fact.event, LateContact):
            saying.add([self._retell(fact.event.lead, fact.received)], fact)
            return False
        assert isinstance(fact.event, WordHeard)
        verdicts, lines = self._judging.on_word_heard(
            self.expected.directory, fact.event, at=fact.received, cause=fact.id
        )
        self.expected.heard.add(fact.id)
        self.expected.story.update(lines)
        saying.add(verdicts, fact)
        return True

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
            if is_repeat:
                self.expected.repeats += 1
                tally.duplicate += 1
                continue
            try:
                fact = self._resolver.read(record)
            except Verdict as error:
                tally.dead += 1
                saying.bury(bury(record, error))
                continue
            if fact is None or isinstance(fact.event, OwnerHeard | RemovalHeard):
                tally.processed += 1
                if fact is not None and isinstance(fact.event, OwnerHeard):
                    self.expected.owners[fact.event.lead] = fact.event.rep
                continue
            if isinstance(fact.event, WordHeard):
                arrived.append(Arrived(fact, record, None))
                continue
            assert isinstance(fact.event, RawFact)
            reading = self._raw.on_raw_received(fact.event.raw, record_id=fact.id, received=fact.received)
            assert not isinstance(reading, Errand)  # nothing in its traffic comes by a hook
            arrived.append(Arrived(fact, record, reading))
        return arrived

    def _take_in(self, fact: Fact, intake: Intake, saying: Saying) -> Rejected | None:
        expected = self.expected
        try:
            emissions = self._on_intake(expected.directory, intake, cause=fact.id)
        except Rejected as refused:
            expected.directory.undo_fact()
            return refused
        except Exception:  # noqa: BLE001 - whatever the domain does, it does only to this message
            expected.directory.undo_fact()
            return Rejected("the message could not be taken in", code=BUG_CODE)
        for identifier in intake.identifiers:
            expected.kinds.setdefault(identifier.hash, identifier.kind.value)
        expected.merges += len(
            {one.event.from_lead for one in emissions if isinstance(one.event, LeadMerged)}
        )
        saying.add(emissions, fact)
        expected.story.update(tell_story(expected.directory, intake, emissions, cause=fact.id))
        return None

    def _retell(self, lead_id: str, at: Instant) -> Emission:
        directory = self.expected.directory
        home = directory.profiles.get(lead_id)
        lead = directory.leads.get(lead_id, Lead(id=lead_id))
        return retell_contact(lead, lives_with="" if home is None else home.lead, at=at)


def _kept(fact: Fact, code: str) -> Kept:
    assert isinstance(fact.event, RawFact)
    raw = fact.event
    return Kept(raw.raw.source, code, fact.received, raw.key, raw.record, 0)
