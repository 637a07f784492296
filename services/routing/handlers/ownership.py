"""Into ownership and out of it: every path in begins a spell and its clocks, every path out ends them."""

from __future__ import annotations

from typing import Literal

import msgspec

from services.routing.domain.assignment.deciding import Case, Decision, decide
from services.routing.domain.attributes import values_of
from services.routing.domain.lead import Lead, Spell, move, name_assignment
from services.routing.domain.pipeline.opportunities import status_after_cycle
from services.routing.domain.profiles import attributes_of, is_held, is_reachable
from services.routing.domain.rows import DecisionMade
from services.routing.domain.sla.clocks import begin_spell
from services.routing.handlers.telling import Telling
from shared.contracts.events.assignments import (
    LeadAssigned,
    LeadClaimed,
    LeadPooled,
    LeadReturned,
    LeadStatusChanged,
    LeadTransferred,
    LeadWithdrawn,
    OwnershipEnded,
    Status,
)
from shared.kernel.instants import to_datetime

BY_HAND = "by_hand"


def may_reach_sales(telling: Telling, lead: Lead) -> bool:
    """Return whether a lead may go to sales by itself: it can be reached and is not invalid (I2, I5)."""
    return lead.status != "invalid" and is_reachable(telling.desk.profiles_of(lead.id))


def is_held_back(telling: Telling, lead: Lead) -> bool:
    """Return whether an import holds the lead: nothing starts with it before it is released (I11)."""
    return is_held(telling.desk.profiles_of(lead.id))


def assign(telling: Telling, lead: Lead, reason: str) -> Lead:
    """Look for somebody who gets the lead; without anybody it goes to the pool with the reason (R1)."""
    decision = _look(telling, lead, reason)
    lead = msgspec.structs.replace(lead, wanted="")
    if decision.rep is None:
        _note(telling, lead, reason, decision)
        return pool(telling, lead, decision.fallback)
    spell = _begin(telling, lead, rep=decision.rep, team=decision.team)
    _note(telling, lead, reason, decision, spell.assignment)
    lead = _own(telling, lead, spell, reason="assigned")
    lead = telling.say(
        lead,
        LeadAssigned(
            lead=lead.id,
            rep=spell.rep,
            assignment=spell.assignment,
            team=spell.team,
            rule=decision.rule,
            rule_version=decision.rule_version,
            strategy=decision.strategy,
            reason=reason,
            due=to_datetime(spell.due),
        ),
    )
    telling.notify(lead, "assigned")
    return lead


def claim(telling: Telling, lead: Lead, *, rep: str, team: str) -> Lead:
    """A rep takes the lead out of the pool."""
    pool_name = lead.stay.pool
    day = telling.rulebook.today(telling.now)
    telling.desk.reps.put(rep, telling.desk.reps[rep].with_claim(day))
    spell = _begin(telling, lead, rep=rep, team=team)
    lead = _own(telling, lead, spell, reason="claimed")
    return telling.say(
        lead,
        LeadClaimed(
            lead=lead.id,
            rep=rep,
            assignment=spell.assignment,
            pool=pool_name,
            due=to_datetime(spell.due),
        ),
    )


def transfer(telling: Telling, lead: Lead, *, rep: str, team: str, reason: str, rule: str = BY_HAND) -> Lead:
    """Ownership goes to ``rep`` at once; from nobody it is an assignment by ``rule``."""
    before = lead.spell
    spell = _begin(telling, lead, rep=rep, team=team)
    lead = _own(telling, lead, spell, reason="transferred")
    due = to_datetime(spell.due)
    if before is None:
        event: LeadAssigned | LeadTransferred = LeadAssigned(
            lead=lead.id,
            rep=rep,
            assignment=spell.assignment,
            team=team,
            rule=rule,
            rule_version=0,
            strategy=rule,
            reason=reason,
            due=due,
        )
    else:
        event = LeadTransferred(
            lead=lead.id,
            rep=rep,
            assignment=spell.assignment,
            from_rep=before.rep,
            reason=reason,
            due=due,
        )
    lead = telling.say(lead, event)
    telling.notify(lead, "assigned")
    return lead


def take_over(telling: Telling, lead: Lead, reason: str) -> Lead:
    """An owned lead moves to the team that the rules name for it now (R2), unless it is there already.

    Whoever has followed up within the rest keeps it, and a manager decides.
    """
    before = lead.spell
    assert before is not None
    rule = telling.rulebook.rules.first(case_of(telling, lead, reason).values)
    if rule is None or before.rep in telling.desk.teams[rule.team].members:
        return lead
    last = before.last_follow_up
    if last is not None and telling.now < last + telling.rulebook.takeover_rests:
        lead = telling.open_task(lead, "decide_takeover")
        telling.notify(lead, "decide_takeover", rep="")
        return lead
    decision = _look(telling, lead, reason)
    if decision.rep is None:
        _note(telling, lead, reason, decision)
        lead = telling.open_task(lead, "decide_takeover")
        telling.notify(lead, "decide_takeover", rep="")
        return lead
    _note(telling, lead, reason, decision, name_assignment(lead))
    telling.notify(lead, "taken_over", rep=before.rep)
    return transfer(telling, lead, rep=decision.rep, team=decision.team, reason=reason)


def pool(telling: Telling, lead: Lead, reason: str, *, previous: str | None = None) -> Lead:
    """Nobody owns the lead any more, and it lies in the public pool; one that lies there stays."""
    if lead.stay.place == "pool":
        return telling.save(lead)
    name = telling.rulebook.pool.pool
    lead = telling.save(move(lead, "pool", at=telling.now, reason=reason, pool=name))
    return telling.say(lead, LeadPooled(lead=lead.id, pool=name, reason=reason, previous_rep=previous))


def withdraw(telling: Telling, lead: Lead, reason: str) -> Lead:
    """The lead leaves the pool unowned: with marketing again."""
    name = lead.stay.pool
    lead = telling.save(move(lead, "marketing", at=telling.now, reason=reason))
    return telling.say(lead, LeadWithdrawn(lead=lead.id, pool=name, reason=reason))


def give_back(telling: Telling, lead: Lead, reason: str, *, by_clock: bool = False) -> Lead:
    """The lead is with marketing again and waits there for its next rise; its sales cycle is over."""
    spell = lead.spell
    assert spell is not None
    lead = move(lead, "marketing", at=telling.now, reason=reason)
    lead = telling.save(msgspec.structs.replace(lead, given_back=True, wanted=""))
    lead = telling.say(
        lead,
        LeadReturned(
            lead=lead.id, rep=spell.rep, assignment=spell.assignment, reason=reason, by_clock=by_clock
        ),
    )
    return set_status(telling, lead, status_after_cycle(lead), reason)


def end(
    telling: Telling, lead: Lead, reason: Literal["merged", "erased"], *, into: str | None = None
) -> Lead:
    """Nothing more is decided about this lead id: it was merged away or erased."""
    spell = lead.spell
    status = lead.status if lead.ruled_out is None else lead.ruled_out.status
    lead = msgspec.structs.replace(
        move(lead, reason, at=telling.now, reason=reason), wanted="", ruled_out=None, status=status
    )
    lead = telling.save(lead)
    if spell is not None:
        ended = OwnershipEnded(
            lead=lead.id, rep=spell.rep, assignment=spell.assignment, reason=reason, into=into
        )
        lead = telling.say(lead, ended)
    for kind in tuple(lead.tasks):
        lead = telling.close_task(lead, kind, reason)
    return lead


def set_status(telling: Telling, lead: Lead, status: Status, reason: str, *, by: str = "") -> Lead:
    """The lead's status moves, if it is another; ``by`` whom, if a person moves it."""
    if status == lead.status:
        return lead
    before = lead.status
    lead = telling.save(msgspec.structs.replace(lead, status=status))
    changed = LeadStatusChanged(lead=lead.id, from_status=before, to_status=status, reason=reason, by=by)
    return telling.say(lead, changed)


def case_of(telling: Telling, lead: Lead, reason: str) -> Case:
    """Return what a decision about the lead rests on."""
    attributes = attributes_of(telling.desk.profiles_of(lead.id))
    return Case(
        values=values_of(attributes, lead.tiers, reason=reason),
        former=lead.former,
        today=telling.rulebook.today(telling.now),
        now=telling.now,
        rests=telling.rulebook.pool.waits,
    )


def _look(telling: Telling, lead: Lead, reason: str) -> Decision:
    desk = telling.desk
    decision, team = decide(
        telling.rulebook.rules, case_of(telling, lead, reason), reps=desk.reps, teams=desk.teams
    )
    if team is not None:
        desk.teams.put(team.team, team)
    return decision


def _note(telling: Telling, lead: Lead, reason: str, decision: Decision, assignment: str = "") -> None:
    telling.write(DecisionMade(lead.id, telling.now, telling.fact.id, reason, assignment, decision))


def _begin(telling: Telling, lead: Lead, *, rep: str, team: str) -> Spell:
    sla = telling.rulebook.sla
    return begin_spell(
        sla,
        sla.policy_for(case_of(telling, lead, "").values),
        assignment=name_assignment(lead),
        rep=rep,
        team=team,
        at=max(telling.now, lead.stay.since),
    )


def _own(telling: Telling, lead: Lead, spell: Spell, *, reason: str) -> Lead:
    lead = move(lead, "owned", at=telling.now, reason=reason, spell=spell)
    return telling.save(msgspec.structs.replace(lead, given_back=False, wanted=""))
