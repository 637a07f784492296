"""What a batch of facts may touch: more than it will, and never less."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from services.routing.domain import commands
from services.routing.domain.facts import (
    Activated,
    DealHeard,
    LeadJudged,
    ProfileErased,
    ProfileHeard,
    ProfileMoved,
    ProfileReleased,
    TierMoved,
)
from services.routing.domain.lead import Lead
from services.routing.domain.profiles import Profile
from shared.kernel.changes import Fact, TimerFired

_ASSIGNING: Final = (
    Activated,
    ProfileMoved,
    ProfileReleased,
    commands.ClaimLead,
    commands.TransferLead,
    commands.SetStatus,
)
_ENDING: Final = (DealHeard, LeadJudged, ProfileErased, TimerFired, commands.Command)


class Needs:
    """Sorts facts by what they need: leads by id, leads by profile, teams, reps."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.leads: set[str] = set()
        self.profiles: set[str] = set()
        self.moving: set[str] = set()
        self.erases = False
        self.reps: set[str] = set()
        self.latest = max(fact.received for fact in facts)
        self.is_command = False
        self._ending: set[str] = set()
        self._assigns = False
        for fact in facts:
            self._note(fact)

    def _note(self, fact: Fact) -> None:
        event = fact.event
        match event:
            case commands.AddLeave() | commands.CancelLeave() | commands.SetCapacity():
                self.reps.add(event.rep)
                self.is_command = True
                return
            case ProfileMoved():
                self.profiles |= {event.profile, event.lead, event.from_lead}
                self.moving.add(event.profile)
            case ProfileErased():
                self.profiles |= {event.profile, event.lead}
                self.erases = True
            case ProfileHeard() | ProfileReleased() | DealHeard() | LeadJudged():
                self.profiles.add(event.profile)
            case _:
                self.leads.add(fact.key)
                self.is_command = self.is_command or isinstance(event, commands.Command)
        self._assigns = self._assigns or isinstance(event, _ASSIGNING)
        self._assigns = self._assigns or (isinstance(event, TierMoved) and event.rises)
        self._assigns = self._assigns or (isinstance(event, LeadJudged) and not event.is_invalid)
        if isinstance(event, _ENDING):
            self._ending.add(fact.key)
            if isinstance(event, ProfileErased):
                self._ending.add(event.lead)

    def may_assign(self, leads: Iterable[Lead]) -> bool:
        """Return whether somebody may be looked for: then all teams and reps are needed."""
        return self._assigns or any(lead.wanted for lead in leads)

    def owners(
        self, leads: Mapping[str, Lead], profiles: Mapping[str, Profile], ringing: Collection[str]
    ) -> set[str]:
        """Return the reps whose load may change."""
        ending = {*ringing, *(one for key in self._ending for one in follow(key, profiles))}
        return {
            lead.spell.rep
            for one in ending
            if (lead := leads.get(one)) is not None and lead.spell is not None
        }


def follow(profile: str, profiles: Mapping[str, Profile]) -> list[str]:
    """Return the leads on the way from a profile to where it lives, as far as these profiles tell."""
    way = [profile]
    while (known := profiles.get(way[-1])) is not None and known.lead not in way:
        way.append(known.lead)
    return way
