"""Scoring's part of a lead's story: what was learnt, what it brought, what was told."""

from __future__ import annotations

from typing import NamedTuple

from services.scoring.domain.activation.told import SaidActivation
from services.scoring.domain.companies.company import CompanyChange
from services.scoring.domain.effects import TierChange
from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.ledger import lines_at
from services.scoring.domain.running_score import ScoringState, advance
from services.scoring.domain.scored_lead import counted_facts
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.verdicts import ACT_VERDICT, LEAD_VERDICT
from services.scoring.domain.vocabulary import CYCLE_ENDS
from services.scoring.store.activations import load_activations_of
from services.scoring.store.companies.states import load_company_changes
from services.scoring.store.facts import load_facts
from services.scoring.store.leads import load_lead
from services.scoring.store.scoring_models.rulings import Rulings
from services.scoring.store.tier_changes import load_lead_changes
from shared.kernel.instants import Instant
from shared.postgres.database import Database
from shared.postgres.snapshots import snapshot


class StoryEntry(NamedTuple):
    """One line: when it occurred, what kind, in words, the fact behind it, and the event it tells of."""

    at: Instant
    kind: str
    text: str
    cause: str
    event: str = ""


async def tell_story(database: Database, rulings: Rulings, lead: str) -> list[StoryEntry]:
    """Return a lead's facts with the points each brought, and the changes that were told."""
    async with snapshot(database) as transaction:
        models = (await rulings.current(transaction)).ruled(lead).models
        kept = await load_lead(transaction, lead)
        facts = (await load_facts(transaction, [lead]))[lead]
        told = await load_lead_changes(transaction, lead)
        activations = (await load_activations_of(transaction, [lead]))[lead]
        companies = kept.companies if kept is not None else ()
        of_companies = {firm: await load_company_changes(transaction, firm) for firm in companies}
    if kept is None:
        return []
    entries: list[StoryEntry] = []
    if kept.lives_at:
        entries.append(StoryEntry(kept.told.through, "merged", f"lives at lead {kept.lives_at} now", ""))
    state: ScoringState | None = None
    for fact in sorted(counted_facts(lead, kept, facts), key=lambda fact: (fact.occurred, fact.id)):
        before = _points(models, state, fact.occurred)
        state = advance(models, state, fact)
        after = _points(models, state, fact.occurred)
        moved = [
            f"{name} {(after[name] - before.get(name, 0)) / 1000:+g} = {after[name] / 1000:g}"
            for name in after
            if after[name] != before.get(name, 0)
        ]
        entries.append(StoryEntry(fact.occurred, fact.name, _words(fact, moved), fact.id))
    entries += [
        StoryEntry(one.change.at, _kind(one.change), _moved(one.change), one.cause, one.details.event)
        for one in told
    ]
    for firm, changes in of_companies.items():
        for change in changes:
            kind, text = f"company's {_kind(change.change)}", f"{firm}, {_moved(change.change)}"
            entries.append(StoryEntry(change.change.at, kind, text, change.cause, change.event))
    entries += [
        StoryEntry(said.activation.at, "activated", _words_of_activation(said), said.cause, said.event)
        for said in activations
    ]
    entries += [
        StoryEntry(told.at, "attention wanted", told.sign.replace("_", " "), told.event, told.said)
        for told in kept.attention.told
    ]
    entries += [
        StoryEntry(asked.at, "fields wanted", ", ".join(asked.fields), asked.cause, asked.said)
        for asked in kept.attention.asked
    ]
    if kept.erased is not None:
        entries.append(StoryEntry(kept.erased, "forgotten", "nothing more is learnt or said", ""))
    return sorted(entries, key=lambda entry: entry.at)


def _kind(change: TierChange | CompanyChange) -> str:
    return f"tier {change.direction}" + (", restated" if change.restated else "")


def _moved(change: TierChange | CompanyChange) -> str:
    return f"{change.model}: {change.from_tier} → {change.to_tier} at {change.points / 1000:g}"


def _points(models: ModelSet, state: ScoringState | None, at: Instant) -> dict[str, int]:
    if state is None:
        return {}
    return {
        model.name: sum(line.points for line in lines_at(model, state.models[model.name].slots, at))
        for model in models.models
    }


def _words(fact: Fact, moved: list[str]) -> str:
    fields = ", ".join(
        f"{name}={value}" for name, value in sorted(fact.fields.items()) if value not in (None, "")
    )
    if fact.name in CYCLE_ENDS:
        return "the sales cycle ends"
    if fact.name == LEAD_VERDICT:
        return "what it did counts for nothing" if fact.fields["invalid"] else "what it did counts"
    if fact.name == ACT_VERDICT:
        counts = "for nothing" if fact.fields["dismissed"] else "after all"
        return f"event {fact.fields['act']} counts {counts}"
    about = "learnt" if fact.name == ATTRIBUTES else "did"
    return f"{about}: {fields or '—'}" + (f"  ({'; '.join(moved)})" if moved else "")


def _words_of_activation(said: SaidActivation) -> str:
    activation = said.activation
    return (
        f"{activation.model}: ready for sales at {activation.points / 1000:g}, cycle {activation.cycle},"
        f" by {len(activation.acts)} high-value acts: {', '.join(activation.acts)}"
    )
