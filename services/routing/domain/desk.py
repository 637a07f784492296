"""The desk: the rows that one batch works on, under locks, and all bookkeeping that a changed lead brings.

However a handler changes a lead, its history, its rep's load and its timers follow here, so no path to
or from ownership can miss one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from services.routing.domain.assignment.turns import TeamTurns
from services.routing.domain.lead import GONE, Lead, Spell, open_lead
from services.routing.domain.people import Rep
from services.routing.domain.profiles import Profile
from services.routing.domain.rows import Row, StayBegan, StayEnded
from services.routing.domain.shelf import Shelf
from shared.kernel.changes import TimerKey
from shared.kernel.instants import Instant


@dataclass(slots=True)
class Desk:
    """Leads, profiles, reps and teams of one batch. ``rows`` are to be appended.

    ``timers`` are those that the fact in hand sets or silences. ``notes`` counts the notes there are of
    leads that may be scrubbed.
    """

    leads: Shelf[Lead] = field(default_factory=Shelf)
    profiles: Shelf[Profile] = field(default_factory=Shelf)
    reps: Shelf[Rep] = field(default_factory=Shelf)
    teams: Shelf[TeamTurns] = field(default_factory=Shelf)
    rows: list[Row] = field(default_factory=list)
    timers: dict[TimerKey, Instant | None] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    _rows_before: int = 0
    _of_lead: dict[str, set[str]] = field(default_factory=dict)
    _moved: list[tuple[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for profile in self.profiles.values():
            self._of_lead.setdefault(profile.lead, set()).add(profile.id)

    def begin_fact(self) -> None:
        """From here on :meth:`undo_fact` comes back to here."""
        for shelf in (self.leads, self.profiles, self.reps, self.teams):
            shelf.begin()
        self._rows_before = len(self.rows)
        self._moved.clear()
        self.timers = {}

    def undo_fact(self) -> None:
        """Make everything as it was when the fact in hand began."""
        for profile_id, before in reversed(self._moved):
            self._of_lead[self.profiles[profile_id].lead].discard(profile_id)
            if before is not None:
                self._of_lead.setdefault(before, set()).add(profile_id)
        for shelf in (self.leads, self.profiles, self.reps, self.teams):
            shelf.undo()
        del self.rows[self._rows_before :]
        self._moved.clear()
        self.timers = {}

    def profile(self, profile_id: str) -> Profile:
        """Return a profile; one that nothing is known of lives with the lead that it began."""
        return self.profiles.get(profile_id) or Profile(id=profile_id, lead=profile_id)

    def save_profile(self, profile: Profile) -> None:
        """Put a profile, wherever it lives now."""
        before = self.profiles.get(profile.id)
        if before is None or before.lead != profile.lead:
            if before is not None:
                self._of_lead[before.lead].discard(profile.id)
            self._of_lead.setdefault(profile.lead, set()).add(profile.id)
            self._moved.append((profile.id, None if before is None else before.lead))
        self.profiles.put(profile.id, profile)

    def profiles_of(self, lead_id: str) -> Iterable[Profile]:
        """Return the profiles that live with a lead."""
        return [self.profiles[one] for one in self._of_lead.get(lead_id, ())]

    def home_of(self, lead_id: str) -> str:
        """Return the lead under which this one is known now: itself, or where its own profile went.

        Moves of several profiles are heard in any order, so for a while two may live with each other;
        then the one that still stands is meant, of two the smaller id.
        """
        way = [lead_id]
        while (following := self.profile(way[-1]).lead) != way[-1]:
            if following in way:
                ring = way[way.index(following) :]
                return min(ring, key=lambda one: (self.is_decided(one), one))
            way.append(following)
        return way[-1]

    def leads_behind(self, lead_id: str) -> list[str]:
        """Return the leads whose own profiles live with this one, or with one that does, nearest first."""
        found = [lead_id]
        for one in found:
            found += sorted(self._of_lead.get(one, set()) - set(found))
        return found[1:]

    def open_lead(self, lead_id: str, *, at: Instant, cause: str) -> Lead:
        """Return a lead, beginning it if nothing was known of it."""
        lead = self.leads.get(lead_id)
        if lead is None:
            lead = open_lead(lead_id, at)
            self.leads.put(lead_id, lead)
            self.rows.append(StayBegan(lead_id, lead.stay, cause))
        return lead

    def save_lead(self, lead: Lead, *, cause: str) -> None:
        """Put a lead that has changed; its history, its reps' loads and its timers follow."""
        before = self.leads[lead.id]
        self.leads.put(lead.id, lead)
        if lead.stay.number != before.stay.number:
            self.rows.append(StayEnded(lead.id, before.stay.number, lead.stay.since, lead.stay.reason))
            self.rows.append(StayBegan(lead.id, lead.stay, cause))
        if before.busy_rep != lead.busy_rep:
            self._shift_load(before.busy_rep, -1)
            self._shift_load(lead.busy_rep, +1)
        self._set_timers(lead.id, _clocks(before.spell), _clocks(lead.spell))

    def _shift_load(self, rep_id: str | None, by: int) -> None:
        if rep_id is not None:
            rep = self.reps[rep_id]
            self.reps.put(rep_id, msgspec.structs.replace(rep, load=rep.load + by))

    def _set_timers(self, lead: str, before: Mapping[str, Instant], after: Mapping[str, Instant]) -> None:
        for name in before.keys() | after.keys():
            if before.get(name) != after.get(name):
                self.timers[TimerKey(lead, name)] = after.get(name)

    def is_decided(self, lead_id: str) -> bool:
        """Return whether nothing more is decided about a lead: merged away or erased."""
        lead = self.leads.get(lead_id)
        return lead is not None and lead.stay.place in GONE


def _clocks(spell: Spell | None) -> Mapping[str, Instant]:
    return {} if spell is None else spell.clocks
