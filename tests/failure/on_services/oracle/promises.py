"""What must hold whatever the order was: every fact counted where it lives, every tier told, once.

Nothing of the journal is used here: only the log, the tables, and the pure fold of the facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from services.scoring.bootstrap import load_models
from services.scoring.domain.facts import Fact
from services.scoring.domain.running_score import fold
from services.scoring.domain.scored_lead import ScoredLead, counted_facts
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.tiers import tier_at
from services.scoring.handlers.interpreting import interpret
from services.scoring.handlers.telling import Teller
from services.scoring.store.facts import load_facts
from services.scoring.store.leads import load_leads_page
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.contacts import ContactUpdated
from shared.contracts.events.scores import ScoresUpdated
from shared.contracts.events.tier_changes import (
    AttentionWanted,
    CompanyTierChanged,
    FieldsWanted,
    LeadActivated,
    TierChanged,
)
from shared.contracts.topics import (
    ASSIGNMENTS,
    BEHAVIOUR,
    CONTACTS,
    LEADS,
    OUTCOMES,
    SCORES,
    TIER_CHANGES,
)
from shared.kernel.instants import Instant
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from tests.failure.on_services.oracle.effects import first_records
from tests.failure.on_services.worker import CONFIG
from tests.failure.oracle.comparison import Differences

Log = Mapping[TopicPartition, Sequence[Record]]

_TELLING: Final = (LEADS.name, BEHAVIOUR.name, OUTCOMES.name, ASSIGNMENTS.name)
"""The topics from which scoring learns facts."""


class Ruling(NamedTuple):
    """What rules each lead in the end, and the models of which people took steps that moved leads."""

    models_of: Callable[[str], ModelSet]
    stepped: frozenset[str] = frozenset()


class Promises:
    """Checks scoring against ingest's topics and its own; ``now`` is when the clock was stopped.

    Without a ``ruling`` the documents rule.
    """

    def __init__(
        self, log: Log, differences: Differences, *, now: Instant, ruling: Ruling | None = None
    ) -> None:
        self._log = log
        self._differences = differences
        self._now = now
        models = load_models(CONFIG)
        self._first_tiers = {model.name: model.tiers[0].name for model in models.models}
        self._ruling = ruling or Ruling(lambda _: models)
        self._leads: dict[str, ScoredLead] = {}
        self._facts: dict[str, tuple[Fact, ...]] = {}

    async def check(self, scoring: Database, ingest: Database) -> None:
        """Check everything."""
        async with scoring.connection() as connection:
            page = await load_leads_page(connection, after="", limit=1_000_000)
            self._leads = {lead: kept for lead, kept in page if kept is not None}
            self._facts = await load_facts(connection, list(self._leads))
        async with ingest.connection() as connection:
            rows = await connection.fetch("SELECT id, lead FROM profile")
            contacts = await connection.fetch(
                "SELECT lead, version, email, phone FROM contact WHERE version > 0"
            )
        lives_at = {row["id"]: row["lead"] for row in rows}
        self._check_contacts(
            {
                row["lead"]: (row["version"], row["email"], row["phone"])
                for row in contacts
                if lives_at.get(row["lead"]) == row["lead"]
            }
        )
        self._check_homes(lives_at)
        self._check_facts(lives_at)
        self._check_scores()
        self._check_told()

    def _check_contacts(self, stored: Mapping[str, tuple[int, str | None, str | None]]) -> None:
        """What contacts is left with is what is stored, and nothing of leads that were merged into others."""
        said: dict[str, tuple[int, str | None, str | None]] = {}
        for lead, value in self._last_values(CONTACTS.name).items():
            if value is not None:
                event = decode_event(decode_envelope(value))
                assert isinstance(event, ContactUpdated)
                said[lead] = (event.version, event.email, event.phone)
        for lead in sorted({*said, *stored}):
            if said.get(lead) != stored.get(lead):
                self._differences.add(
                    "stale",
                    f"{CONTACTS.name} ends {lead} with {said.get(lead)}, should be {stored.get(lead)}",
                )

    def _last_values(self, topic: str) -> dict[str, bytes | None]:
        """Return what a compacted topic is left with: the last record of each key, in the log's own order."""
        return {
            (record.key or b"").decode(): record.value
            for tp, records in self._log.items()
            if tp.topic == topic
            for record in records
        }

    def _check_homes(self, lives_at: Mapping[str, str]) -> None:
        """Scoring knows of every profile where ingest says that it lives."""
        for profile, kept in self._leads.items():
            lead = lives_at.get(profile)
            if (kept.lives_at or profile) != lead:
                self._differences.add(
                    "merge", f"{profile} lives at {kept.lives_at or 'home'}, should at {lead}"
                )

    def _check_facts(self, lives_at: Mapping[str, str]) -> None:
        """What was said of a profile lies once at its home, and once where the profile lives now.

        Of whoever was forgotten nothing more is learnt: what another topic says later may be missing.
        """
        said: dict[str, Counter[str]] = {}
        for record in first_records(self._log, *_TELLING):
            learned = interpret(decode_envelope(record.value or b""))
            if learned is not None and isinstance(learned.event, Fact):
                said.setdefault(learned.key, Counter())[learned.event.id] += 1
        for profile, ids in said.items():
            for where in {profile, lives_at.get(profile, profile)}:
                held = Counter(fact.id for fact in self._facts.get(where, ()) if fact.profile == profile)
                is_forgotten = self._is_forgotten(profile) or self._is_forgotten(where)
                for fact_id in () if is_forgotten else ids - held:
                    self._differences.add("lost", f"fact {fact_id} of {profile} is not at {where}")
                for fact_id in held - ids:
                    self._differences.add("double", f"fact {fact_id} of {profile} is at {where} too often")

    def _is_forgotten(self, lead: str) -> bool:
        kept = self._leads.get(lead)
        return kept is not None and kept.erased is not None

    def _check_scores(self) -> None:
        """Stored lines are the fold of the facts that count, and the last said are the stored ones."""
        last: dict[str, ScoresUpdated] = {}
        for key, value in self._last_values(SCORES.name).items():
            if value is not None:
                event = decode_event(decode_envelope(value))
                assert isinstance(event, ScoresUpdated)
                last[key] = event
        for lead, kept in self._leads.items():
            models = self._ruling.models_of(lead)
            folded = fold(models, counted_facts(lead, kept, self._facts[lead]))
            if folded != kept.score:
                self._differences.add("score", f"{lead} has {kept.score}, its facts say {folded}")
            latest = last.pop(lead, None)
            if kept.erased is not None:
                if latest is not None:
                    self._differences.add(
                        "stale", f"{SCORES.name} has something of {lead}, who was forgotten"
                    )
                continue
            if latest is None:
                if kept.revision:
                    self._differences.add("lost", f"{SCORES.name} has nothing of {lead}")
                continue
            now = Teller(models).scores(lead, kept).event
            assert isinstance(now, ScoresUpdated)
            ours, theirs = _what_counts(latest), _what_counts(now)
            if ours[0] != theirs[0]:
                self._differences.add("stale", f"{SCORES.name} ends {lead} with {ours}, should be {theirs}")
        for lead in last:
            self._differences.add("unexplained", f"{SCORES.name} has something of {lead}")

    def _check_told(self) -> None:
        """Each change begins where the one before ended, and the last one is what the facts say now.

        An activation is told once per lead, model and sales cycle, and of whoever is active it was told.
        What another version of a model made of a lead counts as told without a word.
        """
        tiers: dict[tuple[str, str], str] = {}
        cycles: dict[tuple[str, str], int] = {}
        for record in first_records(self._log, TIER_CHANGES.name):
            change = decode_event(decode_envelope(record.value or b""))
            if isinstance(change, LeadActivated):
                told = cycles.get((change.lead, change.model), 0)
                if change.cycle <= told:
                    self._differences.add(
                        "double", f"{change.lead} {change.model} was activated again: {change}"
                    )
                cycles[change.lead, change.model] = change.cycle
                continue
            if isinstance(change, FieldsWanted | AttentionWanted | CompanyTierChanged):
                continue  # that each is said once, and of what was learnt, is held with all effects
            assert isinstance(change, TierChanged)
            before = tiers.get((change.lead, change.model), self._first_tiers[change.model])
            kept = self._leads.get(change.lead)
            may_skip = change.model in self._ruling.stepped or (kept is not None and _was_silent(kept))
            if change.from_tier != before and not may_skip:
                self._differences.add(
                    "told", f"{change.lead} {change.model} goes on from {change.from_tier}, was told {before}"
                )
            tiers[change.lead, change.model] = change.to_tier
        for lead, kept in self._leads.items():
            if kept.lives_at or kept.score is None or kept.erased is not None:
                continue
            self._check_active(lead, kept, cycles)
            at = max(self._now, kept.told.through)
            for model in self._ruling.models_of(lead).models:
                held = tier_at(model, kept.score.models[model.name], at)
                name = model.tiers[held.tier].name
                said = tiers.get((lead, model.name), model.tiers[0].name)
                if _was_silent(kept) or model.name in self._ruling.stepped:
                    counts = kept.told.tiers.get(model.name)
                    said = model.tiers[0].name if counts is None else counts.tier
                if said != name:
                    self._differences.add("told", f"{lead} {model.name} was told {said}, is {name}")

    def _check_active(self, lead: str, kept: ScoredLead, cycles: Mapping[tuple[str, str], int]) -> None:
        assert kept.score is not None
        for name, held in kept.score.models.items():
            counts = kept.told.activations.get(name)
            is_active = held.gate is not None and held.gate.passage is not None
            if is_active and (
                counts is None or (counts.is_said and cycles.get((lead, name)) != counts.cycle)
            ):
                self._differences.add(
                    "told", f"{lead} {name} is active, told {cycles.get((lead, name))}, counts {counts}"
                )


def _was_silent(kept: ScoredLead) -> bool:
    """Whether a lead was once left by a profile or came back itself: what became of that counts as told."""
    return kept.profile_version > 1 or any(not one.is_here for one in kept.lodgers.values())


def _what_counts(event: ScoresUpdated) -> tuple[int, object]:
    return event.version, msgspec.to_builtins(event.scores)
