"""Lets versions in shadow look at the next leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.scoring.domain.effects import Told
from services.scoring.domain.facts import Fact
from services.scoring.domain.life.shadow import Shadowed, cast_shadow
from services.scoring.domain.scored_lead import counted_facts
from services.scoring.domain.scoring_models.compiled import CompiledModel
from services.scoring.store.facts import load_facts
from services.scoring.store.leads import load_leads
from services.scoring.store.scoring_models.rulings import Rulings
from services.scoring.store.scoring_models.shadows import (
    Cast,
    drop_shadows,
    forget_due,
    load_told,
    lock_shadows,
    save_casts,
    take_due,
)
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction
from shared.telemetry.logging import get_logger

logger = get_logger(__name__)

PORTION: Final = 200
"""How many leads one portion looks at."""


async def look_at_portion(
    transaction: Transaction, rulings: Rulings, *, now: Instant, portion: int = PORTION
) -> bool:
    """Look at the next leads that were saved, or whose tier in shadow has changed by now.

    Returns whether there were any. A version that fails on a lead leaves that lead out. One process looks
    at a time: of two that look at one lead, the slower would keep what it saw earlier.
    """
    if not await lock_shadows(transaction):
        return False
    leads = await take_due(transaction, now=now, limit=portion)
    ruling = await rulings.current(transaction)  # what let these leads be looked at is committed by now
    if not ruling.shadows:
        await forget_due(transaction)
        return bool(leads)
    if not leads:
        return False
    kept = await load_leads(transaction, leads)
    facts = await load_facts(transaction, leads)
    told = await load_told(transaction, leads, {one.name: one.version for one in ruling.shadows})
    gone = [
        lead for lead in leads if (one := kept.get(lead)) is None or one.lives_at or one.erased is not None
    ]
    casts = []
    for lead in leads:
        found = kept.get(lead)
        if found is None or lead in gone:
            continue
        here = counted_facts(lead, found, facts[lead])
        for model in ruling.shadows:
            live = ruling.ruled(lead).models.by_name.get(model.name)
            shadowed = _cast(model, live, here, told.get((model.name, lead)), lead=lead, now=now)
            if shadowed is None:
                gone.append(lead)
            else:
                casts.append(Cast(model.name, model.version, lead, shadowed))
    if gone:
        await drop_shadows(transaction, leads=gone)
        casts = [one for one in casts if one.lead not in gone]
    await save_casts(transaction, casts)
    return True


def _cast(
    model: CompiledModel,
    live: CompiledModel | None,
    facts: Sequence[Fact],
    told: Told | None,
    *,
    lead: str,
    now: Instant,
) -> Shadowed | None:
    try:
        return cast_shadow(model, live, facts, told, now=now)
    except Exception:
        logger.exception("shadow_failed", model=model.name, version=model.version, lead=lead)
        return None
