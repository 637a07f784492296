"""Invalid leads (I5): nobody owns them or is shown them; a valid one comes back as what it would be."""

from __future__ import annotations

import msgspec

from services.routing.domain.facts import LeadJudged
from services.routing.domain.lead import Lead, RuledOut, move
from services.routing.handlers.converting import convert_or_ask
from services.routing.handlers.ownership import is_held_back, set_status, transfer, withdraw
from services.routing.handlers.reaching import ACTIVATED, settle
from services.routing.handlers.telling import Telling
from shared.contracts.events.assignments import OwnershipEnded

INVALIDATED = "invalidated"
VALIDATED = "validated"


def on_lead_judged(telling: Telling, event: LeadJudged) -> None:
    """The lead was found invalid, or valid after all, unless a later verdict is known."""
    desk = telling.desk
    profile = desk.profile(event.profile)
    if profile.erased or event.number <= profile.verdict:
        return
    desk.save_profile(
        msgspec.structs.replace(
            profile, verdict=event.number, invalid=event.is_invalid, invalid_reason=event.reason
        )
    )
    apply_verdict(telling, telling.lead(event.profile), by=event.by)


def apply_verdict(telling: Telling, lead: Lead, *, by: str = "") -> Lead:
    """Let a lead stand as the verdict about its own profile says; all its profiles carry the same.

    ``by`` is who gave it, empty if a rule did.
    """
    if lead.is_gone:
        return lead
    profile = telling.desk.profile(lead.id)
    if profile.invalid and lead.ruled_out is None:
        return _rule_out(telling, lead, profile.invalid_reason)
    if not profile.invalid and lead.ruled_out is not None:
        return _rule_in(telling, lead, lead.ruled_out, by=by)
    return lead


def _rule_out(telling: Telling, lead: Lead, reason: str) -> Lead:
    """Nobody owns the lead any more, and its owner is told; what was done stays done."""
    spell = lead.spell
    ruled = RuledOut(
        status=lead.status,
        reason=reason,
        rep="" if spell is None else spell.rep,
        team="" if spell is None else spell.team,
    )
    lead = telling.save(msgspec.structs.replace(lead, ruled_out=ruled))
    if spell is not None:
        telling.notify(lead, INVALIDATED)
        lead = telling.save(move(lead, "marketing", at=telling.now, reason=INVALIDATED))
        lead = telling.say(
            lead,
            OwnershipEnded(lead=lead.id, rep=spell.rep, assignment=spell.assignment, reason="invalid"),
        )
    elif lead.stay.place == "pool":
        lead = withdraw(telling, lead, INVALIDATED)
    for kind in tuple(lead.tasks):
        lead = telling.close_task(lead, kind, INVALIDATED)
    return set_status(telling, lead, "invalid", reason)


def _rule_in(telling: Telling, lead: Lead, ruled: RuledOut, *, by: str) -> Lead:
    """The lead has its status again, and whoever owned it, with a clock that begins anew.

    Whoever called it invalid in sales gave it back by that; a person who calls it valid makes it new.
    """
    lead = telling.save(msgspec.structs.replace(lead, ruled_out=None))
    status, is_held = ruled.status, is_held_back(telling, lead)
    if status == "invalid" and by:
        status = "new"
    if lead.wanted == ACTIVATED and status in telling.rulebook.pipeline.activated_from and not is_held:
        status = "activated"
    lead = set_status(telling, lead, status, VALIDATED)
    if is_held:
        return settle(telling, lead)
    rep = telling.desk.reps.get(ruled.rep)
    if rep is not None and rep.is_active and lead.spell is None and lead.status != "invalid":
        lead = transfer(telling, lead, rep=ruled.rep, team=ruled.team, reason=VALIDATED)
    else:
        lead = settle(telling, lead)
    return convert_or_ask(telling, lead)
