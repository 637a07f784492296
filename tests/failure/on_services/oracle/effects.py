"""What must hold of every message by itself: it took effect once, and behind those that came before it.

Nothing of the journal is used here: only the raw topic and what ingest said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

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
from shared.log.port import Record, TopicPartition
from tests.failure.on_services.worker import CONFIG, IDENTITY_KEY
from tests.failure.oracle.comparison import Differences
from tests.failure.oracle.replay import sequence_of

Log = Mapping[TopicPartition, Sequence[Record]]


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

    ``corrections`` are the ids of commands, the other cause that there is; ``suppressed`` the messages
    about people who had been forgotten, of whom nothing more is said.
    """
    places, acts = _read_messages(log)
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
    for message in places:
        ought = message in acts and message not in suppressed
        if done[message] != ought:
            kind = "lost" if ought else "double"
            differences.add(kind, f"message {message} led to {done[message]} acts")


def _read_messages(log: Log) -> tuple[dict[str, tuple[TopicPartition, int]], set[str]]:
    """Return where each usable message first lies in the raw topic, and which of them tell an act."""
    resolver = build_resolver(CONFIG, identity_key=IDENTITY_KEY, metrics=IngestMetrics(CollectorRegistry()))
    reader = RawReader(
        read_rulebook(CONFIG / "ingest", default_region="CN"), hash_identifier=identifier_hasher(IDENTITY_KEY)
    )
    places: dict[str, tuple[TopicPartition, int]] = {}
    acts: set[str] = set()
    for tp, records in log.items():
        if tp.topic != RAW.name:
            continue
        for record in records:
            try:
                fact = resolver.read(record)
            except Verdict:
                continue
            if fact is None or fact.id in places or not isinstance(fact.event, RawFact):
                continue
            reading = reader.on_raw_received(fact.event.raw, record_id=fact.id, received=fact.received)
            if isinstance(reading, Intake):
                places[fact.id] = (tp, record.offset)
                if reading.act is not None:
                    acts.add(fact.id)
    return places, acts
