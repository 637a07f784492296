"""Planted bugs of the services' own, and of the engine under them; substituted inside a worker only.

Each is one that reading the code might miss: the verdict on a run must not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.analytics.domain.credits import Credit
from services.analytics.domain.outcomes import ConversionKey
from services.analytics.store import sharings
from services.ingest.store import directory_rows, resolver
from services.routing.store import desk_rows
from services.scoring.store import leads as scored_leads
from shared.delivery import mail
from shared.delivery.outcomes import Deferred
from shared.kernel.changes import TimerKey
from shared.kernel.instants import Instant
from shared.log.port import Record
from shared.postgres.database import Transaction
from shared.processor.assembly import AssembledStage
from shared.processor.tables.clocks import Clocks
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


def lock_no_routed_leads() -> None:
    """Let several people take one lead out of the pool at once."""
    unlocked = desk_rows._LOCK_LEADS.removesuffix(" FOR UPDATE")
    vars(desk_rows)["_LOCK_LEADS"] = unlocked


def lose_clocks() -> None:
    """Set no clock for every other lead."""
    change = Clocks.change

    def forget(self: Clocks, timers: Mapping[TimerKey, Instant | None]) -> None:
        change(self, {key: None if key.key[0] in "02468ace" else due for key, due in timers.items()})

    Clocks.change = forget  # type: ignore[method-assign]


def send_again() -> None:
    """Take a mail whose answer was lost for one that was never handed over."""
    vars(mail)["Unknown"] = Deferred


def double_credits() -> None:
    """Credit the first touch twice over."""
    insert = sharings._insert_credits

    async def insert_twice(
        transaction: Transaction, credited: Sequence[tuple[ConversionKey, Credit]]
    ) -> None:
        doubled = [
            (key, Credit(one.model, one.touch, one.minor * 2) if one.model == "first" else one)
            for key, one in credited
        ]
        await insert(transaction, doubled)

    vars(sharings)["_insert_credits"] = insert_twice


def _heal_nothing(_stage: object, _record: Record) -> None:
    return None


PLANTS: Final = {
    "fence_removed": remove_fence,
    "lead_lock_removed": lock_no_leads,
    "messages_forgotten": forget_messages,
    "history_not_loaded": load_no_history,
    "contacts_not_healed": heal_no_contacts,
    "scores_not_healed": heal_no_scores,
    "routing_lock_removed": lock_no_routed_leads,
    "second_owner": lock_no_routed_leads,
    "clocks_lost": lose_clocks,
    "sent_again": send_again,
    "credits_doubled": double_credits,
}


def plant(name: str) -> None:
    """Plant the bug of this name; none if the name is empty."""
    if name:
        PLANTS[name]()
