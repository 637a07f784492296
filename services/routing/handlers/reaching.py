"""What reaches sales, and what follows from it (R13): tiers, points, activation, and who can be reached."""

from __future__ import annotations

import msgspec

from services.routing.domain.facts import Activated, ScoresHeard, TierMoved
from services.routing.domain.lead import Lead
from services.routing.handlers import converting
from services.routing.handlers.ownership import (
    assign,
    is_held_back,
    may_reach_sales,
    pool,
    set_status,
    take_over,
    withdraw,
)
from services.routing.handlers.telling import Telling

ACTIVATED = "activated"
CLAIMABLE = "claimable"


def on_tier_changed(telling: Telling, event: TierMoved) -> None:
    """A tier of a model has changed: a rise may call for sales, a fall may end waiting in the pool."""
    lead = telling.lead(telling.fact.key)
    if lead.stay.place == "erased":
        return
    lead = msgspec.structs.replace(
        lead,
        tiers={**lead.tiers, event.model: event.to_tier},
        points={**lead.points, event.model: event.points},
    )
    answer = telling.rulebook.reach.of(lead.tiers, lead.points)
    rises = event.rises and answer.model == event.model and answer.kind != "never"
    if rises:
        lead = msgspec.structs.replace(lead, given_back=False)
    if rises and answer.kind == "assign":
        lead = msgspec.structs.replace(lead, wanted=answer.rule)
    elif answer.kind != "assign" and lead.wanted != ACTIVATED:
        lead = msgspec.structs.replace(lead, wanted="")
    lead = telling.save(lead)
    if rises and answer.takes_over and lead.spell is not None:
        telling.save(msgspec.structs.replace(take_over(telling, lead, answer.rule), wanted=""))
        return
    settle(telling, lead)


def on_scores_updated(telling: Telling, event: ScoresHeard) -> None:
    """The lead's points have changed: it may be claimable now, or not any more."""
    lead = telling.lead(telling.fact.key)
    if lead.stay.place == "erased" or event.version <= lead.scores_version:
        return
    lead = telling.save(
        msgspec.structs.replace(lead, points=dict(event.points), scores_version=event.version)
    )
    settle(telling, lead)


def on_lead_activated(telling: Telling, event: Activated) -> None:
    """The lead is ready for sales (C9, R9): status, owner, notice, and the opportunity or a task for it."""
    lead = telling.lead(telling.fact.key)
    is_ours = event.model == telling.rulebook.reach.in_charge
    if lead.stay.place == "erased" or not is_ours or event.cycle <= lead.activated_cycle:
        return
    lead = telling.save(
        msgspec.structs.replace(lead, activated_cycle=event.cycle, wanted=ACTIVATED, given_back=False)
    )
    if not is_held_back(telling, lead):
        activate(telling, lead)


def activate(telling: Telling, lead: Lead) -> None:
    """Let what an activation brings begin."""
    if lead.status in telling.rulebook.pipeline.activated_from:
        lead = set_status(telling, lead, "activated", "activated_by_score")
    if lead.is_gone:
        return
    lead = settle(telling, lead)
    if lead.status == ACTIVATED:
        telling.notify(lead, ACTIVATED)
        converting.convert_or_ask(telling, lead)


def settle(telling: Telling, lead: Lead) -> Lead:
    """Bring a lead that nobody owns to where it belongs now; an owned one stays with its owner.

    One that an import holds stays where it is.
    """
    if lead.is_gone or is_held_back(telling, lead):
        return lead
    if lead.spell is not None:
        return telling.save(msgspec.structs.replace(lead, wanted="")) if lead.wanted else lead
    answer = telling.rulebook.reach.of(lead.tiers, lead.points)
    may_go = may_reach_sales(telling, lead)
    if may_go and lead.wanted:
        return assign(telling, lead, lead.wanted)
    in_pool = lead.stay.place == "pool"
    if may_go and answer.kind == CLAIMABLE and not lead.given_back:
        return lead if in_pool else pool(telling, lead, CLAIMABLE)
    is_over = not may_go or answer.kind == "never" or lead.stay.reason == CLAIMABLE
    if in_pool and is_over and answer.kind != "assign":
        return withdraw(telling, lead, answer.rule or "not_claimable")
    return lead
