"""Opportunities of a lead: the latest word by occurred time counts, whoever said it (R7)."""

from __future__ import annotations

import msgspec

from services.routing.domain.lead import LOST, Lead, Opportunity, Status
from shared.kernel.instants import Instant


def hear(lead: Lead, opportunity: str, *, stage: str, at: Instant, opens: bool = False) -> Lead:
    """Return the lead with what was said of one opportunity at ``at``, unless a later word is known.

    With ``opens`` it only counts for one that nothing is known of yet.
    """
    before = lead.opportunities.get(opportunity)
    if before is not None and (opens or at < before.at):
        return lead
    deals = {**lead.opportunities, opportunity: Opportunity(stage=stage, at=at)}
    return msgspec.structs.replace(lead, opportunities=deals)


def is_all_lost(lead: Lead) -> bool:
    """Return whether there were opportunities and every one is lost."""
    return bool(lead.opportunities) and all(one.stage == LOST for one in lead.opportunities.values())


def converts(lead: Lead, *, is_complete: bool) -> bool:
    """Return whether the lead is to become an opportunity now: activated, list complete, once a cycle."""
    return (
        lead.status == "activated"
        and is_complete
        and not lead.has_open_opportunity
        and lead.converted_cycle < max(lead.activated_cycle, 1)
    )


def name_opportunity(lead: Lead) -> str:
    """Return what routing calls the opportunity of the lead's present sales cycle."""
    return f"lm-{lead.id}-{max(lead.activated_cycle, 1)}"


def status_after_cycle(lead: Lead) -> Status:
    """Return the status with which a lead begins its next sales cycle: an activation counts for one only."""
    if lead.status != "activated":
        return lead.status
    return "new" if lead.last_follow_up is None else "contacted"


RANKS: tuple[Status, ...] = ("invalid", "new", "contacted", "interested", "activated")


def further(first: Status, second: Status) -> Status:
    """Return the status that is further on; a valid one is further than an invalid one."""
    return max(first, second, key=RANKS.index)
