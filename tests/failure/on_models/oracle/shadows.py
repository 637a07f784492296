"""Shadows: each is what the facts say under its version, nobody is told, and who was renewed is renewed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.scoring.domain.facts import Fact
from services.scoring.domain.ledger import total
from services.scoring.domain.running_score import fold, is_current
from services.scoring.domain.scored_lead import ScoredLead, counted_facts
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.tiers import tier_at
from services.scoring.store.facts import load_facts
from services.scoring.store.leads import load_leads_page
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.scores import ScoresUpdated
from shared.contracts.events.tier_changes import LeadActivated, TierChanged
from shared.contracts.topics import SCORES, TIER_CHANGES
from shared.kernel.instants import Instant
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database, Row
from tests.failure.on_models.oracle.rulings import Rulings, is_shadow
from tests.failure.oracle.comparison import Differences

Log = Mapping[TopicPartition, Sequence[Record]]


async def check_shadows(database: Database, rulings: Rulings, differences: Differences) -> dict[str, int]:
    """Check what is kept of versions in shadow, and that every lead was scored under what rules it."""
    async with database.connection() as connection:
        page = await load_leads_page(connection, after="", limit=1_000_000)
        leads = {lead: kept for lead, kept in page if kept is not None}
        facts = await load_facts(connection, list(leads))
        rows = await connection.fetch("SELECT * FROM shadow_score")
        changes = await connection.fetch("SELECT * FROM shadow_change ORDER BY number")
    _check_renewed(leads, rulings, differences)
    stored = {(row["model"], row["lead"]): row for row in rows}
    for model in rulings.last.shadows:
        for lead, kept in leads.items():
            row = stored.pop((model.name, lead), None)
            _check_cast(model, lead, kept, facts[lead], row, rulings, differences)
        _check_changes(model, leads, rows, changes, differences)
    for model, lead in stored:
        differences.add("shadow", f"{model} has a shadow on {lead}, and none is cast")
    return {"shadows": len(rows), "tier changes in shadow": len(changes), "leads renewed": rulings.renewed}


def _check_renewed(leads: Mapping[str, ScoredLead], rulings: Rulings, differences: Differences) -> None:
    for lead, kept in leads.items():
        if kept.score is None or kept.erased is not None:
            continue
        if not is_current(rulings.models_of(lead), kept.score):
            versions = {name: held.version for name, held in kept.score.models.items()}
            differences.add("renewal", f"{lead} is scored under {versions}, which do not rule it")


def _check_cast(
    model: CompiledModel,
    lead: str,
    kept: ScoredLead,
    facts: Sequence[Fact],
    row: Row | None,
    rulings: Rulings,
    differences: Differences,
) -> None:
    counted = [] if kept.lives_at or kept.erased is not None else counted_facts(lead, kept, facts)
    if not counted:
        if row is not None:
            differences.add("shadow", f"{model.name} has a shadow on {lead}, of whom nothing counts")
        return
    if row is None:
        differences.add("shadow", f"{model.name} casts none on {lead}")
        return
    live = rulings.models_of(lead).by_name[model.name]
    found = (row["version"], row["tier"], row["points"], row["live_tier"], row["live_points"])
    wanted = (
        model.version,
        *_standing(model, counted, row["at"]),
        *_standing(live, counted, row["at"]),
    )
    if found != wanted:
        differences.add("shadow", f"{model.name} on {lead} at {row['at']} is {found}, should be {wanted}")


def _standing(model: CompiledModel, facts: Sequence[Fact], at: Instant) -> tuple[str, int]:
    state = fold(ModelSet([model]), facts)
    assert state is not None
    held = state.models[model.name]
    return model.tiers[tier_at(model, held, at).tier].name, total(model, held.slots, at)


def _check_changes(
    model: CompiledModel,
    leads: Mapping[str, ScoredLead],
    rows: Sequence[Row],
    changes: Sequence[Row],
    differences: Differences,
) -> None:
    """What would have been told goes on where it was; of whoever lived elsewhere it may begin anew."""
    tiers: dict[str, str] = {}
    for change in changes:
        lead = change["lead"]
        if change["model"] != model.name or leads[lead].profile_version > 1:
            continue
        before = tiers.get(lead)
        if before is not None and before != change["from_tier"]:
            differences.add(
                "shadow", f"{model.name} on {lead} goes on from {change['from_tier']}, was {before}"
            )
        tiers[lead] = change["to_tier"]
    for row in rows:
        said = tiers.get(row["lead"]) if row["model"] == model.name else None
        if said is not None and said != row["tier"]:
            differences.add("shadow", f"{model.name} on {row['lead']} is {row['tier']}, was told {said}")


def check_nothing_cast(log: Log, differences: Differences) -> None:
    """No record of any topic speaks of the version in shadow."""
    for tp, records in log.items():
        if tp.topic not in {TIER_CHANGES.name, SCORES.name}:
            continue
        for record in records:
            if not record.value:
                continue
            event = decode_event(decode_envelope(record.value))
            if isinstance(event, ScoresUpdated):
                told: list[object] = [score for score in event.scores if is_shadow(score)]
            elif isinstance(event, TierChanged | LeadActivated):
                told = [event] if is_shadow(event) else []
            else:
                told = []
            for one in told:
                differences.add("shadow", f"{tp.topic}/{tp.partition} offset {record.offset} says {one}")
