"""Scoring's answers to the audit: facts, states and lines agree, and every breach has an id."""

from __future__ import annotations

from collections.abc import Sequence

from services.scoring.domain.facts import Fact
from services.scoring.domain.ledger import lines_at, total
from services.scoring.domain.running_score import ScoringState, fold
from services.scoring.domain.scored_lead import ScoredLead, counted_facts, digest_of
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.handlers.interpreting import interpret
from services.scoring.store.facts import find_absent, load_facts
from services.scoring.store.leads import load_leads_page
from shared.contracts.envelope import decode_envelope
from shared.kernel.errors import Rejected
from shared.log.port import Record
from shared.postgres.database import Database
from shared.processor.checks import Finding, find_buried

_LEADS_PER_READ = 500
_SAMPLE_PAGES = 4
_ID_DIGITS = 32


class ScoringChecks:
    """Compares stored leads with what their facts say."""

    def __init__(self, database: Database, models: ModelSet) -> None:
        self._database = database
        self._models = models

    async def check(self, *, full: bool) -> Sequence[Finding]:
        """Check a sample of 2,000 leads, or with ``full`` all of them."""
        facts_looked_at = leads_looked_at = 0
        missing: list[str] = []
        differing: list[str] = []
        sums: list[str] = []
        after, pages = "", 0
        while full or pages < _SAMPLE_PAGES:
            async with self._database.connection() as connection:
                page = await load_leads_page(connection, after=after, limit=_LEADS_PER_READ)
                facts = await load_facts(connection, [lead for lead, _ in page])
            for lead, kept in page:
                leads_looked_at += 1
                facts_looked_at += kept.facts
                missing += _compare_facts(lead, kept, facts[lead])
                differing += self._compare_states(lead, kept, facts[lead])
                sums += self._compare_sums(lead, kept.score)
            if len(page) < _LEADS_PER_READ:
                break
            after, pages = page[-1][0], pages + 1
        return [
            Finding(check="scoring: every fact is there", looked_at=facts_looked_at, breaches=missing),
            Finding(
                check="scoring: states refold from the facts", looked_at=leads_looked_at, breaches=differing
            ),
            Finding(check="scoring: Σ lines = score", looked_at=leads_looked_at, breaches=sums),
        ]

    async def find_missing(self, records: Sequence[Record]) -> Sequence[str]:
        """Name the events in these records that should be facts and are not; dead letters are not missed."""
        wanted: dict[tuple[str, str], Record] = {}
        for record in records:
            try:
                learned = interpret(decode_envelope(record.value or b""))
            except Rejected:
                continue  # it could not be read then either, and lies with the dead letters
            if learned is not None and isinstance(learned.event, Fact):
                wanted[learned.key, learned.event.id] = record
        async with self._database.connection() as connection:
            absent = await find_absent(connection, list(wanted))
            places = {(wanted[key].topic, wanted[key].partition, wanted[key].offset): key for key in absent}
            buried = await find_buried(connection, list(places))
        return [
            f"lead {lead}: event {fact_id} of {topic}/{partition} offset {offset} is no fact"
            for (topic, partition, offset), (lead, fact_id) in sorted(places.items())
            if (topic, partition, offset) not in buried
        ]

    def _compare_states(self, lead: str, kept: ScoredLead, facts: Sequence[Fact]) -> list[str]:
        """Name the models, and the rules within, whose stored lines are not what the facts say."""
        stored = kept.score
        if kept.facts != len(facts):
            return []
        models = self._models
        folded = fold(models, counted_facts(lead, kept, facts))
        if stored is None or folded is None:
            return (
                []
                if stored is folded
                else [f"lead {lead}: score and facts disagree about whether there is one"]
            )
        breaches = []
        for model in models.models:
            ours, theirs = stored.models.get(model.name), folded.models[model.name]
            if ours is None or ours.version != model.version:
                continue
            for index, rule in enumerate(model.rules):
                if ours.slots[index] != theirs.slots[index]:
                    breaches.append(
                        f"lead {lead}: the line of {rule.name} in {model.name} is not what its facts say"
                    )
            if (ours.tier, ours.since) != (theirs.tier, theirs.since):
                breaches.append(f"lead {lead}: the tier in {model.name} is not what its facts say")
        return breaches

    def _compare_sums(self, lead: str, state: ScoringState | None) -> list[str]:
        if state is None:
            return []
        return [
            f"lead {lead}: the lines of {model.name} do not sum to the score"
            for model in self._models.models
            if (held := state.models.get(model.name)) is not None
            and held.version == model.version
            and sum(line.points for line in lines_at(model, held.slots, state.last_occurred))
            != total(model, held.slots, state.last_occurred)
        ]


def _compare_facts(lead: str, kept: ScoredLead, facts: Sequence[Fact]) -> list[str]:
    """Name the fact that is missing, where it is one; otherwise the lead and how many."""
    digest = digest_of(fact.id for fact in facts)
    if kept.facts == len(facts) and kept.digest == digest:
        return []
    if kept.facts == len(facts) + 1:
        lost = int.from_bytes(kept.digest) ^ int.from_bytes(digest)
        return [f"lead {lead}: fact {lost:0{_ID_DIGITS}x} is missing"]
    return [f"lead {lead}: {kept.facts} facts were learnt and {len(facts)} are there"]
