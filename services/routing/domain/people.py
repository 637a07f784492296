"""Teams and reps: the document that people write, and each rep as decisions see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.kernel.faults import Fault

RepId = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""How a rep is known everywhere; it names nobody."""

TeamName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
Capacity = Annotated[int, Meta(ge=0, le=100_000)]


class Leave(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Days on which a rep is away, both included, in the calendar's zone."""

    first_day: Day
    last_day: Day

    def covers(self, day: date) -> bool:
        """Return whether ``day`` is one of them."""
        return self.first_day <= day.isoformat() <= self.last_day


class RepDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rep. Without regions or product lines they take all; an unknown region or line suits everybody.

    ``capacity`` is how many leads they may own at once, won ones not counted.
    """

    rep: RepId
    name: str = ""
    capacity: Capacity
    regions: tuple[str, ...] = ()
    product_lines: tuple[str, ...] = ()
    leave: tuple[Leave, ...] = ()


class TeamDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A team; ``members`` in the order in which a fresh team takes turns."""

    team: TeamName
    label: Mapping[str, str] = {}
    members: tuple[RepId, ...] = ()


class PeopleDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All reps and teams: the base from which commands depart."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    reps: tuple[RepDocument, ...]
    teams: tuple[TeamDocument, ...]


class Rep(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A rep as they are now. ``load`` counts the leads that take their capacity.

    ``leave`` is what the document and commands said; ``claims`` counts claims of ``claim_day``.
    """

    id: str
    is_active: bool = True
    capacity: int = 0
    regions: tuple[str, ...] = ()
    product_lines: tuple[str, ...] = ()
    leave: tuple[Leave, ...] = ()
    load: int = 0
    claims: int = 0
    claim_day: str = ""

    def is_away(self, day: date) -> bool:
        """Return whether they are on leave on ``day``."""
        return any(leave.covers(day) for leave in self.leave)

    @property
    def is_full(self) -> bool:
        """True if they may take no more."""
        return self.load >= self.capacity

    def claims_on(self, day: date) -> int:
        """Return how often they have claimed on ``day``."""
        return self.claims if self.claim_day == day.isoformat() else 0

    def with_claim(self, day: date) -> Rep:
        """Return them with one more claim on ``day``."""
        return msgspec.structs.replace(self, claims=self.claims_on(day) + 1, claim_day=day.isoformat())


def find_faults(document: PeopleDocument) -> list[Fault]:
    """Return what does not fit together: repeated names, members that are nobody, leave that ends early."""
    faults: list[Fault] = []
    reps = [rep.rep for rep in document.reps]
    teams = [team.team for team in document.teams]
    for kind, names in (("reps", reps), ("teams", teams)):
        faults += [
            Fault(f"{kind}[{place}]", f"{name} is there already; names are unique")
            for place, name in enumerate(names)
            if name in names[:place]
        ]
    for place, team in enumerate(document.teams):
        faults += [
            Fault(f"teams[{place}].members", f"{member} is no rep of this document")
            for member in team.members
            if member not in reps
        ]
    for place, rep in enumerate(document.reps):
        faults += [
            Fault(f"reps[{place}].leave[{number}]", problem)
            for number, leave in enumerate(rep.leave)
            if (problem := fault_of(leave))
        ]
    return faults


def fault_of(leave: Leave) -> str | None:
    """Return what is wrong with a leave, None if nothing is."""
    try:
        first, last = date.fromisoformat(leave.first_day), date.fromisoformat(leave.last_day)
    except ValueError:
        return "is no day of the calendar; write days as 2026-05-01"
    return "ends before it begins" if last < first else None


def renew(rep: Rep | None, document: RepDocument) -> Rep:
    """Return a rep as a new version of the document has them; load and claims stay what they are."""
    before = rep or Rep(id=document.rep)
    return msgspec.structs.replace(
        before,
        is_active=True,
        capacity=document.capacity,
        regions=document.regions,
        product_lines=document.product_lines,
        leave=document.leave,
    )


def suits(wanted: tuple[str, ...], value: object) -> bool:
    """Return whether a region or product line is among those that a rep takes, whole or as a part.

    ``CN-SH`` lies within ``CN``; what is not known suits everybody.
    """
    if not wanted or not isinstance(value, str) or not value:
        return True
    return any(value == one or value.startswith(f"{one}-") for one in wanted)
