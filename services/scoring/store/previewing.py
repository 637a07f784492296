"""Counts the next portion of a preview."""

from __future__ import annotations

import asyncio
from typing import Final

from services.scoring.domain.life.preview import foresee
from services.scoring.domain.scored_lead import counted_facts
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.store.facts import load_facts
from services.scoring.store.leads import load_leads_page
from services.scoring.store.scoring_models.previews import claim_preview, save_preview
from services.scoring.store.scoring_models.rulings import RegisteredRulings
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction

PORTION: Final = 100
"""How many leads one portion looks through."""

_LEADS_BETWEEN: Final = 10
"""After so many it gives way, as live facts are handled in the same loop."""


async def count_portion(
    transaction: Transaction, rulings: RegisteredRulings, *, now: Instant, portion: int = PORTION
) -> bool:
    """Count the next leads of the preview that has waited longest; return whether there was one.

    Leads that live elsewhere after a merge, and people who were forgotten, are told nothing of.

    :raises ModelUnusable: if the version's document cannot be used any more.
    """
    preview = await claim_preview(transaction)
    if preview is None:
        return False
    models = ModelSet([await rulings.compile(transaction, preview.model, preview.version)])
    page = await load_leads_page(transaction, after=preview.after, limit=portion)
    facts = await load_facts(transaction, [lead for lead, _ in page])
    for number, (lead, kept) in enumerate(page):
        if number % _LEADS_BETWEEN == 0:
            await asyncio.sleep(0)
        if kept is not None and kept.score is not None and not kept.lives_at and kept.erased is None:
            here = counted_facts(lead, kept, facts[lead])
            preview.tally.add(foresee(models, kept.told, here, now=now), owner=kept.owner)
    last = page[-1][0] if page else preview.after
    await save_preview(transaction, preview._replace(after=last, done=len(page) < portion))
    return True
