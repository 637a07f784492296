"""What must hold of every message by itself: it took effect once, and behind those that came before it.

Nothing of the journal is used here: only the raw topic and what ingest said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from services.ingest.bootstrap import build_resolver
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.domain.intake import Intake
from services.ingest.handlers.reading import RawReader
from services.ingest.metrics import IngestMetrics
from services.ingest.store.documents import read_rulebook
from services.ingest.store.resolver import RawFact
from shared.contracts.envelope import decode_envelope
from shared.contracts.topics import BEHAVIOUR, LEADS, RAW, TIER_CHANGES
from shared.kernel.errors import Verdict
from shared.kernel.instants import SECOND, Instant
from shared.log.port import Record, TopicPartition
from tests.failure.on_services.worker import CONFIG, IDENTITY_KEY
from tests.failure.oracle.comparison import Differences
from tests.failure.oracle.replay import sequence_of

Log = Mapping[TopicPartition, Sequence[Record]]


@dataclass(slots=True)
class Messages:
    """The usable messages: where each first lies, which tell an act, and which forms came when.

    Of a form with the same values within ``window`` only one tells its act (a double click).
    """

    window: int
    places: dict[str, tuple[TopicPartition, int]] = field(default_factory=dict)
    acts: set[str] = field(default_factory=set)
    forms: dict[str, tuple[str, Instant]] = field(default_factory=dict)

    def find_repeated(self, told: Collection[str]) -> set[str]:
        """Return the forms of which another, one of ``told``, came within the window."""
        heard: dict[str, list[tuple[str, Instant]]] = {}
        for message, (form, received) in self.forms.items():
            if message in told:
                heard.setdefault(form, []).append((message, received))
        return {
            message
            for message, (form, received) in self.forms.items()
            for other, at in heard.get(form, ())
            if other != message and abs(received - at) <= self.window
        }


def first_records(log: Log, *topics: str) -> list[Record]:
    """Return what was said, each once, partition by partition in order of its sequence."""
    found: dict[tuple[TopicPartition, int], Record] = {}
    for tp, records in log.items():
        if tp.topic in topics:
            for record in records:
                numbered = sequence_of(record)
                if numbered is not None:
                    found.setdefault((tp, numbered[1]), record)
    return [found[place] for place in sorted(found)]


def check_effects(
    log: Log, differences: Differences, *, corrections: Collection[str], suppressed: Collection[str] = ()
) -> None:
    """Check every message of the raw topic against the events that name it as their cause.

    ``corrections`` are the ids of commands and of what others said, the other causes there are;
    ``suppressed`` the messages about people who had been forgotten, of whom nothing more is said. A form may
    tell nothing if the same took effect within the window; which of the two it has to be is the replay's to
    say.
    """
    messages = _read_messages(log)
    places = messages.places
    ids: Counter[str] = Counter()
    done: Counter[str] = Counter()
    reached: dict[tuple[TopicPartition, TopicPartition], int] = {}
    for record in first_records(log, LEADS.name, BEHAVIOUR.name):
        envelope = decode_envelope(record.value or b"")
        ids[envelope.id] += 1
        cause = envelope.causationid or ""
        if cause in corrections:
            continue
        if cause not in places:
            differences.add("unexplained", f"{record.topic} has {envelope.id}, caused by no message: {cause}")
            continue
        done[cause] += record.topic == BEHAVIOUR.name
        raw, offset = places[cause]
        way = (raw, TopicPartition(record.topic, record.partition))
        if offset < reached.get(way, 0):
            differences.add("reordered", f"{envelope.id} overtook what came before it in raw/{raw.partition}")
        reached[way] = max(offset, reached.get(way, 0))
    for record in first_records(log, TIER_CHANGES.name):
        ids[decode_envelope(record.value or b"").id] += 1
    for identity, count in ids.items():
        if count > 1:
            differences.add("double", f"event {identity} was said {count} times")
    repeated = messages.find_repeated({one for one in places if done[one] or one in suppressed})
    for message in places:
        ought = message in messages.acts and message not in suppressed
        if done[message] != ought and not (done[message] == 0 and message in repeated):
            kind = "lost" if ought else "double"
            differences.add(kind, f"message {message} led to {done[message]} acts")


def _read_messages(log: Log) -> Messages:
    """Return the usable messages of the raw topic."""
    resolver = build_resolver(CONFIG, identity_key=IDENTITY_KEY, metrics=IngestMetrics(CollectorRegistry()))
    rulebook = read_rulebook(CONFIG / "ingest", default_region="CN")
    reader = RawReader(rulebook, hash_identifier=identifier_hasher(IDENTITY_KEY))
    messages = Messages(window=rulebook.matching.same_form_seconds * SECOND)
    for tp, records in log.items():
        if tp.topic != RAW.name:
            continue
        for record in records:
            try:
                fact = resolver.read(record)
            except Verdict:
                continue
            if fact is None or fact.id in messages.places or not isinstance(fact.event, RawFact):
                continue
            reading = reader.on_raw_received(fact.event.raw, record_id=fact.id, received=fact.received)
            if isinstance(reading, Intake):
                messages.places[fact.id] = (tp, record.offset)
                if reading.act is not None:
                    messages.acts.add(fact.id)
                if reading.form:
                    messages.forms[fact.id] = (reading.form, fact.received)
    return messages
