"""All five services folded, each over what those before it said; what they should have said is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from services.ingest.domain.erasure import ErasePerson
from services.ingest.domain.identity.merging import UnmergeLead
from services.nurture.domain.learnt import RecordResults
from services.nurture.domain.messages import FAILED, SENDING, SENT, UNCONFIRMED
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.topics import (
    ASSIGNMENTS,
    BEHAVIOUR,
    LEADS,
    NURTURE,
    OUTCOMES,
    TIER_CHANGES,
)
from shared.kernel.changes import Fact
from shared.log.port import Record, TopicPartition
from tests.failure.on_chain.oracle.locked import CommandTaken
from tests.failure.on_chain.oracle.nurture import NurtureExpected, NurtureReplay
from tests.failure.on_chain.oracle.routing import RoutingExpected, replay_routing
from tests.failure.on_services.oracle.commands import Correction
from tests.failure.on_services.oracle.ingest import IngestExpected, IngestReplay
from tests.failure.on_services.oracle.inputs import Expected
from tests.failure.on_services.oracle.saying import compare_said
from tests.failure.on_services.oracle.scoring import ScoringExpected, ScoringReplay
from tests.failure.on_services.surroundings.topics import SAID
from tests.failure.oracle.comparison import Differences
from tests.failure.oracle.journal import Entry
from tests.journeys.fortnight.recording import Journals
from tests.unit.analytics.oracle import Oracle
from tests.unit.analytics.telling import Told

HANDED_OVER: Final = frozenset({SENT, FAILED, UNCONFIRMED})
Log = Mapping[TopicPartition, Sequence[Record]]

_REPORTED: Final = (LEADS, BEHAVIOUR, OUTCOMES, TIER_CHANGES, ASSIGNMENTS, NURTURE)


class _IngestFold(IngestReplay):
    """Ingest's replay, of the commands that were journaled."""

    def __init__(self, log: Log, commands: Mapping[str, Fact], *, identity_key: bytes) -> None:
        asked = {
            name: Correction(fact.received, fact.event)
            for name, fact in commands.items()
            if isinstance(fact.event, UnmergeLead | ErasePerson)
        }
        super().__init__(log, asked, identity_key=identity_key)


class _NurtureFold(NurtureReplay):
    """Nurture's replay. What senders take is no fact: it is known by what they record of it.

    Simulated time lets them send while nothing else goes on, so nothing can have come between.
    """

    def _take(self, entry: Entry) -> None:
        command = self._commands[entry.command].command
        assert isinstance(command, RecordResults)
        messages = self.expected.desk.messages
        for result in command.results:
            message = messages.find(result.message)
            if message is not None and result.state in HANDED_OVER:
                messages.put(message.id, msgspec.structs.replace(message, state=SENDING))
        super()._take(entry)


@dataclass(slots=True, kw_only=True)
class Folded:
    """What everything comes to, and in what that differs from what was said."""

    ingest: IngestExpected
    scoring: ScoringExpected
    routing: RoutingExpected
    nurture: NurtureExpected
    told: Sequence[Told]
    analytics: Oracle
    differences: Differences = field(default_factory=Differences)


def fold(log: Log, journals: Journals, *, identity_key: bytes) -> Folded:
    """Fold every service's own records, in the order in which it committed.

    What each says is compared with the log, record by record, so it does not matter that the next one
    reads the log.
    """
    folded = Folded(
        ingest=_IngestFold(log, journals.commands["ingest"], identity_key=identity_key).run(
            journals.ordered("ingest").entries
        ),
        scoring=ScoringReplay(log).run(journals.ordered("scoring").entries),
        routing=replay_routing(log, _taken(journals, "routing")).run(journals.ordered("routing").entries),
        nurture=_NurtureFold(log, _taken(journals, "nurture")).run(journals.ordered("nurture").entries),
        told=(told := _told(log)),
        analytics=Oracle(told),
    )
    services: Mapping[str, Expected] = {
        "ingest": folded.ingest,
        "scoring": folded.scoring,
        "routing": folded.routing,
        "nurture": folded.nurture,
    }
    for service, expected in services.items():
        folded.differences.lines += [*journals.ordered(service).faults, *expected.faults]
        repeats = compare_said(
            expected.said, log, service=service, topics=SAID[service], differences=folded.differences
        )
        if repeats:
            folded.differences.add("double", f"{service} said {repeats} records twice")
    return folded


def _taken(journals: Journals, service: str) -> dict[str, CommandTaken]:
    return {
        key: CommandTaken(fact.key, fact.event, fact.received)
        for key, fact in journals.commands[service].items()
    }


def _told(log: Log) -> list[Told]:
    """Return every event that analytics hears of."""
    names = {topic.name for topic in _REPORTED}
    told = []
    for tp in sorted(log):
        for record in log[tp] if tp.topic in names else ():
            envelope = decode_envelope(record.value or b"")
            event = decode_event(envelope)
            told.append(
                Told(
                    id=envelope.id,
                    event=event,
                    occurred=envelope.occurred,
                    received=envelope.received,
                    key=getattr(event, "profile", envelope.partitionkey),
                )
            )
    return told
