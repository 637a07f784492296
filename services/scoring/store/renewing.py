"""Sets a timer for each lead that was scored under other versions than those that rule it.

The owner of its partition does the rest, as with every clock: in its own batches, behind its fence, in order
with what is learnt of the lead.
"""

from __future__ import annotations

import asyncio
from typing import Final

from services.scoring.domain.life.ruling import RENEWAL
from services.scoring.domain.running_score import is_current
from services.scoring.store.leads import load_leads_page
from services.scoring.store.scoring_models.passes import (
    advance_pass,
    begin_pass,
    count_waiting,
    end_pass,
    is_left,
    is_open,
    load_pass,
)
from services.scoring.store.scoring_models.rulings import Rulings
from services.scoring.store.scoring_models.shadows import mark_due
from shared.contracts.topics import partition_of
from shared.kernel.changes import TimerKey
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction
from shared.processor.tables.timers import save_timers

PORTION: Final = 250
"""How many leads one portion looks through, and how many may wait for their clocks when it is taken."""

_LEADS_BETWEEN: Final = 50
"""After so many it gives way, as live facts are handled in the same loop."""


async def take_portion(
    transaction: Transaction, rulings: Rulings, *, partitions: int, now: Instant, portion: int = PORTION
) -> bool:
    """Do the next thing there is to do, and return whether there is more to do at once.

    There is not if all is done, if a transaction from before the step still runs, or if a portion of leads
    waits for its clocks. A partition that stands still holds up its own leads, and the end.
    """
    state = await load_pass(transaction, lock=True)
    ruling = await rulings.current(transaction)
    if ruling.number != state.target:
        await begin_pass(transaction, ruling.number)
        return True
    if state.done == state.target or not await is_open(transaction, state):
        return False
    if state.swept:
        if await is_left(transaction):
            return False
        await end_pass(transaction)
        return True
    if await count_waiting(transaction, partitions=partitions, now=now) >= portion:
        return False
    page = await load_leads_page(transaction, after=state.after, limit=portion)
    due: dict[TimerKey, Instant] = {}
    for number, (lead, kept) in enumerate(page):
        if number % _LEADS_BETWEEN == 0:
            await asyncio.sleep(0)
        if kept is None or kept.erased is not None or kept.score is None:
            continue
        if not is_current(ruling.ruled(lead).models, kept.score):
            due[TimerKey(lead, RENEWAL)] = now
    if due:
        homes = {timer.key: partition_of(timer.key, partitions) for timer in due}
        await save_timers(transaction, due, partitions=homes)
    if ruling.shadows and page:
        await mark_due(transaction, [lead for lead, _ in page])
    last = page[-1][0] if page else state.after
    await advance_pass(transaction, after=last, is_last=len(page) < portion, seen=len(page), renewed=len(due))
    return True
