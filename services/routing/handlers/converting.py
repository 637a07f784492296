"""From an activated lead to an opportunity, once a sales cycle (R8, R9); and deals elsewhere (I8)."""

from __future__ import annotations

from typing import Final

import msgspec

from services.routing.domain.facts import DealHeard
from services.routing.domain.lead import LOST, WON, Lead, Opportunity, with_spell
from services.routing.domain.pipeline import opportunities
from services.routing.domain.pipeline.handover import choices_of, missing
from services.routing.domain.profiles import origin_of
from services.routing.domain.sla.clocks import fit_to_deals
from services.routing.handlers.ownership import give_back, is_held_back, set_status
from services.routing.handlers.telling import Telling
from shared.contracts.events.assignments import LeadConverted

COMPLETE_HANDOVER: Final = "complete_handover"


def convert_or_ask(telling: Telling, lead: Lead) -> Lead:
    """Make an opportunity of a lead whose time it is, or ask for what its hand-over list lacks."""
    pipeline = telling.rulebook.pipeline
    lacking = missing(pipeline, lead.handover)
    if opportunities.converts(lead, is_complete=not lacking):
        return _convert(telling, lead)
    if lacking and opportunities.converts(lead, is_complete=True):
        return telling.open_task(lead, COMPLETE_HANDOVER, missing=tuple(lacking))
    return lead


def _convert(telling: Telling, lead: Lead) -> Lead:
    pipeline = telling.rulebook.pipeline
    name = opportunities.name_opportunity(lead)
    source, campaign = origin_of(telling.desk.profiles_of(lead.id))
    first = pipeline.stages[0]
    lead = msgspec.structs.replace(
        lead,
        converted_cycle=max(lead.activated_cycle, 1),
        opportunities={**lead.opportunities, name: Opportunity(stage=first, at=telling.now)},
    )
    lead = refit(telling, lead)
    lead = telling.say(
        lead,
        LeadConverted(
            lead=lead.id,
            opportunity=name,
            rep=lead.spell.rep if lead.spell else None,
            stage=first,
            handover=choices_of(pipeline, lead.handover),
            campaign=campaign,
            source=source,
            last_act=f"follow_up/{lead.last_way}" if lead.last_way else "",
        ),
    )
    lead = telling.close_task(lead, COMPLETE_HANDOVER, "done")
    telling.notify(lead, "opportunity")
    return lead


def on_deal_heard(telling: Telling, event: DealHeard) -> None:
    """An opportunity was created elsewhere, has moved, is won or lost; the latest word counts."""
    lead = telling.lead(telling.desk.home_of(telling.desk.profile(event.profile).lead))
    if lead.stay.place == "erased":
        return
    heard = opportunities.hear(
        lead, event.opportunity, stage=event.stage, at=event.occurred, opens=event.opens
    )
    if heard is lead:
        return
    lead = refit(telling, heard)
    if lead.spell is None and is_held_back(telling, lead):
        return
    if event.stage == LOST and opportunities.is_all_lost(lead):
        _end_cycle(telling, lead)
        return
    if not lead.is_gone and (lead.has_open_opportunity or event.stage == WON):
        lead = follow_deals(telling, lead)
        telling.close_task(lead, COMPLETE_HANDOVER, "opportunity_elsewhere")


def follow_deals(telling: Telling, lead: Lead) -> Lead:
    """A lead with a deal, open or won, is activated, whoever activated it."""
    if lead.status in telling.rulebook.pipeline.activated_from:
        return set_status(telling, lead, "activated", "opportunity_elsewhere")
    return lead


def _end_cycle(telling: Telling, lead: Lead) -> None:
    """Every deal is lost: the sales cycle is over, and the lead is with marketing again (C9, N7)."""
    lead = telling.close_task(lead, COMPLETE_HANDOVER, LOST)
    if lead.spell is not None:
        give_back(telling, lead, "opportunity_lost")
    elif not lead.is_gone:
        set_status(telling, lead, opportunities.status_after_cycle(lead), "opportunity_lost")


def refit(telling: Telling, lead: Lead) -> Lead:
    """Save a lead whose deals have changed, with the clocks that suit them."""
    spell = fit_to_deals(telling.rulebook.sla, lead)
    return telling.save(lead if spell is None else with_spell(lead, spell))
