"""What other services said, kept: who owns which lead, and what was removed of somebody erased."""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest.domain.desk.owners import OwnerHeard
from services.ingest.domain.erasure import RemovalHeard
from services.ingest.store.desk.erasures import hear_removed
from services.ingest.store.desk.owners import save_owners
from shared.kernel.changes import Fact
from shared.postgres.database import Transaction

Heard = OwnerHeard | RemovalHeard


async def save_heard(transaction: Transaction, facts: Sequence[Fact]) -> None:
    """Keep what was heard among these facts; of owners the last word about each lead."""
    heard = [fact.event for fact in facts if isinstance(fact.event, Heard)]
    await save_owners(transaction, {one.lead: one for one in heard if isinstance(one, OwnerHeard)})
    await hear_removed(transaction, [one for one in heard if isinstance(one, RemovalHeard)])
