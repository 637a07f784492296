"""What other services said: who owns which lead, what a person said of one in sales, and what was removed
of somebody erased. What was said of a lead changes the lead; the rest is kept here.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest.domain.desk.owners import OwnerHeard
from services.ingest.domain.erasure import RemovalHeard
from services.ingest.domain.validity.judging import WordHeard
from services.ingest.store.desk.erasures import hear_removed
from services.ingest.store.desk.owners import save_owners
from shared.kernel.changes import Fact
from shared.postgres.database import Transaction

Heard = OwnerHeard | RemovalHeard | WordHeard


async def save_heard(transaction: Transaction, facts: Sequence[Fact]) -> None:
    """Keep what was heard among these facts; of owners the last word about each lead."""
    heard = [fact.event for fact in facts if isinstance(fact.event, Heard)]
    await save_owners(transaction, {one.lead: one for one in heard if isinstance(one, OwnerHeard)})
    await hear_removed(transaction, [one for one in heard if isinstance(one, RemovalHeard)])
