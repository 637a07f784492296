"""How many points, which tier, and why; now, as of an instant, and as it was known at one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from services.scoring.domain.activation.told import SaidActivation
from services.scoring.domain.facts import Fact, Place
from services.scoring.domain.life.deciding import ModelUnknown
from services.scoring.domain.life.ruling import Ruling
from services.scoring.domain.plans.asking import Asked, answer, answer_from
from services.scoring.domain.plans.outlook import Outlook
from services.scoring.domain.questions import Explanation, explain_at, explain_state, tier_history
from services.scoring.domain.running_score import ScoringState, advance, is_current
from services.scoring.domain.scored_lead import ScoredLead, counted_facts
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.tiers import Crossing
from services.scoring.domain.told_changes import ToldChange
from services.scoring.store.activations import load_activations_of
from services.scoring.store.checkpoints import load_checkpoint
from services.scoring.store.facts import load_facts, load_facts_between
from services.scoring.store.leads import load_lead
from services.scoring.store.scoring_models.rulings import Rulings
from services.scoring.store.tier_changes import load_lead_changes
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.postgres.database import Database, Transaction
from shared.postgres.snapshots import snapshot


class LeadUnknown(Rejected):
    """Scoring has learnt nothing of such a lead; look its id up with GET /v1/leads."""

    code = "scoring.lead_unknown"


class Found(NamedTuple):
    """A lead's score as of an instant; None is a lead of which nothing had counted by then."""

    state: ScoringState | None


class ScoreQueries:
    """Answers questions about leads from their facts, by the versions that rule each."""

    def __init__(self, database: Database, rulings: Rulings) -> None:
        self._database = database
        self._rulings = rulings

    async def find_models(self) -> ModelSet:
        """Return the live models."""
        async with self._database.connection() as connection:
            return (await self._rulings.current(connection)).live

    async def explain_scores(
        self, lead: str, *, model: str | None, as_of: Instant, known_at: Instant | None
    ) -> tuple[str, Sequence[Explanation]]:
        """Return the lead (where it lives after merges) and each model's score with its lines.

        ``as_of``: facts that occurred by then. ``known_at``: only those received by then, of all
        profiles that are one lead now.

        :raises LeadUnknown: if scoring knows no such lead.
        :raises ModelUnknown: if no model of this name rules it.
        """
        async with snapshot(self._database) as transaction:
            home, kept, ruling = await self._find_home(transaction, lead)
            ruled = ruling.ruled(home).models
            models = _named(ruled, model)
            if known_at is None and (kept.score is None or is_current(ruled, kept.score)):
                found = await self._find_state(transaction, ruled, home, kept, as_of=as_of)
                if found is not None:
                    return home, explain_state(models, found.state, as_of=as_of)
            facts = (await load_facts(transaction, [home]))[home]
        known = [fact for fact in facts if known_at is None or fact.received <= known_at]
        return home, explain_at(models, counted_facts(home, kept, known), as_of=as_of)

    async def find_outlook(self, lead: str, *, asked: Asked, known_at: Instant | None) -> tuple[str, Outlook]:
        """Return the lead (where it lives after merges) and what it would take, by the version that rules it.

        The search takes its time on a thread of its own, so that nobody waits for it.

        :raises LeadUnknown: if scoring knows no such lead.
        :raises ModelUnknown: if no model of this name rules it.
        :raises TierUnknown: if the model has no such tier.
        :raises NoGate: if activation is asked for and the model has no gate.
        """
        async with snapshot(self._database) as transaction:
            home, kept, ruling = await self._find_home(transaction, lead)
            ruled = ruling.ruled(home).models
            models, found = _named(ruled, asked.model), None
            is_told = kept.score is not None and not kept.is_judged and is_current(ruled, kept.score)
            if known_at is None and is_told:
                found = await self._find_state(transaction, ruled, home, kept, as_of=asked.as_of)
            facts = () if found is not None else (await load_facts(transaction, [home]))[home]
        if found is not None:
            return home, await asyncio.to_thread(answer_from, models, home, kept, found.state, asked)
        known = [fact for fact in facts if known_at is None or fact.received <= known_at]
        return home, await asyncio.to_thread(answer, models, home, kept, known, asked)

    async def _find_state(
        self, transaction: Transaction, models: ModelSet, lead: str, kept: ScoredLead, *, as_of: Instant
    ) -> Found | None:
        """Return the score as of an instant without reading all facts; None if all are needed for that.

        What is stored tells it if nothing has occurred since, and otherwise the checkpoint before, with the
        facts after that. A verdict may count for nothing what came before it, wherever that is.
        """
        if kept.score is None or kept.score.last_occurred <= as_of:
            return Found(kept.score)
        if kept.is_judged:
            return None
        end = Place(as_of + 1, "")
        base = await load_checkpoint(transaction, lead, recounts=kept.recounts, before=end)
        if base is None:
            return None
        between = await load_facts_between(transaction, lead, after=base.place, until=end)
        state = base.score
        for fact in counted_facts(lead, kept, between):
            state = advance(models, state, fact)
        return Found(state)

    async def find_facts(self, lead: str, *, known_at: Instant | None) -> tuple[str, Sequence[Fact]]:
        """Return where a lead lives, and the facts that count for it, of those received by ``known_at``.

        :raises LeadUnknown: if scoring knows no such lead.
        """
        home, kept, facts, _ = await self._find(lead)
        known = [fact for fact in facts if known_at is None or fact.received <= known_at]
        return home, counted_facts(home, kept, known)

    async def find_history(
        self, lead: str, *, model: str | None, until: Instant
    ) -> tuple[str, dict[str, list[Crossing]], Sequence[ToldChange], Sequence[SaidActivation]]:
        """Return every change of tier by the facts, and beside it what was told, and when, of both."""
        home, kept, facts, ruling = await self._find(lead)
        models = _named(ruling.ruled(home).models, model)
        crossings = tier_history(models, counted_facts(home, kept, facts), until=until)
        async with self._database.connection() as connection:
            told = await load_lead_changes(connection, home)
            activations = (await load_activations_of(connection, [home]))[home]
        return home, crossings, told, activations

    async def _find(self, lead: str) -> tuple[str, ScoredLead, Sequence[Fact], Ruling]:
        """Return where a lead lives, its facts there, and what rules."""
        async with snapshot(self._database) as transaction:
            home, kept, ruling = await self._find_home(transaction, lead)
            facts = (await load_facts(transaction, [home]))[home]
        return home, kept, facts, ruling

    async def _find_home(self, transaction: Transaction, lead: str) -> tuple[str, ScoredLead, Ruling]:
        """Return where a lead lives, what is kept of it there, and what rules.

        While a move is under way the lead it goes to may not have heard of it yet, and two may even
        name each other; then the answer is what is there.
        """
        if "\0" in lead:  # PostgreSQL takes no such text, so no lead is called that
            raise LeadUnknown
        ruling = await self._rulings.current(transaction)
        kept = await load_lead(transaction, lead)
        if kept is None:
            raise LeadUnknown
        passed = {lead}
        while kept.lives_at and kept.lives_at not in passed:
            lead = kept.lives_at
            passed.add(lead)
            kept = await load_lead(transaction, lead) or ScoredLead()
        return lead, kept, ruling


def _named(models: ModelSet, name: str | None) -> ModelSet:
    if name is None and models.models:
        return models
    if name is None or name not in models.by_name:
        raise ModelUnknown
    return ModelSet([models.by_name[name]])
