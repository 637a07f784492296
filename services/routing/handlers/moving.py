"""Profiles: what is said of them, where they live, and that they are to be forgotten.

A merge leaves one owner: the surviving lead's, else the other's with their clock as it stands. An
un-merge takes nothing back that was assigned meanwhile; the lead that comes back is with marketing.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from services.routing.domain.facts import ProfileErased, ProfileHeard, ProfileMoved
from services.routing.domain.lead import Lead, RuledOut, Spell, move, name_assignment
from services.routing.domain.pipeline.opportunities import further
from services.routing.domain.profiles import hear, scrub
from services.routing.domain.rows import LeadScrubbed
from services.routing.domain.sla.clocks import hand_over
from services.routing.handlers.converting import convert_or_ask, refit
from services.routing.handlers.judging import apply_verdict
from services.routing.handlers.ownership import end, is_held_back, set_status
from services.routing.handlers.reaching import settle
from services.routing.handlers.telling import Telling
from shared.contracts.events.assignments import LeadTransferred
from shared.contracts.events.erasures import PersonalDataRemoved
from shared.kernel.changes import Emission
from shared.kernel.instants import to_datetime


def on_profile_heard(telling: Telling, event: ProfileHeard) -> None:
    """A lead was captured or has changed: it may be reachable now."""
    desk = telling.desk
    profile = desk.profile(event.profile)
    if profile.erased:
        return
    profile = hear(
        profile,
        event.attributes,
        reachable=event.reachable,
        source=event.source,
        campaign=event.campaign,
        at=event.occurred,
    )
    if event.held is not None:
        profile = msgspec.structs.replace(profile, held=event.held)
    desk.save_profile(profile)
    settle(telling, telling.lead(desk.home_of(profile.lead)))


def on_profile_moved(telling: Telling, event: ProfileMoved) -> None:
    """A profile lives with another lead from now on, unless a later move is known."""
    desk = telling.desk
    before = desk.profile(event.profile)
    if event.version <= before.version:
        return
    left, own = desk.home_of(before.lead), telling.lead(event.profile)
    telling.lead(event.lead)
    desk.save_profile(msgspec.structs.replace(before, lead=event.lead, version=event.version))
    if own.stay.place == "merged" and event.lead == own.id:
        apply_verdict(telling, telling.save(move(own, "marketing", at=telling.now, reason="unmerged")))
    for lead_id in (own.id, *desk.leads_behind(own.id)):
        lead, home = telling.lead(lead_id), desk.home_of(lead_id)
        if home != lead_id and not lead.is_gone:
            _merge(telling, lead, telling.lead(home))
    for lead_id in sorted({own.id, desk.home_of(event.lead), left}):
        settle(telling, telling.lead(lead_id))


def _merge(telling: Telling, loser: Lead, winner: Lead) -> Lead:
    """The loser's id ends; what sales knew of it counts for the winner. Returns the winner."""
    spell, before = loser.spell, loser
    if spell is not None or not is_held_back(telling, winner):
        telling.notify(loser, "merged_away")
    end(telling, loser, "merged", into=winner.id)
    if winner.stay.place == "erased":
        return winner
    winner = refit(telling, _absorb(winner, before))
    if winner.ruled_out is not None:
        return _wait_for_verdict(telling, winner, winner.ruled_out, before)
    if spell is not None and winner.spell is None:
        winner = _inherit(telling, winner, spell)
    winner = set_status(telling, winner, further(winner.status, before.status), "merged")
    return winner if is_held_back(telling, winner) else convert_or_ask(telling, winner)


def _absorb(winner: Lead, loser: Lead) -> Lead:
    deals = dict(loser.opportunities)
    for name, deal in winner.opportunities.items():
        if name not in deals or deal.at >= deals[name].at:
            deals[name] = deal
    former = dict(loser.former)
    for rep, at in winner.former.items():
        former[rep] = max(at, former.get(rep, at))
    last = max((winner, loser), key=lambda one: one.last_follow_up or 0)
    return msgspec.structs.replace(
        winner,
        opportunities=deals,
        former=former,
        handover={**loser.handover, **winner.handover},
        last_follow_up=last.last_follow_up,
        last_way=last.last_way,
        activated_cycle=max(winner.activated_cycle, loser.activated_cycle),
        converted_cycle=max(winner.converted_cycle, loser.converted_cycle),
        wanted=winner.wanted or loser.wanted,
    )


def _wait_for_verdict(telling: Telling, winner: Lead, ruled: RuledOut, loser: Lead) -> Lead:
    """An invalid winner takes nobody's owner; should it turn out to be valid, it has the loser's."""
    spell = loser.spell
    if not ruled.rep and spell is not None:
        ruled = msgspec.structs.replace(ruled, rep=spell.rep, team=spell.team)
    status = further(ruled.status, loser.status)
    ruled = msgspec.structs.replace(ruled, status=status)
    return telling.save(msgspec.structs.replace(winner, ruled_out=ruled))


def _inherit(telling: Telling, winner: Lead, spell: Spell) -> Lead:
    """The loser's owner owns the winner, with their clock as it stands: no time is won or lost."""
    mine = hand_over(
        spell,
        assignment=name_assignment(winner),
        team=spell.team,
        at=max(telling.now, winner.stay.since),
    )
    winner = move(winner, "owned", at=telling.now, reason="merged", spell=mine)
    winner = refit(telling, msgspec.structs.replace(winner, wanted="", given_back=False))
    return telling.say(
        winner,
        LeadTransferred(
            lead=winner.id,
            rep=mine.rep,
            assignment=mine.assignment,
            from_rep=mine.rep,
            reason="merged",
            due=to_datetime(mine.due),
        ),
    )


def on_profile_erased(telling: Telling, event: ProfileErased) -> None:
    """The person asked to be forgotten: nobody is to act, nothing that names them stays (for good)."""
    desk = telling.desk
    profile = desk.profile(event.profile)
    removed: Counter[str] = Counter()
    if not profile.erased:
        removed["profile"] += 1
        desk.save_profile(scrub(profile))
    for lead_id in sorted({desk.home_of(event.lead), profile.id}):
        lead = telling.lead(lead_id)
        if lead.stay.place == "erased":
            continue
        lead = end(telling, lead, "erased")
        removed["lead.handover"] += len(lead.handover)
        telling.save(msgspec.structs.replace(lead, handover={}, former={}))
        removed["follow_up.note"] += desk.notes.get(lead.id, 0)
        telling.write(LeadScrubbed(lead.id))
    told = PersonalDataRemoved(
        lead=event.lead, profile=event.profile, service="routing", removed=dict(sorted(removed.items()))
    )
    telling.emissions.append(Emission(told, event.profile, event.lead, telling.now))
