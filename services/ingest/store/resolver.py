"""The resolver: the stage that turns the raw topic into leads, behaviour and contacts.

Identifiers and leads are shared between partitions, so everything happens inside the batch's
transaction. What a message says is read before any row is touched; what it means is decided by pure
functions that are handed in, one message after the other in the order of the log.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from services.ingest.domain.admission.quarantine import Quarantined
from services.ingest.domain.dialects.hooks import Errand
from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.evidence.bursts import RecentAct
from services.ingest.domain.identifiers import Identifier, IdentifierKind
from services.ingest.domain.identity.rules import MatchRules
from services.ingest.domain.intake import ERASED, Intake, Refusal
from services.ingest.domain.story import StoryRow
from services.ingest.domain.validity.judging import WordHeard
from services.ingest.store.desk.heard import Heard, save_heard
from services.ingest.store.directory_rows import (
    claim_messages,
    load_directory,
    release_messages,
    save_directory,
)
from services.ingest.store.hooks.errands import save_errands
from services.ingest.store.identity.findings import Findings
from services.ingest.store.quarantine import save_quarantined
from services.ingest.store.resolving.ports import (
    CarryOut,
    Hear,
    OnWordHeard,
    Reading,
    ReadRaw,
    ResolverMeter,
    RetellContact,
    TakeIn,
    TellStory,
    WatchBursts,
)
from services.ingest.store.sources import Ending, add_resolved
from services.ingest.store.story import save_story
from services.ingest.store.validity.recent_acts import load_recent_acts, save_recent_acts
from shared.contracts.envelope import Envelope, decode_envelope, decode_event
from shared.contracts.events.raw import RawReceived
from shared.contracts.topics import (
    ASSIGNMENTS,
    BEHAVIOUR,
    CONTACTS,
    DEAD_LETTERS,
    ERASURES,
    LEADS,
    OUTCOMES,
    RAW,
)
from shared.kernel.changes import Emission, Fact
from shared.kernel.errors import BUG_CODE, Rejected
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import MILLISECOND
from shared.log.port import Record
from shared.postgres.database import Transaction
from shared.processor.stage import Decision, Outcome
from shared.telemetry.logging import get_logger

_ID: Final = re.compile("[0-9a-f]{32}")
_SLICE_SECONDS: Final = 0.02
_MESSAGES_BETWEEN_LOOKS: Final = 32

logger = get_logger(__name__)


class RawFact(NamedTuple):
    """A raw record with its untouched bytes, should it have to be kept."""

    raw: RawReceived
    key: bytes
    record: bytes
    partition: int


class Stumbled(NamedTuple):
    """A message over which our own reader fell."""


class LateContact(NamedTuple):
    """A record of the topic contacts that came after a later one of its lead."""

    lead: str


class Resolver:
    """A shared stage of the processor (``shared.processor.stage.SharedStage``)."""

    name: Final = "ingest"
    group: Final = "ingest"
    topics: Final = (RAW.name, CONTACTS.name, ASSIGNMENTS.name, ERASURES.name)
    outputs: Final = (LEADS.name, BEHAVIOUR.name, OUTCOMES.name, CONTACTS.name, ERASURES.name)
    mirrors: Final = (CONTACTS.name,)
    dead_letters: Final = DEAD_LETTERS["ingest"].name
    keeps_receipts: Final = True
    sets_timers: Final = False

    def __init__(
        self,
        *,
        read_raw: ReadRaw,
        take_in: TakeIn,
        watch_bursts: WatchBursts,
        tell_story: TellStory,
        command: CarryOut,
        retell_contact: RetellContact,
        hear: Hear,
        on_word_heard: OnWordHeard,
        rules: MatchRules,
        meter: ResolverMeter,
    ) -> None:
        self._read_raw = read_raw
        self._take_in = take_in
        self._watch_bursts = watch_bursts
        self._tell_story = tell_story
        self._command = command
        self._retell_contact = retell_contact
        self._hear = hear
        self._on_word_heard = on_word_heard
        self._rules = rules
        self._meter = meter

    def read(self, record: Record) -> Fact | None:
        """Return the message in a record of the raw topic, or what another service's event tells.

        :raises Rejected: if the record is no event of ours.
        """
        value = record.value
        if value is None:
            return None
        envelope = decode_envelope(value)
        if record.topic != RAW.name:
            heard = self._hear(envelope)
            if heard is None:
                return None
            return Fact(envelope.id, heard.lead, envelope.received, heard, *_origin_of(envelope))
        if _ID.fullmatch(envelope.id) is None:
            raise Rejected("a raw record's id has 32 hexadecimal digits", code="contract.malformed")
        event = decode_event(envelope)
        if not isinstance(event, RawReceived):
            raise Rejected("the raw topic holds raw records only", code="contract.unknown_type")
        raw = RawFact(event, record.key or b"", value, record.partition)
        return Fact(envelope.id, envelope.partitionkey, envelope.received, raw, *_origin_of(envelope))

    def heal(self, record: Record) -> Fact | None:
        """Return the fact that makes the contact be said again, for a record that came late."""
        lead = (record.key or b"").decode("utf-8", "replace")
        identity = deterministic_id("late_contact", record.topic, str(record.partition), str(record.offset))
        return Fact(identity, lead, record.timestamp * MILLISECOND, LateContact(lead), identity)

    async def apply(self, transaction: Transaction, facts: Sequence[Fact]) -> Sequence[Decision]:
        """Lock, load, decide and write; one decision per fact, in order. A command comes by itself.

        :raises WriteConflict: if a profile moved meanwhile; it is tried again.
        """
        if not isinstance(facts[0].event, RawFact | LateContact | Heard):
            return [await self._command(transaction, facts[0])]
        readings = await self._read_all(facts)
        received = {
            fact.id: fact.received
            for fact, reading in zip(facts, readings, strict=True)
            if isinstance(reading, Intake | Errand)
        }
        unseen = await claim_messages(transaction, received) if received else set()
        claimed = frozenset(unseen)
        new = [
            (fact, reading)
            for fact, reading in zip(facts, readings, strict=True)
            if isinstance(reading, Intake) and fact.id in unseen
        ]
        findings = await Findings.begin(transaction, new, seconds=self._rules.same_form_seconds)
        late = {fact.event.lead for fact in facts if isinstance(fact.event, LateContact)}
        wanted = [identifier for _, reading in new for identifier in reading.identifiers]
        words = (fact.event.lead for fact in facts if isinstance(fact.event, WordHeard))
        wanted += [Identifier(IdentifierKind.LEAD, lead) for lead in words]
        directory, fresh = await load_directory(transaction, wanted, leads=late)
        await findings.load_companies(transaction, directory)
        kept_acts = await self._load_recent_acts(transaction, directory, readings)
        story: list[StoryRow] = []
        decisions, of_no_effect = await self._decide(facts, readings, unseen, directory, findings, story)
        await save_directory(transaction, directory, fresh=fresh)
        await findings.save(transaction, directory)
        acts = {act for acts in directory.recent_acts.values() for act in acts}
        await save_recent_acts(transaction, acts - kept_acts)
        await save_story(transaction, story)
        await self._save_what_failed(transaction, facts, readings)
        await self._count(transaction, facts, readings, decisions)
        await self._save_errands(transaction, facts, readings, unseen=claimed)
        await save_heard(transaction, facts)
        if of_no_effect:
            await release_messages(transaction, of_no_effect)
        return decisions

    async def _read_all(self, facts: Sequence[Fact]) -> list[Reading | Stumbled | None]:
        """Read every message, giving way to other tasks every 20 ms."""
        readings: list[Reading | Stumbled | None] = []
        pace = _Pace()
        for fact in facts:
            await pace.step()
            if isinstance(fact.event, RawFact):
                readings.append(self._read_one(fact, fact.event.raw))
            else:
                readings.append(None)
        return readings

    def _read_one(self, fact: Fact, raw: RawReceived) -> Reading | Stumbled:
        """Read one message; one that fails by a bug of ours hurts only itself."""
        try:
            return self._read_raw(raw, record_id=fact.id, received=fact.received)
        except Exception:  # becomes a dead letter; the others must go on
            logger.exception("message_unreadable", record_id=fact.id)
            return Stumbled()

    async def _decide(
        self,
        facts: Sequence[Fact],
        readings: list[Reading | Stumbled | None],
        unseen: set[str],
        directory: Directory,
        findings: Findings,
        story: list[StoryRow],
    ) -> tuple[list[Decision], list[str]]:
        """Take the messages in, one after the other; one that turns out to be of no use is marked so.

        Returns the decisions, and the messages that were claimed and took no effect.
        """
        decisions: list[Decision] = []
        of_no_effect: list[str] = []
        pace = _Pace()
        repeats = 0
        for index, fact in enumerate(facts):
            await pace.step()
            reading = readings[index]
            if isinstance(reading, Refusal):
                self._meter.quarantined(reading.code)
                decisions.append(Decision(Outcome.QUARANTINED))
            elif isinstance(reading, Stumbled):
                bug = Rejected("the message could not be read; report the bug", code=BUG_CODE)
                decisions.append(Decision(Outcome.DEAD, error=bug))
            elif isinstance(fact.event, WordHeard):
                said, lines = self._on_word_heard(directory, fact.event, at=fact.received, cause=fact.id)
                story += lines
                decisions.append(Decision(Outcome.PROCESSED, said))
            elif isinstance(fact.event, Heard):
                decisions.append(Decision(Outcome.PROCESSED))
            elif reading is None:
                decisions.append(Decision(Outcome.PROCESSED, self._retell(directory, fact)))
            elif fact.id not in unseen:
                repeats += 1
                decisions.append(Decision(Outcome.DUPLICATE))
            else:
                unseen.discard(fact.id)
                if isinstance(reading, Errand):
                    decisions.append(Decision(Outcome.PROCESSED))
                    continue
                if reading.form and findings.forms.is_repeat(reading.form, fact.received):
                    repeats += 1
                    decisions.append(Decision(Outcome.DUPLICATE))
                    continue
                decision = self._decide_one(directory, fact, reading, story)
                if isinstance(decision, Refusal):
                    readings[index] = decision
                    self._meter.quarantined(decision.code)
                    decision = Decision(Outcome.QUARANTINED)
                if decision.outcome is Outcome.PROCESSED:
                    findings.note(directory, fact, reading)
                else:
                    of_no_effect.append(fact.id)
                decisions.append(decision)
        self._meter.repeated(repeats)
        return decisions, of_no_effect

    def _decide_one(
        self, directory: Directory, fact: Fact, intake: Intake, story: list[StoryRow]
    ) -> Decision | Refusal:
        """Take one message in; one that fails by a bug of ours hurts only itself."""
        try:
            emissions = self._take_in(directory, intake, cause=fact.id)
            story += self._tell_story(directory, intake, emissions, cause=fact.id)
            return Decision(Outcome.PROCESSED, emissions)
        except Rejected as refused:
            directory.undo_fact()
            if refused.reason == ERASED:
                self._meter.suppressed()
                return Decision(Outcome.PROCESSED)
            return Refusal(refused.reason)
        except Exception:  # becomes a dead letter; the others must go on
            directory.undo_fact()
            logger.exception("message_failed", record_id=fact.id)
            bug = Rejected("the message could not be taken in; report the bug", code=BUG_CODE)
            return Decision(Outcome.DEAD, error=bug)

    def _retell(self, directory: Directory, fact: Fact) -> Sequence[Emission]:
        assert isinstance(fact.event, LateContact)
        lead_id = fact.event.lead
        lead = directory.leads.get(lead_id, Lead(id=lead_id))
        home = directory.profiles.get(lead_id)
        lives_with = "" if home is None else home.lead
        return [self._retell_contact(lead, lives_with=lives_with, at=fact.received)]

    async def _load_recent_acts(
        self,
        transaction: Transaction,
        directory: Directory,
        readings: Sequence[Reading | Stumbled | None],
    ) -> frozenset[RecentAct]:
        """Load what may make a burst together with what comes; mostly there is nothing to be loaded."""
        spans = [
            (profile, reading.occurred - span, reading.occurred + span)
            for reading in readings
            if isinstance(reading, Intake) and (span := self._watch_bursts(reading))
            for one in reading.identifiers
            if (profile := directory.profiles_of_identifiers.get(one.hash)) is not None
        ]
        return await load_recent_acts(transaction, directory, spans) if spans else frozenset()

    async def _save_errands(
        self,
        transaction: Transaction,
        facts: Sequence[Fact],
        readings: Sequence[Reading | Stumbled | None],
        *,
        unseen: Collection[str],
    ) -> None:
        errands = [
            (fact.id, fact.event.raw.source, reading, fact.received)
            for fact, reading in zip(facts, readings, strict=True)
            if isinstance(reading, Errand) and isinstance(fact.event, RawFact) and fact.id in unseen
        ]
        await save_errands(transaction, errands)

    async def _save_what_failed(
        self,
        transaction: Transaction,
        facts: Sequence[Fact],
        readings: Sequence[Reading | Stumbled | None],
    ) -> None:
        quarantined = [
            Quarantined(
                *(fact.id, fact.event.raw.source, reading.code),
                *(fact.received, fact.event.key, fact.event.record),
            )
            for fact, reading in zip(facts, readings, strict=True)
            if isinstance(reading, Refusal) and isinstance(fact.event, RawFact)
        ]
        await save_quarantined(transaction, quarantined)

    async def _count(
        self,
        transaction: Transaction,
        facts: Sequence[Fact],
        readings: Sequence[Reading | Stumbled | None],
        decisions: Sequence[Decision],
    ) -> None:
        """Count by source what became of the messages, as their receipts do."""
        ending = Ending()
        for fact, reading, decision in zip(facts, readings, decisions, strict=True):
            if isinstance(fact.event, RawFact):
                ending.add(
                    fact.event.raw.source,
                    fact.event.partition,
                    outcome=decision.outcome.value,
                    code=reading.code if isinstance(reading, Refusal) else "",
                    received=fact.received,
                )
        await add_resolved(transaction, ending.rows, group=self.group, topic=RAW.name)


def _origin_of(envelope: Envelope) -> tuple[str, str | None]:
    return envelope.correlationid, envelope.traceparent


class _Pace:
    """Lets other tasks of the process run between messages."""

    __slots__ = ("_count", "_end", "_time")

    def __init__(self) -> None:
        self._time = asyncio.get_running_loop().time
        self._end = self._time() + _SLICE_SECONDS
        self._count = 0

    async def step(self) -> None:
        """Give way if 20 ms have gone by."""
        self._count += 1
        if self._count % _MESSAGES_BETWEEN_LOOKS == 0 and self._time() > self._end:
            await asyncio.sleep(0)
            self._end = self._time() + _SLICE_SECONDS
