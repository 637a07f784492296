"""What nurture does on learning something: rows change on the desk, and runs follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from services.nurture.domain import learnt
from services.nurture.domain.course import Course, Rules
from services.nurture.domain.desk import Desk
from services.nurture.domain.leads import Contact, Profile, Tier, Told, hear
from services.nurture.handlers.telling import tell
from shared.contracts.events.erasures import PersonalDataRemoved
from shared.kernel.changes import Emission, Fact, Ruling, TimerFired


class NurtureHandlers:
    """The pure step of the service, by one set of rules."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def handle(self, desk: Desk, fact: Fact) -> Ruling:
        """Take in one fact; it changes rows of the desk, and returns what is said and which clocks are set.

        :raises Rejected: if the fact can never be used.
        """
        course = Course(desk, self._rules, now=fact.received, cause=fact.id, traceparent=fact.traceparent)
        event = fact.event
        removal = [_removal(desk, event, fact)] if isinstance(event, learnt.ProfileErased) else []
        if isinstance(event, TimerFired):
            course.ring(fact.key)
        elif isinstance(event, learnt.RecordResults):
            for result in event.results:
                course.settle(result.message, result.state, reason=result.reason)
        else:
            for lead in dict.fromkeys(_take_in(desk, event)):
                course.look_at(lead)
        emissions, rows = tell(course.said, fact)
        desk.said += rows
        return Ruling([*emissions, *removal], course.timers)


def _removal(desk: Desk, erasure: learnt.ProfileErased, fact: Fact) -> Emission:
    """Say what is about to be scrubbed; the desk is as it was before.

    A contact that a tombstone has emptied already counts: which of the two topics is faster is chance.
    """
    named = {erasure.lead, desk.home_of(erasure.profile, erasure.lead), erasure.profile}
    contacts = sum(1 for lead in named if desk.contacts.find(lead) is not None)
    profile = desk.profiles.find(erasure.profile)
    attributes = 0 if profile is None or profile.is_erased else len(profile.attributes)
    told = PersonalDataRemoved(
        lead=erasure.lead,
        profile=erasure.profile,
        service="nurture",
        removed={"contact": contacts, "profile.attributes": attributes},
    )
    return Emission(told, erasure.profile, erasure.lead, fact.received)


def leads_of(desk: Desk, fact: Fact) -> Iterable[str]:
    """Return the leads whose clocks ring before a fact."""
    named = list(learnt.leads_in(fact.event))
    profile = learnt.profile_in(fact.event)
    if profile is not None:
        named.append(desk.home_of(profile, named[0]))
    return sorted({*named})


def _take_in(desk: Desk, event: object) -> Iterable[str]:
    """Change what is known; return the leads for which that may matter."""
    match event:
        case learnt.ContactTold(contact):
            return _take_contact(desk, contact)
        case learnt.ContactGone(lead):
            known = desk.contacts.find(lead)
            if known is not None:
                desk.contacts.put(lead, Contact(lead=lead, version=known.version))
            return (lead,)
        case learnt.TierTold(lead, model, tier, direction):
            standing = desk.lead(lead)
            tiers = {**standing.tiers, model: Tier(tier, direction)}
            desk.lead_rows.put(lead, replace(standing, tiers=tiers))
            return (lead,)
        case learnt.OwnerTold(lead, rep):
            desk.lead_rows.put(lead, replace(desk.lead(lead), owner=rep))
            return (lead,)
        case learnt.ValidityTold() | learnt.VerdictTold():
            return _take_verdict(desk, event)
        case learnt.ProfileMoved():
            return _take_move(desk, event)
        case learnt.ProfileErased():
            return _take_erasure(desk, event)
        case learnt.ProfileTold() | learnt.ProfileReleased() | learnt.DealTold() | learnt.MailRefused():
            return _take_word(desk, event)
        case _:
            raise AssertionError(f"no handler for {type(event).__name__}")


def _take_verdict(desk: Desk, event: learnt.ValidityTold | learnt.VerdictTold) -> Iterable[str]:
    """Note whether a lead is invalid: sales' word, or the front door's, of which the highest holds."""
    standing = desk.lead(event.lead)
    if isinstance(event, learnt.ValidityTold):
        desk.lead_rows.put(event.lead, replace(standing, is_invalid=event.is_invalid))
    elif event.number > standing.verdict:
        changed = replace(standing, is_ruled_out=event.is_invalid, verdict=event.number)
        desk.lead_rows.put(event.lead, changed)
    return (event.lead,)


def _take_contact(desk: Desk, contact: Contact) -> Iterable[str]:
    known = desk.contacts.find(contact.lead)
    if desk.lead(contact.lead).is_erased or (known is not None and known.version >= contact.version):
        return ()
    desk.contacts.put(contact.lead, contact)
    return (contact.lead,)


def _take_move(desk: Desk, move: learnt.ProfileMoved) -> Iterable[str]:
    """Let a profile live elsewhere, unless a later move of it is known."""
    profile = desk.profiles.find(move.profile) or Profile(id=move.profile, lead=move.from_lead, is_stub=True)
    if move.version <= profile.version:
        return ()
    desk.profiles.put(move.profile, replace(profile, lead=move.lead, version=move.version))
    return (profile.lead, move.from_lead, move.lead)


def _take_erasure(desk: Desk, erasure: learnt.ProfileErased) -> Iterable[str]:
    """Forget what names the person: in every lead under which they were known."""
    home = desk.home_of(erasure.profile, erasure.lead)
    profile = desk.profiles.find(erasure.profile) or Profile(id=erasure.profile, lead=home)
    desk.profiles.put(
        profile.id, Profile(id=profile.id, lead=profile.lead, version=profile.version, is_erased=True)
    )
    leads = dict.fromkeys((erasure.lead, home, erasure.profile))
    for lead in leads:
        desk.lead_rows.put(lead, replace(desk.lead(lead), is_erased=True))
        known = desk.contacts.find(lead)
        if known is not None:
            desk.contacts.put(lead, Contact(lead=lead, version=known.version))
    return leads


_Word = learnt.ProfileTold | learnt.ProfileReleased | learnt.DealTold | learnt.MailRefused


def _take_word(desk: Desk, event: _Word) -> Iterable[str]:
    """Add to what goes with a profile; of an erased person nothing is taken in any more."""
    known = desk.profiles.find(event.profile)
    profile = known or Profile(id=event.profile, lead=event.lead, is_stub=True)
    if profile.is_erased:
        return ()
    changed = _hear(profile, event)
    if changed != profile or known is None:
        desk.profiles.put(profile.id, changed)
    if isinstance(event, learnt.ProfileTold) and event.is_invalid:
        desk.lead_rows.put(event.lead, replace(desk.lead(event.lead), is_invalid=True))
    return (changed.lead,)


def _hear(profile: Profile, event: _Word) -> Profile:
    match event:
        case learnt.ProfileReleased():
            return replace(profile, is_held=False)
        case learnt.ProfileTold():
            attributes: Mapping[str, Told] = profile.attributes
            for name, value in event.attributes.items():
                attributes = hear(attributes, name, value, event.occurred)
            is_held = profile.is_held or event.is_held
            return replace(profile, attributes=attributes, is_held=is_held, is_stub=False)
        case learnt.DealTold():
            deals = hear(profile.deals, event.opportunity, event.standing, event.occurred)
            return replace(profile, deals=deals)
        case learnt.MailRefused():
            return replace(profile, has_refused=True)
