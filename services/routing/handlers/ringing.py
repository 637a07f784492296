"""What the clocks do when they ring (R4, R5). A clock that was set anew meanwhile says nothing."""

from __future__ import annotations

import msgspec

from services.routing.domain.lead import Lead, Spell, move, with_spell
from services.routing.domain.sla.clocks import (
    OVERDUE,
    RECALL,
    REMIND,
    RETURN,
    WARN,
    rang,
    remind,
    takes_back_at,
)
from services.routing.handlers.ownership import give_back
from services.routing.handlers.telling import Telling
from shared.contracts.events.assignments import (
    FollowUpReminded,
    LeadPooled,
    LeadRecalled,
    LeadWithdrawn,
    ResponseWarned,
)
from shared.kernel.changes import TimerFired
from shared.kernel.instants import to_datetime


def on_timer(telling: Telling, timer: TimerFired) -> None:
    """A clock of a lead has come due."""
    lead = telling.desk.leads.get(telling.fact.key)
    spell = lead.spell if lead is not None else None
    if lead is None or spell is None or spell.clocks.get(timer.name) != timer.due:
        return
    kind = timer.name.partition("_")[0]
    if kind in {WARN, OVERDUE}:
        _warn(telling, lead, spell, timer.name)
    elif kind == RECALL:
        _recall(telling, lead, spell)
    elif kind == REMIND:
        _remind(telling, lead, spell)
    elif kind == RETURN:
        give_back(telling, lead, "no_follow_up", by_clock=True)


def _warn(telling: Telling, lead: Lead, spell: Spell, name: str) -> None:
    spell = msgspec.structs.replace(rang(spell, name), warned=telling.now)
    lead = with_spell(lead, spell)
    is_overdue = name == OVERDUE
    warned = ResponseWarned(
        lead=lead.id,
        rep=spell.rep,
        assignment=spell.assignment,
        due=to_datetime(spell.due),
        overdue=is_overdue,
    )
    lead = telling.say(lead, warned)
    telling.notify(lead, "response_overdue" if is_overdue else "response_due_soon")
    if is_overdue:
        telling.notify(lead, "response_overdue", rep="")


def _recall(telling: Telling, lead: Lead, spell: Spell) -> None:
    """No follow-up that counts: the rep loses the lead, to the pool, or to marketing if it is for nobody."""
    never = telling.rulebook.reach.of(lead.tiers, lead.points).kind == "never"
    recalled = LeadRecalled(
        lead=lead.id, rep=spell.rep, assignment=spell.assignment, due=to_datetime(spell.recall_due)
    )
    if never or lead.status == "invalid":
        lead = telling.save(move(lead, "marketing", at=telling.now, reason="recalled"))
        lead = telling.say(lead, recalled)
        telling.say(lead, LeadWithdrawn(lead=lead.id, reason="not_for_sales"))
    else:
        name = telling.rulebook.pool.pool
        lead = telling.save(move(lead, "pool", at=telling.now, reason="recalled", pool=name))
        lead = telling.say(lead, recalled)
        telling.say(lead, LeadPooled(lead=lead.id, pool=name, reason="recalled", previous_rep=spell.rep))
    telling.notify(lead, "recalled", rep=spell.rep)


def _remind(telling: Telling, lead: Lead, spell: Spell) -> None:
    sla = telling.rulebook.sla
    spell = remind(sla, lead, spell, telling.now)
    lead = with_spell(lead, spell)
    reminded = FollowUpReminded(
        lead=lead.id,
        rep=spell.rep,
        assignment=spell.assignment,
        due=to_datetime(takes_back_at(sla, telling.now)),
        takes_back=RETURN in spell.clocks,
    )
    lead = telling.say(lead, reminded)
    telling.notify(lead, "follow_up_due")
