"""What a run left behind, small enough to compare: digests of the tables, and of what was said per key.

What depends on how the input was cut into batches (versions, the order in which two topics were read,
corrections told on the way) is left out; facts, scores, tiers, identities and every event of ingest
must be the same to the byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from services.scoring.domain.scored_lead import ScoredLead
from services.scoring.domain.scoring_models.compiled import ModelSet
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.scores import ScoresUpdated
from shared.contracts.events.tier_changes import LeadActivated, TierChanged
from shared.contracts.topics import BEHAVIOUR, CONTACTS, LEADS, SCORES, TIER_CHANGES
from shared.log.port import TopicPartition
from shared.postgres.database import Database
from tests.bench.surroundings import Servers, ends_of, read_back

Results = dict[str, tuple[int, str]]
"""By table and topic: how many rows or keys, and a digest of them."""

_INGEST_TABLES: Final = {
    "seen_message": "record_id",
    "identifier": "value_hash, kind, profile",
    "profile": "id, lead, version",
    "lead": "id, version, is_captured, created, attributes, identifiers, external_ids",
    "contact": "lead, version, email, phone, known, free_text",
    "story": "profile, lead, at, kind, text, message_id, cause, event",
}
_FACTS: Final = {"fact": "lead, id, profile, occurred, received, name, fields"}
_DIGEST: Final = (
    "SELECT count(*) AS rows, coalesce(md5(string_agg(t::text, ' ' ORDER BY t::text)), '') AS digest FROM"
)

_encode: Final = msgspec.msgpack.Encoder(order="sorted").encode
_decode_lead: Final = msgspec.msgpack.Decoder(ScoredLead).decode


async def ingest_results(
    servers: Servers, database: Database, since: Mapping[TopicPartition, int]
) -> Results:
    """Return what ingest knows, and what it said: every event in order per key, the latest contacts."""
    results = await _digest_tables(database, _INGEST_TABLES)
    said: dict[str, dict[bytes, Any]] = {topic.name: {} for topic in (LEADS, BEHAVIOUR, CONTACTS)}
    async for record in read_back(servers, since, await ends_of(servers, list(said))):
        per_key = said[record.topic]
        digest = blake2b(record.value or b"", digest_size=16).digest()
        if record.topic == CONTACTS.name:
            per_key[record.key] = digest
        else:
            per_key.setdefault(record.key, []).append(digest)
    return results | {topic: _digest(per_key) for topic, per_key in said.items()}


async def scoring_results(
    servers: Servers, database: Database, since: Mapping[TopicPartition, int], *, models: ModelSet
) -> Results:
    """Return the facts, the score and the tier told of every lead, and the latest that was said of both.

    A lead that was told up and down again counts as one of which nothing was told: whether that
    happens depends on which of two topics was read first. So does when an activation was told; that
    everybody was told of who is active, is asked of each run by itself.
    """
    lowest = {model.name: model.tiers[0].name for model in models.models}
    results = await _digest_tables(database, _FACTS)
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT key, payload FROM lead")
        changes = await connection.fetch_value("SELECT count(*) FROM tier_change")
        activations = await connection.fetch_value("SELECT count(*) FROM activation")
    kept = {row["key"].encode(): _decode_lead(row["payload"]) for row in rows}
    leads = {key: _essence(lead, lowest) for key, lead in kept.items()}
    activated: list[bytes] = []
    points: dict[bytes, Any] = {}
    tiers: dict[bytes, Any] = {}
    said = 0
    async for record in read_back(servers, since, await ends_of(servers, [SCORES.name, TIER_CHANGES.name])):
        event = decode_event(decode_envelope(record.value))
        if isinstance(event, ScoresUpdated):
            points[record.key] = [(score.model, score.points, score.tier) for score in event.scores]
        elif isinstance(event, TierChanged):
            said += 1
            tiers[record.key + event.model.encode()] = event.to_tier
            if event.to_tier == lowest[event.model]:
                del tiers[record.key + event.model.encode()]
        elif isinstance(event, LeadActivated):
            activated.append(record.key)
    assert len(activated) == activations, f"{activations} were stored and {len(activated)} were said"
    assert set(activated) >= {key for key, lead in kept.items() if _is_active(lead)}, (
        "activations are missing"
    )
    assert said == changes, f"{changes} tier changes were stored and {said} were said"
    return results | {
        "lead": _digest(leads),
        SCORES.name: _digest(points),
        TIER_CHANGES.name: _digest(tiers),
    }


def _essence(lead: ScoredLead, lowest: Mapping[str, str]) -> tuple[object, ...]:
    told = {model: tier.tier for model, tier in lead.told.tiers.items() if tier.tier != lowest[model]}
    return lead.score, told, lead.external_ids, lead.facts, lead.digest, lead.lives_at


def _is_active(lead: ScoredLead) -> bool:
    if lead.score is None or lead.lives_at:
        return False
    return any(held.gate is not None and held.gate.passage is not None for held in lead.score.models.values())


def _digest(per_key: Mapping[bytes, object]) -> tuple[int, str]:
    return len(per_key), blake2b(_encode(sorted(per_key.items())), digest_size=16).hexdigest()


async def _digest_tables(database: Database, tables: Mapping[str, str]) -> Results:
    results: Results = {}
    async with database.connection() as connection:
        assert await connection.fetch_value("SELECT count(*) FROM outbox") == 0
        for table, columns in tables.items():
            row = await connection.fetch_row(f"{_DIGEST} (SELECT {columns} FROM {table}) AS t")
            assert row is not None
            results[table] = (row["rows"], row["digest"])
    return results


def check_same(results: Results, others: Results, *, who: str) -> None:
    """Compare two runs. :raises AssertionError: naming every table and topic that differs."""
    differing: Sequence[str] = [
        f"{name}: {results.get(name)} instead of {others.get(name)}"
        for name in sorted({*results, *others})
        if results.get(name) != others.get(name)
    ]
    assert not differing, f"{who} came to another result: {'; '.join(differing)}"
