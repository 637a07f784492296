"""Planted bugs of the services' own, and of the engine under them; substituted inside a worker only.

Each is one that reading the code might miss: the verdict on a run must not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.ingest.store import directory_rows, resolver
from services.scoring.store import leads as scored_leads
from shared.log.port import Record
from shared.postgres.database import Transaction
from shared.processor.assembly import AssembledStage
from tests.failure.plants import remove_fence


def lock_no_leads() -> None:
    """Read leads and save them without keeping others from doing the same meanwhile."""
    unlocked = directory_rows._LOCK_LEADS.removesuffix(" FOR UPDATE")
    vars(directory_rows)["_LOCK_LEADS"] = unlocked


def forget_messages() -> None:
    """Take every message for a new one."""
    claim = directory_rows.claim_messages

    async def claim_all(transaction: Transaction, received: Mapping[str, int]) -> set[str]:
        await claim(transaction, received)
        return set(received)

    vars(resolver)["claim_messages"] = claim_all


def load_no_history() -> None:
    """Take every fact for newer than all that are stored."""

    def needs_none(*_: object) -> bool:
        return False

    vars(scored_leads)["needs_history"] = needs_none


def heal_no_contacts() -> None:
    """Leave late records of contacts unanswered."""
    resolver.Resolver.heal = _heal_nothing  # type: ignore[assignment, method-assign]


def heal_no_scores() -> None:
    """Leave late records of scores unanswered."""
    AssembledStage.heal = _heal_nothing  # type: ignore[assignment, method-assign]


def _heal_nothing(_stage: object, _record: Record) -> None:
    return None


PLANTS: Final = {
    "fence_removed": remove_fence,
    "lead_lock_removed": lock_no_leads,
    "messages_forgotten": forget_messages,
    "history_not_loaded": load_no_history,
    "contacts_not_healed": heal_no_contacts,
    "scores_not_healed": heal_no_scores,
}


def plant(name: str) -> None:
    """Plant the bug of this name; none if the name is empty."""
    if name:
        PLANTS[name]()
