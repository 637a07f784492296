"""The clocks of a spell: which run, and when they ring.

While the first follow-up is awaited: warnings, then ``overdue`` where the recall comes later than the
breach, then ``recall``. After it: ``remind``, then ``return``. A due instant may be a closing; its clock
rings at the next opening, and whoever acts until then is in time (R4).

With an open opportunity the owner is reminded, and the lead is not taken away; a won one ends all clocks.
"""

from __future__ import annotations

from typing import Final

import msgspec

from services.routing.domain.lead import Lead, Spell
from services.routing.domain.sla.policies import Policy, Sla
from shared.kernel.instants import Instant
from shared.working_time.calendar import Calendar

WARN: Final = "warn"
OVERDUE: Final = "overdue"
RECALL: Final = "recall"
REMIND: Final = "remind"
RETURN: Final = "return"


def begin_spell(sla: Sla, policy: Policy, *, assignment: str, rep: str, team: str, at: Instant) -> Spell:
    """Return a spell that begins ``at``, its first clocks running."""
    calendar = sla.calendar
    due = policy.respond.due(calendar, at)
    recall_due = max(due, policy.recall.due(calendar, at))
    breach_at = calendar.next_opening(due)
    recall_at = calendar.next_opening(recall_due)
    clocks = {
        f"{WARN}_{round(share * 100)}": rings
        for share in policy.warn_at
        if at < (rings := _share(calendar, at, due, share)) < breach_at
    }
    if breach_at < recall_at:
        clocks[OVERDUE] = breach_at
    clocks[RECALL] = recall_at
    return Spell(
        assignment=assignment,
        rep=rep,
        team=team,
        policy=policy.name,
        began=at,
        due=due,
        breach_at=breach_at,
        recall_due=recall_due,
        clocks=clocks,
    )


def _share(calendar: Calendar, start: Instant, due: Instant, share: float) -> Instant:
    whole = calendar.working_between(start, due)
    return calendar.next_opening(calendar.add_working(start, int(whole * share)))


def hand_over(spell: Spell, *, assignment: str, team: str, at: Instant) -> Spell:
    """Return a spell of the same rep under another lead id, with its clocks as they stand.

    A merge neither gives a rep more time nor takes any.
    """
    return msgspec.structs.replace(spell, assignment=assignment, team=team, began=at)


def follow_up(sla: Sla, lead: Lead, spell: Spell, at: Instant) -> Spell:
    """Return the spell after a follow-up that counts: the reminder's clock runs anew."""
    days = sla.follow_up_days(lead.tiers, is_customer=lead.is_customer)
    remind_at = sla.calendar.next_opening(sla.calendar.add_calendar_days(at, days))
    return msgspec.structs.replace(
        spell,
        first_follow_up=at if spell.first_follow_up is None else spell.first_follow_up,
        last_follow_up=at,
        reminded=None,
        clocks={REMIND: remind_at} if lead.busy_rep else {},
    )


def remind(sla: Sla, lead: Lead, spell: Spell, at: Instant) -> Spell:
    """Return the spell after its reminder rang ``at``: the return's clock runs, unless a deal is open."""
    clocks = {} if lead.has_open_opportunity else {RETURN: takes_back_at(sla, at)}
    return msgspec.structs.replace(spell, reminded=at, clocks=clocks)


def takes_back_at(sla: Sla, reminded: Instant) -> Instant:
    """Return when a lead goes back to marketing whose owner was reminded then and does nothing."""
    due = sla.calendar.add_working_days(reminded, sla.follow_up.return_after_working_days)
    return sla.calendar.next_opening(due)


def next_follow_up(spell: Spell) -> Instant | None:
    """Return when the next follow-up's reminder rings, None if none is set."""
    return spell.clocks.get(REMIND)


def rang(spell: Spell, name: str) -> Spell:
    """Return the spell without the clock that rang."""
    clocks = {other: due for other, due in spell.clocks.items() if other != name}
    return msgspec.structs.replace(spell, clocks=clocks)


def fit_to_deals(sla: Sla, lead: Lead) -> Spell | None:
    """Return the lead's spell with the clocks that suit its opportunities as they are now.

    A first follow-up is owed whatever deals there are; after it, an open deal silences the return, and
    a customer without an open deal has no clock at all.
    """
    spell = lead.spell
    if spell is None or spell.first_follow_up is None:
        return spell
    if lead.busy_rep is None:
        return msgspec.structs.replace(spell, clocks={})
    if lead.has_open_opportunity:
        clocks = {name: due for name, due in spell.clocks.items() if name != RETURN}
    else:
        clocks = dict(spell.clocks)
    if not clocks and spell.reminded is None:
        return follow_up(sla, lead, spell, spell.last_follow_up or spell.began)
    if not clocks and not lead.has_open_opportunity and spell.reminded is not None:
        return remind(sla, lead, spell, spell.reminded)
    return msgspec.structs.replace(spell, clocks=clocks)


def expires_at(lead: Lead) -> Instant | None:
    """Return when its owner loses a lead if nothing happens, None if no such clock runs."""
    clocks = {} if lead.spell is None else lead.spell.clocks
    return clocks.get(RECALL, clocks.get(RETURN))


def clocks_owed(lead: Lead) -> frozenset[str]:
    """Return which clocks must be set for a lead as it stands, warnings aside.

    The audit holds the stored ones against it: no clock without an owner, no owner without clock.
    """
    spell = lead.spell
    if spell is None:
        return frozenset()
    if spell.first_follow_up is None:
        return frozenset({RECALL})
    if lead.busy_rep is None:
        return frozenset()
    if spell.reminded is None:
        return frozenset({REMIND})
    return frozenset() if lead.has_open_opportunity else frozenset({RETURN})
