"""Looks where the next leads stand."""

from __future__ import annotations

import asyncio
from typing import Final

from services.scoring.domain.tier_lists.place import Place, places_of
from services.scoring.store.leads import load_leads, load_leads_page, mark_listed_due
from services.scoring.store.scoring_models.rulings import Rulings
from services.scoring.store.tier_lists.table import (
    lock_lists,
    note_filling,
    save_places,
    take_listed_due,
)
from shared.postgres.database import Transaction
from shared.telemetry.logging import get_logger

logger = get_logger(__name__)

PORTION: Final = 500
"""How many notes of leads one portion looks at."""

_LEADS_BETWEEN: Final = 25
"""After so many it gives way, as live facts are handled in the same loop."""


async def keep_portion(transaction: Transaction, rulings: Rulings, *, portion: int = PORTION) -> int:
    """Look where the next leads stand; return how many notes there were. One process does so at a time.

    Whoever saves a lead notes it in the same transaction, so that what is read here is at least as new as the
    note. A lead whose models are about to be renewed is put off, and one that a model fails on is left out.
    """
    filled = await lock_lists(transaction)
    if filled is None:
        return 0
    after, is_done = filled
    notes = await take_listed_due(transaction, limit=portion)
    if not is_done:
        page = [lead for lead, _ in await load_leads_page(transaction, after=after, limit=portion)]
        await note_filling(transaction, after=page[-1] if page else after, is_done=len(page) < portion)
        notes += page
    if not notes:
        return 0
    leads = sorted(set(notes))
    ruling = await rulings.current(transaction)
    kept = await load_leads(transaction, leads)
    looked: list[str] = []
    put_off: list[str] = []
    places: list[Place] = []
    for number, lead in enumerate(leads):
        if number % _LEADS_BETWEEN == 0:
            await asyncio.sleep(0)
        try:
            found = places_of(ruling.ruled(lead).models, lead, kept.get(lead))
        except Exception:
            logger.exception("listing_failed", lead=lead)
            continue
        if found is None:
            put_off.append(lead)
        else:
            looked.append(lead)
            places += found
    await save_places(transaction, looked, places)
    if put_off:
        await mark_listed_due(transaction, put_off)
    return len(notes) if looked else 0
