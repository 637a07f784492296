"""The stream through the resolver: once in memory, as the oracle, and once through PostgreSQL."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry

from services.ingest.bootstrap import build_resolver
from services.ingest.domain.directory import Directory
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.domain.identity.resolving import resolve
from services.ingest.domain.intake import Intake
from services.ingest.handlers.reading import RawReader
from services.ingest.handlers.resolution import IntakeHandler
from services.ingest.metrics import IngestMetrics
from services.ingest.store.documents import read_rulebook
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.raw import RawReceived
from shared.postgres.database import Database
from tests.operations.identity_stream.judging import Pairs, compare
from tests.operations.identity_stream.traffic import Sent
from tests.services.ingest.arrivals import as_fetched
from tests.unit.ingest.requests import ROOT

_BECAUSE: Final = re.compile(
    r"profile \w+ moves from lead \w+ to \w+: the same"
    r" (external|user|email|phone|number_and_name|anonymous|click|opportunity); .+"
)


@dataclass(slots=True)
class Told:
    """What the fold said: the lead of every request by record id, who is who, and what is doubted."""

    leads: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    """By keyed hash of an identifier, the lead that it leads to."""
    doubts: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    seconds: float = 0.0


def fold(sent: Sequence[Sent], *, identity_key: bytes) -> Told:
    """Resolve everything in one directory in memory, in the order in which it came."""
    rulebook = read_rulebook(ROOT / "config" / "ingest", default_region="CN")
    hasher = identifier_hasher(identity_key)
    reader = RawReader(rulebook, hash_identifier=hasher)
    handler = IntakeHandler(rulebook.matching, hash_identifier=hasher)
    directory, told = Directory(), Told()
    profiles: dict[str, str] = {}
    listed: dict[str, str] = {}
    begun = time.monotonic()
    for one in sent:
        assert one.record.value is not None
        envelope = decode_envelope(one.record.value)
        raw = decode_event(envelope)
        assert isinstance(raw, RawReceived)
        intake = reader.on_raw_received(raw, record_id=envelope.id, received=envelope.received)
        if not isinstance(intake, Intake):
            told.quarantined += 1
            continue
        handler.on_intake(directory, intake)
        listed |= {doubt.id: doubt.reason.value for doubt in directory.doubts}
        directory.begin_fact()  # asking again changes nothing: all that it names is known now
        profiles[one.record_id] = resolve(directory, intake, rulebook.matching).profile
    told.seconds = time.monotonic() - begun
    told.doubts = Counter(listed.values())
    told.leads = {one: directory.profiles[profile].lead for one, profile in profiles.items()}
    told.groups = {
        one: directory.profiles[profile].lead for one, profile in directory.profiles_of_identifiers.items()
    }
    return told


def judge(sent: Sequence[Sent], leads: dict[str, str], *, only_who_says: bool) -> Pairs:
    """Compare with the truth: all requests, or those that name somebody.

    A browser in which nobody ever said who they are is nobody's, as far as anybody can know.
    """
    spoken = {one.browser for one in sent if one.says_who and one.browser}
    pairs = []
    for one in sent:
        if one.record_id not in leads or (only_who_says and not one.says_who):
            continue
        is_silent = not one.says_who and one.browser not in spoken
        pairs.append((one.browser if is_silent else one.who, leads[one.record_id]))
    return compare(pairs)


@dataclass(slots=True)
class Stored:
    """What lies in PostgreSQL afterwards."""

    groups: dict[str, str]
    doubts: Counter[str]
    moves: int
    unexplained: list[str]
    seconds: float
    suggestions: Counter[str]


async def store(database: Database, sent: Sequence[Sent], *, identity_key: bytes, batch: int = 500) -> Stored:
    """Resolve everything through the real reader and resolver, a transaction for each batch."""
    resolver = build_resolver(
        ROOT / "config", identity_key=identity_key, metrics=IngestMetrics(CollectorRegistry())
    )
    begun = time.monotonic()
    for start in range(0, len(sent), batch):
        facts = [
            fact
            for offset, one in enumerate(sent[start : start + batch], start)
            if (fact := resolver.read(as_fetched(one.record, offset=offset))) is not None
        ]
        async with database.transaction() as transaction:
            await resolver.apply(transaction, facts)
    seconds = time.monotonic() - begun
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT i.value_hash, p.lead FROM identifier i JOIN profile p ON p.id = i.profile"
        )
        reasons = await connection.fetch("SELECT reason, count(*) AS count FROM conflict GROUP BY reason")
        moved = await connection.fetch_value("SELECT count(*) FROM profile WHERE version > 0")
        told = await connection.fetch("SELECT profile, text, cause FROM story WHERE kind = 'lead_merged'")
    known = {one.record_id for one in sent}
    explained = {row["profile"] for row in told}
    wrong = [
        row["text"] for row in told if not _BECAUSE.fullmatch(row["text"]) or row["cause"].hex() not in known
    ]
    if len(explained) != moved:
        wrong.append(f"{moved} profiles moved, {len(explained)} are explained")
    found = Counter({row["reason"]: row["count"] for row in reasons})
    alike = {"same_mailbox", "same_name_and_company"}
    return Stored(
        groups={row["value_hash"]: row["lead"] for row in rows},
        doubts=Counter({reason: count for reason, count in found.items() if reason not in alike}),
        moves=moved,
        unexplained=wrong,
        seconds=seconds,
        suggestions=Counter({reason: count for reason, count in found.items() if reason in alike}),
    )
